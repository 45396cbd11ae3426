"""Two runs of one plan beside each other, step by step; what really differs comes first.

Steps are matched by their key, so runs of different versions of a plan are compared too. Times count from the begin of
harm: a run whose fault is noticed later is not behind in every step after that for that reason alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import IntEnum
from typing import Any

from drcore.archive.reader import ReadRun, Worth
from drcore.archive.steps import ReadStep
from drcore.errors import BadInput

_LEAST_S, _LEAST_SHARE = 5.0, 0.2  # a difference of times below either is how two equal runs differ
# What is another in every run, and no difference: its id, ids that services give, versions of that form, times.
_IDS = re.compile(r"\b(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,64}|\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d(?::\d\d)?)\b")


class Differs(IntEnum):
    """How a step differs, the weightiest first."""

    OUTCOME = 0
    NEW_OR_GONE = 1
    DECISION = 2
    TIME = 3
    COUNTS = 4
    PLACE = 5
    LATER = 6  # it was begun sooner or later, for what came before it
    SEEN = 7
    NOTHING = 8


@dataclass(frozen=True, slots=True)
class RunDifference:
    """One thing that differs, in both runs; empty: it is not there."""

    what: str
    left: str
    right: str
    weight: Differs


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step of one run or of both. `left`, `right`: what it came to; None where a run did not begin it."""

    key: str
    title: str
    left: Mapping[str, Any] | None
    right: Mapping[str, Any] | None
    differences: tuple[RunDifference, ...]

    @property
    def weight(self) -> Differs:
        """Its weightiest difference."""
        return min((each.weight for each in self.differences), default=Differs.NOTHING)


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """The whole comparison: what differs of the runs, then of their steps, the weightiest first."""

    left: str
    right: str
    plan: str
    zero: tuple[str, str]
    notes: tuple[str, ...]
    whole: tuple[RunDifference, ...]
    steps: tuple[ComparedStep, ...]

    @property
    def differs(self) -> bool:
        """Whether something really differs: more than in what was seen, which is never the same twice."""
        weights = [each.weight for each in self.whole] + [each.weight for each in self.steps]
        return any(weight < Differs.SEEN for weight in weights)

    def as_data(self) -> dict[str, Any]:
        """The JSON object that `--json` prints."""
        return {
            "left": self.left,
            "right": self.right,
            "plan": self.plan,
            "zero": list(self.zero),
            "notes": list(self.notes),
            "differs": self.differs,
            "differences": [_data(each) for each in self.whole],
            "steps": [
                {
                    "step": each.key,
                    "title": each.title,
                    "differs": each.weight.name.lower(),
                    "left": each.left,
                    "right": each.right,
                    "differences": [_data(one) for one in each.differences],
                }
                for each in self.steps
            ],
        }


def compared(left: ReadRun, right: ReadRun) -> ComparedRuns:
    """Compare two runs of one plan. Raises BadInput for two plans, and for a record that cannot be read."""
    for run in (left, right):
        if run.worth is Worth.UNREADABLE or not run.plan:
            raise BadInput(f"RUN: expected a record that can be read, seen {run.run_id}: {'; '.join(run.problems)}")
    if left.plan != right.plan:
        raise BadInput(f"RUN: expected two runs of one plan, seen plan {left.plan} and plan {right.plan}")
    zeros = _zero(left), _zero(right)
    moved = _moved([step.key for step in left.steps], [step.key for step in right.steps])
    keys = dict.fromkeys(step.key for run in (right, left) for step in run.steps)
    steps = [_step(key, left, right, zeros, moved=key in moved) for key in keys]
    return ComparedRuns(
        left.run_id,
        right.run_id,
        left.plan,
        (zeros[0][0], zeros[1][0]),
        tuple(_notes(left, right)),
        tuple(sorted(_whole(left, right, zeros), key=lambda difference: difference.weight)),
        tuple(sorted(steps, key=lambda step: step.weight)),
    )


def _notes(left: ReadRun, right: ReadRun) -> Iterator[str]:
    for run in (left, right):
        if run.worth is not Worth.HOLDS:
            yield f"{run.run_id} is {run.worth}: it is compared as far as its journal can be read"
    if left.planned and right.planned and dict(left.planned) != dict(right.planned):
        yield "the runs were made by different versions of the plan: steps are matched by their keys"


Zero = tuple[str, datetime | None]


def _zero(run: ReadRun) -> Zero:
    """From when times count: the begin of harm, else what comes nearest to it."""
    for name in ("harm", "fault", "detected"):
        if name in run.moments:
            return name, run.moments[name]
    return ("first step", run.steps[0].began) if run.steps else ("nothing", None)


def _whole(left: ReadRun, right: ReadRun, zeros: tuple[Zero, Zero]) -> Iterator[RunDifference]:
    pairs = (
        ("verdict", left.word or "none", right.word or "none", Differs.OUTCOME),
        ("mode", left.mode, right.mode, Differs.OUTCOME),
        ("environment", left.environment, right.environment, Differs.OUTCOME),
        ("fault", _fault(left), _fault(right), Differs.DECISION),
        ("given by the incident", _incident(left), _incident(right), Differs.DECISION),
        ("revision", str(left.host.get("revision", "")), str(right.host.get("revision", "")), Differs.SEEN),
        ("why", _plain(left.why, left), _plain(right.why, right), Differs.SEEN),
    )
    yield from (RunDifference(*pair) for pair in pairs if pair[1] != pair[2])
    for name in ("RTO", "RPO"):
        yield from _times(name, _measured(left, name), _measured(right, name))
    for name in dict.fromkeys([*left.moments, *right.moments]):
        after = [_after(run.moments.get(name), zero) for run, zero in zip((left, right), zeros, strict=True)]
        yield from _times(f"{name}, after harm", after[0], after[1])


