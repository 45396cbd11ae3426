"""Plan A, phase 5: the region comes back, then both regions come to hold the same data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.calls.gate import RECOVERED, Waiver
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepResult, Target, no, yes
from drcore.engine.step import Patience, Settles, Step
from drcore.plans.a import region_charts, region_health, replication, titles
from drcore.plans.a.earlier import first_seen
from drcore.plans.a.facts import ARun
from drcore.plans.a.p4_continuity import REPLICATION, Replicated
from drcore.plans.a.region_health import RegionSignals
from drcore.plans.a.regions import failed, fault_time, matters_since, of_failed, serving_region
from drcore.plans.a.replication import LateWrite, RecentItems
from drcore.plans.shared.good_minutes import last_look
from drcore.record.evidence import Exhibit

# ── Await recovery ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Recovering:
    """What the failed region shows, and what came late from it, at all looks until now."""

    signals: RegionSignals = field(metadata=label(""))
    late: tuple[LateWrite, ...] = field(compare=False)
    before: RecentItems | None = field(default=None, compare=False)  # read at one look while the region is away


# Looks after the return at which late writes are looked for: they come within seconds, and are written over.
_LATE_LOOKS = 2


def see_recovery(run: ARun, target: Target) -> Recovering:
    signals = region_health.read_signals(run, target.region, run.facts.window_minutes, patient=False)
    looks = [(time, seen) for time, _, seen in run.looks(titles.RECOVERY) if seen]
    late = set(looks[-1][1].late) if looks else set()
    silent = [(time, bool(region_health.unanswered(seen.signals))) for time, seen in looks]
    fresh = [was_away for _, was_away in silent[-_LATE_LOOKS:]].count(False) < _LATE_LOOKS
    fault, read, before = fault_time(run), _before(run), None
    if region_health.unanswered(signals):
        before = None if read.whole else _read_whole(run)
    elif fault and fresh:
        now, first = replication.versions(run, serving_region(run), matters_since(run)), _replicated_before(run)
        arrived = first.canary.at if first else None
        away = _was_away(silent)
        late |= set(replication.late(read, now, target.region, fault=fault, arrived=arrived, away=away))
    return Recovering(signals, tuple(sorted(late, key=lambda write: write.came)), before)


def _read_whole(run: ARun) -> RecentItems:
    """Users are well, and do not wait for it."""
    return RecentItems(replication.versions(run, serving_region(run), matters_since(run)), True)


def _was_away(looks: list[tuple[datetime, bool]]) -> Callable[[datetime], bool]:
    """Whether the region was away at a time, by the last look before it; away before the first one."""
    return lambda at: next((was_away for time, was_away in reversed(looks) if time <= at), True)


def _replicated_before(run: ARun) -> Replicated | None:
    """What was seen of replication while the region was away: at the first look, as later ones see what came late."""
    return first_seen(run, REPLICATION)


def _before(run: ARun) -> RecentItems:
    """The items updated since shortly before the fault, as they stood before the region came back: all, or a sample."""
    whole = (seen.before for _, _, seen in run.looks(titles.RECOVERY) if seen and seen.before)
    first = _replicated_before(run)
    return next(whole, first.items if first else RecentItems((), False))


def has_recovered(run: ARun, target: Target, seen: Recovering) -> Check:
    trouble = region_health.trouble(run, seen.signals)
    if trouble:
        return no(f"{'; '.join(trouble)}. Users are served by the other region meanwhile")
    silent = seen.signals.unread
    if silent or seen.signals.queue_age_s is None:
        return no(silent or "its services answer, but it has no metrics yet")
    probe = seen.signals.probe
    return yes(f"{probe.good} of {probe.sent} probes answered, its services answer, it has metrics again")


def show_recovery(run: ARun, states: Mapping[Target, Recovering]) -> Iterator[Exhibit]:
    signals = {target: seen.signals for target, seen in states.items()}
    yield region_charts.signals_table("recovery", "Signals of the region", signals)
    looks = [(time, seen.signals.probe) for time, _, seen in run.looks(titles.RECOVERY) if seen]
    yield region_charts.probes_chart(run, "recovery-probes", looks)


RECOVERY = Step(
    titles.RECOVERY,
    changes="nothing: waits until the region has been well without a break for long enough",
    look=see_recovery,
    expect=has_recovered,
    targets=lambda run: [Target(failed(run))],
    needs=(titles.CONFIRM, titles.LATCH, titles.REPLICATION),
    patience=Patience(
        within=lambda run: 60 * run.facts.recovery_minutes + run.metrics.delay_s,
        every=60,
        hold=lambda run: 60 * run.facts.recovery_hold_minutes,
    ),
    shows=show_recovery,
    settles=Settles(RECOVERED),
    waiver=Waiver("only the region itself can answer whether it is back; no user waits for the answer"),
)


# ── Reconcile ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Whether both regions hold the same: age of each region's canary in the other, items that differ.

    `compared` is when both copies were read as a whole. Looks after it read what differed then, by its keys.
    """

    ages_s: tuple[tuple[str, float | None], ...]
    differing: tuple[tuple[str, str], ...]
    compared: datetime = field(compare=False)

    def describe(self) -> Mapping[str, object]:
        ages = {f"canary of {name}": "missing" if age is None else f"{age:g} s old" for name, age in self.ages_s}
        return {**ages, "items that differ": tuple(map(" ".join, self.differing)), "read whole at": self.compared}


