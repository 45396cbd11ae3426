"""Plan G, phase 13: users are well, they are told what was lost, the postmortem is begun, the incident is closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Between, Check, StepResult, Target, no, not_needed, unknown, yes
from drcore.engine.step import Patience, Settles, Step, regions
from drcore.learn.postmortem import Sentence
from drcore.plans.g import complaints, invariants, p09_imports, p09_waiting_jobs, public_words, titles
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.decisions import faulty_writers, remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.headcount import Headcount, since_the_comparison
from drcore.plans.g.invariants import Sample
from drcore.plans.g.p09_sign_off import conflicts
from drcore.plans.g.tables import in_use
from drcore.plans.g.user_impact import affected, impact
from drcore.plans.shared.close import close, drills
from drcore.plans.shared.deploy_freeze import unfreeze
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes, last_look, too_early, when_good
from drcore.plans.shared.postmortem import postmortem, seen_in
from drcore.plans.shared.status_page import resolved
from drcore.record.evidence import Exhibit, Table

# ── Users are well ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class UsersServed:
    """What users of a region got in the last whole minute, and a sample of their items."""

    complaints: Complaints = field(metadata=label(""))
    sample: Sample = field(metadata=label(""))
    headcount: Headcount = field(metadata=label(""))
    minutes: GoodMinutes = field(metadata=label(""))
    looks: GoodLooks = field(metadata=label("samples"))


def see_served(run: GRun, target: Target) -> UsersServed:
    before: UsersServed | None = last_look(run, titles.USERS, target)
    seen, minutes = complaints.read_served(run, target.region, before.minutes if before else None)
    sample = invariants.take(run, target.region, suspects=faulty_writers(run))
    headcount = since_the_comparison(run, sample)
    looks = before.looks if before else GoodLooks()
    good = not _corrupted(run, sample) and not _gone(run, headcount)
    return UsersServed(seen, sample, headcount, minutes, looks.then(good, run.clock.now()))


def _corrupted(run: GRun, sample: Sample) -> list[str]:
    """Users of the sample whose items break an invariant, or were last written by the faulty release."""
    return sorted({*(each.user for each in sample.defects), *sample.suspect} - set(conflicts(run)))


def _gone(run: GRun, headcount: Headcount) -> bool:
    """Whether more items are gone since the comparison than a few that their owners removed."""
    return headcount.percent >= run.facts.thresholds.share_percent


def users_are_well(run: GRun, target: Target, seen: UsersServed) -> Check:
    trouble = complaints.failing(run, seen.complaints)
    bad = _corrupted(run, seen.sample)
    if bad:
        trouble.append(f"{len(bad)} of {seen.sample.size} users have corrupted items, such as {bad[0]}")
    if _gone(run, seen.headcount):
        trouble.append(str(seen.headcount))
    if trouble:
        return no("; ".join(trouble))
    if not seen.sample.size:
        return unknown(f"{seen.sample}: that is not the same as none that is corrupted")
    if seen.complaints.error_percent is None:
        return unknown(f"{seen.complaints.requests} requests in the last whole minute are too few to tell")
    if seen.minutes.newly_bad:
        return no(f"the minute {seen.minutes.newly_bad:%H:%M} was not good")
    return too_early(run, seen.minutes) or yes(
        f"{seen.complaints.error_percent:g} % errors in {seen.complaints.requests} requests; {seen.complaints.lines} "
        f"log lines, {seen.complaints.tickets} tickets in the last whole minute; {seen.sample}"
    )


def when_well(result: StepResult) -> Between | datetime | None:
    """By the data of the minutes, and our own samples: the look that read them came later."""
    if not result.since:
        return None
    seen: list[UsersServed] = list(result.states.values())
    return when_good([each.minutes for each in seen], [each.looks for each in seen]) or result.settled


def show_served(run: GRun, states: Mapping[Target, UsersServed]) -> Iterator[Exhibit]:
    begun = min(run.moments.values(), default=run.clock.now())
    whole = max(30.0, (run.clock.now() - begun).total_seconds() // 60 + 15)
    yield from complaints.charts(run, "whole", whole)
    for target, seen in states.items():
        if seen.sample.defects:
            yield invariants.defects_table(f"defects-left-{target.region}", seen.sample)


USERS = Step(
    titles.USERS,
    changes="nothing: reads errors, the log pattern, tickets, a sample of items, for as long as it must last",
    look=see_served,
    expect=users_are_well,
    targets=regions,
    needs=(titles.OLD_TABLE_UNREAD,),
    patience=Patience(
        within=lambda run: 60 * (run.facts.detection_minutes + run.facts.hold_minutes) + run.metrics.delay_s,
        every=60,
        hold=lambda run: 60 * run.facts.hold_minutes,
    ),
    shows=show_served,
    settles=Settles("healthy", at=when_well),
)


# ── Unfreeze the pipeline, Tell users: restored ───────────────────────────────────────────────────────────────────────


UNFREEZE = unfreeze(titles.UNFREEZE, needs=(titles.USERS,))


def words_restored(run: GRun) -> str:
    """What is verified: which window is lost, for whom, by the remedy that was decided."""
    lost = impact(run)
    window = public_words.window(f"{lost.begins:%H:%M:%S}", f"{lost.ends:%H:%M:%S}", f"{lost.ends:%Y-%m-%d}")
    if remedy(run) is Remedy.SWITCH:
        text = public_words.switched(f"{lost.begins:%Y-%m-%d %H:%M:%S}", window, lost.changes)
    else:
        text = public_words.repaired(lost.users, window, len(lost.conflicts))
    return f"{text} {public_words.SORRY}"


RESTORED = resolved(titles.RESTORED, words_restored, needs=(titles.USERS,))


# ── Postmortem ───────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(run: GRun) -> Iterator[Sentence]:
    writers, decided = faulty_writers(run), remedy(run)
    if writers:
        text = f"Corrupted settings were written by {', '.join(sorted(writers))}"
        yield from seen_in(run, titles.RECOVERY_POINT, text)
    if decided:
        yield from seen_in(run, titles.DECIDE, f"The remedy that was decided is: {decided}")


def harm(run: GRun) -> Iterator[Sentence]:
    """What the first look told of the corruption; whose settings were damaged, by the comparison."""
    detected, lost = run.result(titles.DETECT), impact(run)
    if detected and detected.states:
        yield from seen_in(run, titles.DETECT, detected.why, first=True)
    if lost.users:
        left = f"{len(lost.conflicts)} are left for a person"
        text = f"Settings of {lost.users} users are to be brought back by the remedy that was decided; {left}"
        yield from seen_in(run, titles.COMPARE, text)


POSTMORTEM = postmortem(
    titles.POSTMORTEM,
    headline="widespread corruption of user data",
    summary=summary,
    impact=harm,
    needs=(titles.DETECT,),
)


# ── Close ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class IncidentCost:
    """What it has cost, and when this plan was drilled last."""

    table: str = field(metadata=label("table in use"))
    remedy: Remedy | None = field(metadata=label("remedy"))
    users: int = field(metadata=label("users restored"))
    changes: int = field(metadata=label("changes lost"))
    other_remedy: int = field(metadata=label("changes that the other remedy would have lost"))
    conflicts: int = field(metadata=label("conflicts for a person"))
    seconds: float | None = field(metadata=label("until users were well", unit="s"))
    last_drill: datetime | None = field(metadata=label("last drill"))
    next_drill: datetime | None = field(metadata=label("next drill"))


def _stays_on(run: GRun) -> tuple[str, ...]:
    """What the plan leaves switched on, in words."""
    return (*p09_waiting_jobs.what_stays_on(run), *p09_imports.what_stays_on(run))


def see_closed(run: GRun, target: Target) -> IncidentCost:
    lost = impact(run)
    begun, well = run.moments.get("fault") or run.moments.get("detected"), run.moments.get("healthy")
    return IncidentCost(
        in_use(run),
        remedy(run),
        lost.users,
        lost.changes,
        lost.other_remedy,
        len(lost.conflicts),
        (well - begun).total_seconds() if begun and well else None,
        *drills(run),
    )


def is_closed(run: GRun, target: Target, seen: IncidentCost) -> Check:
    if run.rehearsing:
        return not_needed("nothing was done, so nothing was lost")
    if not seen.remedy:
        return unknown("no remedy was decided")
    taken = "repaired in place" if seen.remedy is Remedy.REPAIR else f"restored and switched to {seen.table}"
    other = Remedy.SWITCH if seen.remedy is Remedy.REPAIR else Remedy.REPAIR
    took = f"{seen.seconds / 60:.0f} minutes" if seen.seconds is not None else "an unknown time"
    cost = (
        f"{taken} in {took}: {seen.users} users restored, {seen.changes} changes lost ({other} would have lost "
        f"{seen.other_remedy}), {seen.conflicts} conflicts for a person"
    )
    return yes("; ".join((cost, *_stays_on(run))))


def show_closed(run: GRun, states: Mapping[Target, IncidentCost]) -> Iterator[Exhibit]:
    for seen in states.values():
        repair, switch = (
            (seen.changes, seen.other_remedy) if seen.remedy is Remedy.REPAIR else (seen.other_remedy, seen.changes)
        )
        target = run.facts.rto_minutes
        rows = (
            (
                "minutes until users were well",
                round(seen.seconds / 60, 1) if seen.seconds is not None else None,
                target,
            ),
            ("users restored", seen.users, None),
            ("changes lost by repair in place", repair, 0),
            ("changes lost by restore and switch", switch, None),
            ("conflicts for a person", seen.conflicts, 0),
        )
        yield Table(
            "what-it-cost",
            f"What it has cost; the remedy decided: {seen.remedy or 'none'}",
            ("what", "measured", "target"),
            rows,
        )
    yield Table(
        "affected-users",
        "Every user who was affected",
        ("user", "what happened", "why it counts as that"),
        affected(run),
    )


def cost_in_verdict(run: GRun, result: StepResult) -> str:
    seen: IncidentCost | None = next(iter(result.states.values()), None)
    if not seen or not seen.remedy:
        return ""
    counted = "counted item by item, by the comparison with the restored table"
    cost = (
        f"users: {seen.users} had corrupted settings, {seen.changes} changes are lost, {seen.conflicts} conflicts are "
        f"left for a person ({counted})"
    )
    return "; ".join((cost, *_stays_on(run)))


CLOSE = close(
    titles.CLOSE,
    changes="nothing: shows the time and the changes that it has cost, the users affected, when the next drill is due",
    look=see_closed,
    expect=is_closed,
    shows=show_closed,
    needs=(titles.USERS,),
    remark=cost_in_verdict,
)

STEPS = (USERS, UNFREEZE, RESTORED, POSTMORTEM, CLOSE)