def _measured(run: ReadRun, name: str) -> float | None:
    if not run.verdict:
        return None
    return (run.verdict.rto if name == "RTO" else run.verdict.rpo).measured


def _fault(run: ReadRun) -> str:
    fault = run.parameters.get("fault")
    return str(fault.get("name", "")) if isinstance(fault, dict) else ""


def _incident(run: ReadRun) -> str:
    incident = run.parameters.get("incident")
    given = incident.items() if isinstance(incident, dict) else ()
    return ", ".join(f"{name}={value}" for name, value in given if value not in ("", None))


def _step(key: str, left: ReadRun, right: ReadRun, zeros: tuple[Zero, Zero], *, moved: bool) -> ComparedStep:
    one, other = left.step(key), right.step(key)
    known = other or one
    assert known
    halves = (_told(one, left, zeros[0]) if one else None, _told(other, right, zeros[1]) if other else None)
    return ComparedStep(
        key,
        known.name.title,
        *halves,
        tuple(sorted(_differences(one, other, *halves, moved=moved), key=lambda difference: difference.weight)),
    )


def _told(step: ReadStep, run: ReadRun, zero: Zero) -> dict[str, Any]:
    decisions = [each.choice for each in step.decisions]
    decisions += [step.given.answer] if step.given and step.given.answer else []
    return {
        "outcome": str(step.outcome or "not ended"),
        "word": str(step.word),
        "began_s": _after(step.began, zero),
        "machine_s": step.seconds.machine,
        "people_s": step.seconds.human,
        "cloud_s": step.seconds.cloud,
        "looks": step.looks,
        "acts": step.acts,
        "calls": len(step.calls),
        "targets": dict(Counter(str(each.outcome) for each in step.targets)),
        "undone": len(step.undone),
        "decisions": [_plain(each, run) for each in decisions],
        "seen": _plain(step.why, run),
    }


def _differences(
    one: ReadStep | None,
    other: ReadStep | None,
    left: Mapping[str, Any] | None,
    right: Mapping[str, Any] | None,
    *,
    moved: bool,
) -> Iterator[RunDifference]:
    if left is None or right is None:
        there = left or right or {}
        word = f"{there.get('word')}"
        yield RunDifference("step", "" if left is None else word, "" if right is None else word, Differs.NEW_OR_GONE)
        return
    if one and other and one.name.title != other.name.title:
        yield RunDifference("title", one.name.title, other.name.title, Differs.SEEN)
    if left["outcome"] == right["outcome"] and left["word"] != right["word"]:
        yield RunDifference("word", left["word"], right["word"], Differs.SEEN)
    for name, weight in _FIELDS:
        if left[name] != right[name]:
            yield RunDifference(name, _text(left[name]), _text(right[name]), weight)
    for name, words, weight in _TIMES:
        yield from _times(words, left[name], right[name], weight)
    if moved:
        yield RunDifference("place in the plan", "", "moved", Differs.PLACE)


# How often was looked, and how many calls that took, hangs on how long was waited: that is told by the times.
_FIELDS = (
    ("outcome", Differs.OUTCOME),
    ("decisions", Differs.DECISION),
    ("acts", Differs.COUNTS),
    ("targets", Differs.COUNTS),
    ("undone", Differs.COUNTS),
    ("seen", Differs.SEEN),
)
_TIMES = (
    ("machine_s", "seconds of drcore", Differs.TIME),
    ("people_s", "seconds of people", Differs.TIME),
    ("cloud_s", "seconds of waiting", Differs.TIME),
    ("began_s", "begun, after harm", Differs.LATER),
)


def _times(
    name: str, left: float | None, right: float | None, weight: Differs = Differs.TIME
) -> Iterator[RunDifference]:
    if left is None or right is None:
        if left is right:
            return
    elif abs(left - right) < max(_LEAST_S, _LEAST_SHARE * max(abs(left), abs(right))):
        return
    yield RunDifference(name, _seconds(left), _seconds(right), weight)


def _seconds(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0f} s"


def _after(moment: datetime | None, zero: Zero) -> float | None:
    start = zero[1]
    return (moment - start).total_seconds() if moment and start else None


def _plain(text: str, run: ReadRun) -> str:
    """A text without what is another in every run."""
    return _IDS.sub("…", text.replace(run.run_id, "…"))


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{number} {name}" for name, number in value.items()) or "none"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    return str(value)


def _moved(left: Sequence[str], right: Sequence[str]) -> set[str]:
    """The keys, among those of both, that come in another order; as few as explain it."""
    both = set(left) & set(right)
    one, other = [key for key in left if key in both], [key for key in right if key in both]
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    kept = {key for block in blocks for key in one[block.a : block.a + block.size]}
    return both - kept


def _data(difference: RunDifference) -> dict[str, str]:
    return {
        "what": difference.what,
        "left": difference.left,
        "right": difference.right,
        "weight": difference.weight.name.lower(),
    }
