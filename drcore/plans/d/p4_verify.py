"""Plan D, the proof that users are spared: seen from the consumers, in every region, by entity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.engine.labels import label
from drcore.engine.metric_minutes import ONE
from drcore.engine.outcome import Between, Check, StepResult, Target, never, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step
from drcore.errors import Unknown
from drcore.plans.d import charts, titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.partner_signals import CallMinutes, banner_shown, is_calm, minutes_between, of_partner, read_minutes
from drcore.plans.d.paused import decided_cases, is_let_in, paused
from drcore.plans.shared.flag_profiles import place, taken_back
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes, judge, last_look, to_judge, too_early, when_good
from drcore.plans.shared.status_page import investigating
from drcore.record.evidence import Exhibit
from drcore.services import appconfig

OTHERS = "the other partners"


# ── Verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Paused:
    """A paused integration in one region: users whose flag is off, whose banner is on, of so many asked.

    By the metrics of the last whole minute: `calls` to the partner, jobs that wait, jobs that were lost, percent of the
    app's sessions that show the banner. None: not measured.
    """

    partner: str
    asked: int
    off: int
    banner: int
    calls: int | None
    waiting: int | None
    lost: int | None
    shown_percent: float | None

    def describe(self) -> str:
        def number(value: float | None, what: str) -> str:
            return f"{what} not measured" if value is None else f"{value:g} {what}"

        return (
            f"off for {self.off} of {self.asked} users asked, banner for {self.banner}; {number(self.calls, 'calls')}, "
            f"{number(self.waiting, 'syncs wait')}, {number(self.lost, 'lost')}, "
            f"{number(self.shown_percent, '% of sessions show the banner')}"
        )


@dataclass(frozen=True, slots=True)
class Spared:
    """Whether a region's users meet a partner's trouble: by the minute, by what each consumer has."""

    paused: tuple[Paused, ...] = field(metadata=label("paused"))
    trouble: tuple[str, ...] = field(metadata=label("partners in trouble"))
    unmeasured: tuple[str, ...] = field(metadata=label("partners not measured"))
    few: tuple[str, ...] = field(metadata=label("partners with too few calls to tell"))
    minutes: GoodMinutes = field(metadata=label(""))
    looks: GoodLooks = field(metadata=label("flags of the app's users"))
    taken_back: str = field(default="", metadata=label("the flags were taken back"))


def whose_users(run: DRun) -> list[Target]:
    """In each region each partner in trouble by itself, and all others together."""
    cases = [case.partner for case in decided_cases(run)]
    others = [OTHERS] if len(cases) < len(run.facts.partners) else []
    return [Target(region, thing) for region in run.service.regions for thing in (*cases, *others)]


def see_spared(run: DRun, target: Target) -> Spared:
    before: Spared | None = last_look(run, titles.VERIFY, target)
    region, cases = target.region, {case.partner: case for case in decided_cases(run)}
    names = (target.thing,) if target.thing in cases else tuple(n for n in run.facts.partners if n not in cases)
    since, until = span = to_judge(run, before.minutes if before else None)
    window = until - timedelta(minutes=run.facts.window_minutes)
    calls = read_minutes(run, region, names, min(since, window), until)
    held = [name for name in names if name in cases and cases[name].pause]
    off = tuple(name for name in held if not is_let_in(run, name))

    def is_good(minute: datetime) -> bool:
        return all(is_calm(run, calls, name, minute) for name in names) and not any(
            calls.calls(name, minute) for name in off
        )

    minutes, last = judge(span, is_good, before.minutes if before else None), until - ONE
    partners = tuple(_paused(run, region, name, calls.calls(name, last), last) for name in off)
    known = [name for name in names if calls.calls(name, last) is not None]
    answered = all(each.off == each.banner == each.asked for each in partners)
    return Spared(
        partners,
        tuple(name for name in known if not is_calm(run, calls, name, last)),
        tuple(name for name in names if name not in known),
        tuple(  # not where it is being let in: a run that was killed there finds it on for no user yet, or for some
            name for name in known if name not in held and _made(calls, name, window, until) < run.facts.minimum_sample
        ),
        minutes,
        (before.looks if before else GoodLooks()).then(answered, run.clock.now()),
        "" if answered else _taken_back(run, region),
    )


def _taken_back(run: DRun, region: str) -> str:
    at = place(run, region, run.facts.flags)
    return taken_back(run, region, at, appconfig.last_deployment(run.aws, region, at))


def _made(calls: CallMinutes, partner: str, since: datetime, until: datetime) -> float:
    """The calls to a partner in a span; a minute that was not measured adds none."""
    return sum(calls.calls(partner, minute) or 0 for minute in minutes_between(since, until))


def _paused(run: DRun, region: str, name: str, calls: float | None, minute: datetime) -> Paused:
    partner, users = run.facts.partners[name], run.facts.app_users
    had = [_flags(run, region, user) for user in users]
    asked = (of_partner(run, name, "Waiting"), of_partner(run, name, "Lost"), banner_shown(run, name))
    waiting, lost, shown = (each.by_time.get(minute) for each in run.metrics.read(region, asked, minute, minute + ONE))
    return Paused(
        name,
        len(users),
        sum(flags is not None and _enabled(flags, partner.integration) is False for flags in had),
        sum(flags is not None and _enabled(flags, partner.banner) is True for flags in had),
        None if calls is None else int(calls),
        None if waiting is None else int(waiting),
        None if lost is None else int(lost),
        None if shown is None else round(100 * shown, 1),
    )


def _flags(run: DRun, region: str, user: str) -> dict[str, Any] | None:
    """The flags of a user as the app gets them; None where no answer can tell. Asked once more: one error is normal."""
    for _ in range(2):
        try:
            reply = run.http.get(f"{run.service.api[region]}/v1/flags?user={user}", region=region)
        except Unknown:
            continue
        flags = reply.json.get("flags") if reply.status == 200 and isinstance(reply.json, dict) else None
        if isinstance(flags, dict):
            return flags
    return None


def _enabled(flags: Mapping[str, Any], flag: str) -> bool | None:
    value = flags.get(flag)
    enabled = value.get("enabled") if isinstance(value, dict) else None
    return enabled if isinstance(enabled, bool) else None


def is_spared(run: DRun, target: Target, seen: Spared) -> Check:
    troubles = [f"syncs with {name} fail" for name in seen.trouble]
    for jobs in seen.paused:
        if min(jobs.off, jobs.banner) < jobs.asked:
            troubles.append(f"{jobs.partner}: off for {jobs.off} of {jobs.asked} users, banner for {jobs.banner}")
        elif jobs.calls:
            troubles.append(f"{jobs.partner}: {jobs.calls} calls in the last whole minute")
        elif jobs.shown_percent is not None and jobs.shown_percent < run.facts.banner_percent:
            troubles.append(f"{jobs.partner}: {jobs.shown_percent:g} % of the app's sessions show the banner")
        if jobs.lost:
            troubles.append(f"{jobs.partner}: {jobs.lost} syncs were lost in the last whole minute")
    if seen.taken_back:
        return never(seen.taken_back)
    if troubles:
        return no("; ".join(troubles))
    untold = [each.partner for each in seen.paused if None in (each.calls, each.waiting, each.lost, each.shown_percent)]
    if seen.unmeasured or untold:
        return unknown(f"not measured: {', '.join(dict.fromkeys([*seen.unmeasured, *untold]))}; that is not zero")
    if seen.few:
        least, minutes = run.facts.minimum_sample, run.facts.window_minutes
        return unknown(f"too few calls to {', '.join(seen.few)} to tell: fewer than {least} in {minutes:g} minutes")
    if seen.minutes.since is None:
        return no("the last whole minute was not good")
    early = too_early(run, seen.minutes)
    if early:
        return early
    if not seen.paused:
        let_in = is_let_in(run, target.thing)
        return yes(f"{target.thing} is let in again, no sync fails" if let_in else f"syncs with {target.thing} work")
    return yes("; ".join(f"{each.partner}: {each.describe()}" for each in seen.paused))


def when_spared(result: StepResult) -> Between | datetime | None:
    """By the data of the minutes, and the flags of users; where nothing was bad, since when it was seen to be good."""
    if not result.since:
        return None
    seen: list[Spared] = list(result.states.values())
    at = when_good([each.minutes for each in seen], [each.looks for each in seen])
    return at or max((each.minutes.since for each in seen if each.minutes.since), default=result.since)


def show_spared(run: DRun, states: Mapping[Target, Spared]) -> Iterator[Exhibit]:
    names = tuple(case.partner for case in paused(run))
    yield charts.calls_with_flag(run, "verified-calls", names or tuple(run.facts.partners))
    if names:
        yield charts.error_rates(run, "verified-errors", names)
        yield charts.waiting(run, "verified-waiting", names)


VERIFY = Step(
    titles.VERIFY,
    changes="nothing: what consumers have, the calls to the partner, the banner, the syncs that wait",
    look=see_spared,
    expect=is_spared,
    targets=whose_users,
    needs=(titles.PAUSE,),
    patience=Patience(
        within=lambda run: 60 * run.facts.contain_minutes + run.metrics.delay_s,
        every=60,
        hold=lambda run: 60 * run.facts.hold_minutes,
    ),
    shows=show_spared,
    settles=Settles("healthy", at=when_spared),
)


# ── Tell users that it is paused ─────────────────────────────────────────────────────────────────────────────────────


def words_paused(run: DRun) -> str:
    """Only what is verified: whose trouble it is, that syncs wait and are not lost."""
    parts = []
    for case in paused(run):
        words = run.facts.words.paused_ours if case.ours else run.facts.words.paused
        parts.append(words.replace("{partner}", run.facts.partners[case.partner].title))
    return " ".join(parts) or words_page_only(run)


def words_page_only(run: DRun) -> str:
    names = [run.facts.partners[case.partner].title for case in decided_cases(run)]
    return " ".join(run.facts.words.page_only.replace("{partner}", name) for name in names)


PAUSED = investigating(
    titles.PAUSED,
    words_paused,
    needs=(titles.DECIDE,),
    headline="Syncing with a partner",
)


STEPS = (VERIFY, PAUSED)