def see_reconciled(run: ARun, target: Target) -> Reconciled:
    here, there, now = serving_region(run), failed(run), run.clock.now()
    ages = tuple(
        (f"{of} in {held_in}", replication.age(replication.canary(run, of, held_in), now))
        for of, held_in in ((here, there), (there, here))
    )
    before: Reconciled | None = last_look(run, titles.RECONCILE, target)
    # Replication is proved by canaries. Where it had stopped, or the region was away since, all is compared anew.
    stands = before and not _stale(run, before) and before.compared > run.moments.get(RECOVERED, before.compared)
    if before and stands:
        ours, theirs = (replication.versions_of(run, region, before.differing) for region in (here, there))
    else:
        ours, theirs = (replication.versions(run, region, matters_since(run)) for region in (here, there))
    differing = replication.differing(ours, theirs, now - timedelta(seconds=quiet_s(run)))
    return Reconciled(ages, differing, before.compared if before and stands else now)


def _stale(run: ARun, seen: Reconciled) -> list[str]:
    """The canaries that are missing or too old."""
    limit = run.facts.canary.every_s + run.facts.thresholds.lag_s
    return [
        f"canary of {name} {'is missing' if age is None else f'is {age:g} s old'}"
        for name, age in seen.ages_s
        if age is None or age > limit
    ]


def came_late(run: ARun) -> tuple[LateWrite, ...]:
    """What was seen to come late while the region's return was awaited."""
    recovery = run.result(titles.RECOVERY)
    return tuple(late for seen in (recovery.states.values() if recovery else ()) for late in seen.late)


def quiet_s(run: ARun) -> float:
    """Ten times the longest lag before the outage, at least of its line: so long replication must be quiet."""
    first, line = _replicated_before(run), float(run.facts.thresholds.lag_s)
    return 10 * max(line, first.longest_s or 0 if first else 0)


def is_reconciled(run: ARun, target: Target, seen: Reconciled) -> Check:
    problems = _stale(run, seen)
    problems += [f"{len(seen.differing)} items differ"] if seen.differing else []
    if problems:
        return no("; ".join(problems))
    late = came_late(run)
    why = f"both regions hold the same data; {replication.summary(late)}"
    return yes(f"{why}, see the table" if any(each.overwrote is not False for each in late) else why)


def show_reconciled(run: ARun, states: Mapping[Target, Reconciled]) -> Iterator[Exhibit]:
    yield replication.late_table("late-writes", came_late(run))
    yield replication.lag_chart(run, "replication-lag-after")


def late_in_verdict(run: ARun, result: StepResult) -> str:
    """What replication has cost: the RPO does not count what was decided anew, and overwritten by what came late."""
    late, counted = came_late(run), "counted by the versions of items as both regions held them"
    return f"data: {replication.summary(late)} ({counted})" if late else ""


RECONCILE = Step(
    titles.RECONCILE,
    changes="nothing: compares both copies of the table, lists late writes and what they replaced",
    look=see_reconciled,
    expect=is_reconciled,
    targets=of_failed("replication with"),
    needs=(titles.RECOVERY, titles.REPLICATION),
    patience=Patience(within=lambda run: 60 * run.facts.reconcile_minutes, every=10, hold=quiet_s),
    shows=show_reconciled,
    remark=late_in_verdict,
)


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (RECOVERY, RECONCILE)
