"""Plan D, the way back: the integration on again, a part of the users after the other; the backlog drained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.metric_minutes import ONE
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.step import Patience, Step, regions
from drcore.plans.d import charts, titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.partner_signals import of_partner, read_rates, too_high
from drcore.plans.d.paused import (
    all_flags,
    being_let_in,
    decided_cases,
    let_in_flags,
    not_let_in,
    nothing_paused,
    parts_to_let_in,
    staying_out,
    switching,
)
from drcore.plans.shared.flags import change_flags
from drcore.plans.shared.status_page import resolved
from drcore.record.evidence import Exhibit

# ── Let the integration in ───────────────────────────────────────────────────────────────────────────────────────────


def fails_again(run: DRun, region: str, partner: str) -> str:
    """What goes wrong in a region while a partner is let in, in words; empty where nothing does.

    Raises Unknown, Rejected.
    """
    rates, _ = read_rates(run, region, partner, *run.metrics.last(1))
    return "; ".join(f"{partner} fails again: {each}" for each in too_high(run, rates))


LET_IN = change_flags(
    titles.LET_IN,
    changes="the integration is on again in every region, a part of the users after the other; the banner goes",
    where=lambda run: run.facts.flags,
    parts=parts_to_let_in,
    of=all_flags,
    wanted=let_in_flags,
    idle=lambda run, target: not_let_in(run),
    phrase=switching("LET IN", let_in_flags),
    needs=(titles.DECIDE_BACK,),
    ramp=True,
    harm=fails_again,
    within=lambda run: 60 * run.facts.ramp_minutes,
    every=60,
)


# ── Drain the backlog ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a partner in a region, what it has throttled, by the last whole minute. None: not measured."""

    partner: str
    waiting: int | None
    throttled: int | None
    lost: int | None
    high: tuple[str, ...] = ()

    def describe(self) -> str:
        if None in (self.waiting, self.throttled, self.lost):
            return "not measured"
        text = f"{self.waiting} syncs wait, {self.throttled} calls throttled, {self.lost} syncs lost"
        return text + (f"; {'; '.join(self.high)}" if self.high else "")


@dataclass(frozen=True, slots=True)
class Drained:
    """The backlogs of a region."""

    backlogs: tuple[Backlog, ...] = field(metadata=label("backlog"))


def see_backlog(run: DRun, target: Target) -> Drained:
    until = run.metrics.until
    minute, backlogs = until - ONE, []
    for case in being_let_in(run) if run.history.intended(titles.LET_IN) else ():
        asked = [of_partner(run, case.partner, name) for name in ("Waiting", "Throttled", "Lost")]
        read = run.metrics.read(target.region, asked, minute, until)
        waiting, throttled, lost = (each.by_time.get(minute) for each in read)
        rates, _ = read_rates(run, target.region, case.partner, minute, until)
        backlogs.append(
            Backlog(case.partner, _int(waiting), _int(throttled), _int(lost), too_high(run, rates)),
        )
    return Drained(tuple(backlogs))


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)


def is_drained(run: DRun, target: Target, seen: Drained) -> Check:
    if not seen.backlogs:
        idle = nothing_paused(run)
        return yes(idle) if idle else no("nothing was let in yet")
    text = "; ".join(f"{each.partner}: {each.describe()}" for each in seen.backlogs)
    if any(None in (each.waiting, each.throttled, each.lost) for each in seen.backlogs):
        return unknown(text)
    bad = any(
        each.waiting > run.facts.backlog or each.high or each.throttled
        for each in seen.backlogs
        if each.waiting is not None
    )
    return no(text) if bad else yes(text)


def show_backlog(run: DRun, states: Mapping[Target, Drained]) -> Iterator[Exhibit]:
    names = parts_to_let_in(run)
    if names:
        yield charts.waiting(run, "drained-waiting", names)
        yield charts.calls_with_flag(run, "drained-calls", names)
        yield charts.error_rates(run, "drained-errors", names)


BACKLOG = Step(
    titles.BACKLOG,
    changes="nothing: waits until the syncs that waited are done, below the partner's rate limit",
    look=see_backlog,
    expect=is_drained,
    targets=regions,
    needs=(titles.LET_IN,),
    patience=Patience(within=lambda run: 60 * run.facts.drain_minutes + run.metrics.delay_s, every=60),
    shows=show_backlog,
)


# ── Tell users that it is resolved ───────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: DRun) -> str:
    """Of those that stay out, that they are paused still."""
    out, parts = staying_out(run), []
    for case in decided_cases(run):
        of = run.facts.words.resolved
        if case in out:
            of = run.facts.words.paused_ours if case.ours else run.facts.words.paused
        parts.append(of.replace("{partner}", run.facts.partners[case.partner].title))
    return " ".join(parts)


def stays_paused(run: DRun) -> str:
    """The incident is not over while a partner stays out; users are told how it stands."""
    out = ", ".join(case.partner for case in staying_out(run))
    return f"{out} stays paused" if out else ""


RESOLVED = resolved(titles.RESOLVED, words_resolved, needs=(titles.BACKLOG,), not_yet=stays_paused)


STEPS = (LET_IN, BACKLOG, RESOLVED)
