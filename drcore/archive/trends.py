"""How the times of runs go over the drills, with what has become slower."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from drcore.archive.summary import RunSummary
from drcore.show.wording import duration

TIMES, LEAST_S, NEEDED, BEFORE = 1.5, 10.0, 3, 10


@dataclass(frozen=True, slots=True)
class Slower:
    """A step of a run, or its RTO, that took longer than it did before."""

    title: str
    before_s: float
    now_s: float

    def __str__(self) -> str:
        return f"{self.title}: p50 {duration(self.before_s)}, this run {duration(self.now_s)}"


@dataclass(frozen=True, slots=True)
class Trend:
    """One measure over the runs of a group, oldest first."""

    title: str
    values: tuple[float, ...]
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that can be compared: of one plan, environment, mode, fault. Newest first.

    `slower` are those in which something was slower than before; `trends` are of the runs that recovered.
    """

    kind: tuple[str, str, str, str]
    runs: tuple[RunSummary, ...]
    trends: tuple[Trend, ...]
    slower: tuple[tuple[RunSummary, tuple[Slower, ...]], ...]

    @property
    def name(self) -> str:
        """`drill in sandbox: bad-release`."""
        _, environment, mode, fault = self.kind
        return f"{mode or 'mode not known'} in {environment or '?'}" + (f": {fault}" if fault else "")


def groups_of(runs: Iterable[RunSummary]) -> tuple[Group, ...]:
    """The groups of runs, those with the most runs first."""
    by_kind: dict[tuple[str, str, str, str], list[RunSummary]] = {}
    for run in sorted(runs, key=_when):
        by_kind.setdefault(run.kind, []).append(run)
    groups = (_group(kind, each) for kind, each in by_kind.items())
    return tuple(sorted(groups, key=lambda group: (group.kind[0], -len(group.runs), group.kind)))


def _when(run: RunSummary) -> tuple[str, str]:
    return (run.begun.isoformat() if run.begun else "", run.slug)


def _group(kind: tuple[str, str, str, str], runs: Sequence[RunSummary]) -> Group:
    compared = [run for run in runs if run.recovered]
    measures = [_measures(run) for run in compared]
    slower = [
        (run, reasons)
        for index, run in enumerate(compared)
        if (reasons := tuple(_slower(measures[max(0, index - BEFORE) : index], measures[index])))
    ]
    titles = dict.fromkeys(title for each in reversed(measures) for title in each)  # in the order of the newest
    last = compared[-1] if compared else None
    targets = {"RTO": last.rto_target_s, "RPO": last.rpo_target_s} if last else {}
    trends = (
        Trend(title, tuple(each[title] for each in measures if title in each), targets.get(title)) for title in titles
    )
    return Group(kind, tuple(reversed(runs)), tuple(trends), tuple(reversed(slower)))


def _measures(run: RunSummary) -> dict[str, float]:
    """What is measured of a run, in seconds: RTO and RPO first, then the steps in order."""
    totals = {name: value for name, value in (("RTO", run.rto_s), ("RPO", run.rpo_s)) if value is not None}
    return totals | {step.title: step.seconds for step in run.steps if step.seconds is not None}


def _slower(before: Sequence[dict[str, float]], now: dict[str, float]) -> Iterable[Slower]:
    for title, value in now.items():
        earlier = [each[title] for each in before if title in each]
        if len(earlier) < NEEDED:
            continue
        usual = median(earlier)
        if value > TIMES * usual and value - usual >= LEAST_S:
            yield Slower(title, usual, value)
