"""Are we there: the goal with its cost against the targets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from drcore.calls.gate import Call
from drcore.engine.outcome import AS_EXPECTED, GOOD, Seconds, StepResult
from drcore.engine.step import Step
from drcore.errors import Exit
from drcore.parameters import Mode

_DENIED = re.compile(r"Denied|NotAuthorized|Unauthorized|AuthorizationError|Forbidden|^40[13]$")


class Word(StrEnum):
    """The verdict in one or two words, as the command line prints it."""

    REACHED = "goal reached"
    MISSED = "goal missed"
    NOT_HELD = "recovered, not yet held"
    NO_DRILL = "no drill"
    TARGET_MISSED = "target missed"
    COULD_RUN = "could run"
    COULD_NOT_RUN = "could not run"
    REFUSED = "refused"
    RUNNER_FAILED = "runner failed"
    ROLLBACK_FAILED = "rollback failed"
    GONE_BACK = "gone back"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Objective:
    """A target in seconds with what was measured. None: the plan names no target, or it could not be measured.

    `measured` is the most that it may have been, which must be within the target; `least` the least, where moments are
    known within bounds only.
    """

    target: float | None
    measured: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool:
        return self.target is None or (self.measured is not None and self.measured <= self.target)

    def as_data(self) -> dict[str, float | None] | None:
        if self.target is None and self.measured is None:
            return None
        bounds = {} if self.least is None else {"least_s": self.least}
        return {"target_s": self.target, "measured_s": self.measured, **bounds}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer. `moments` are the incident's: fault, detected, decided, acted, healthy.

    Each is dated at the latest that it may have been; `earliest` says of those that are known within bounds only when
    they may have been at the earliest.

    `untold` names the steps that only tell and could not, each with what was to be told: the goal can be reached
    without them. `remarks` are what steps have to say of how it went, `stands` is what the run leaves standing.
    """

    word: Word
    why: str
    rto: Objective
    rpo: Objective
    seconds: Seconds
    moments: dict[str, datetime]
    exit: Exit
    untold: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    earliest: Mapping[str, datetime] = field(default_factory=dict)
    stands: tuple[str, ...] = ()

    @property
    def recovered(self) -> bool:
        """Whether users are well, so that times can have kept their targets."""
        return self.reached or self.word in (Word.TARGET_MISSED, Word.NOT_HELD)

    @property
    def reached(self) -> bool:
        """Whether it says the best that it can, whatever is still to be told."""
        return self.word in (Word.REACHED, Word.COULD_RUN)


def _is_a_finding(call: Call, result: StepResult) -> bool:
    """Whether a step could do with what a service that is not AWS's has refused: an expired key may be what it asks."""
    return call.service == "http" and result.outcome in GOOD


def judge(
    steps: Iterable[Step[Any, Any]],
    results: dict[str, StepResult],
    goal: Step[Any, Any],
    moments: dict[str, datetime],
    rto_target: float | None,
    rpo: Objective,
    *,
    earliest: Mapping[str, datetime],
    mode: Mode,
    remarks: Iterable[str] = (),
) -> Verdict:
    """The verdict on a run whose steps ended as `results` says. A step without a result was not reached."""
    steps, rehearsed = tuple(steps), mode is Mode.REHEARSE
    looked_for = {step.settles.moment for step in steps}
    missing = [step.title for step in steps if step.key not in results]
    bad = [result for result in results.values() if result.stops]
    untold = tuple(f"{result.name}: {result.words or result.why}" for result in results.values() if result.untold)
    spent = [result.seconds for result in results.values()]
    seconds = Seconds(sum(s.machine for s in spent), sum(s.human for s in spent), sum(s.cloud for s in spent))
    begin = "fault" if "fault" in moments else "detected"
    start = moments.get(begin)
    measured, least = None, None
    if start and "healthy" in moments:
        measured = (moments["healthy"] - earliest.get(begin, start)).total_seconds()
        if {begin, "healthy"} & earliest.keys():
            least = max(0.0, (earliest.get("healthy", moments["healthy"]) - start).total_seconds())
    # Without a beginning there was no incident, so there is no time that could have been kept or missed.
    target = rto_target if start or rehearsed else None
    rto = Objective(target) if rehearsed else Objective(target, measured, least)
    why = "; ".join([f"{result.name} is {result.word}: {result.why}" for result in bad])
    if missing:
        why = "; ".join(filter(None, [why, f"not reached: {', '.join(missing)}"]))
    refused = {
        f"{call.service}:{call.operation} was refused ({call.answer})"
        for result in results.values()
        for call in result.calls
        if not call.write and _DENIED.search(call.answer) and not _is_a_finding(call, result)
    }
    if rehearsed and refused:
        why = "; ".join(filter(None, [why, *sorted(refused)]))
    reached = goal.key in results and results[goal.key].outcome in AS_EXPECTED
    if rehearsed:
        word = Word.COULD_NOT_RUN if bad or missing or refused else Word.COULD_RUN
        why = why or _named(steps, results)
    elif mode is Mode.DRILL and "fault" not in moments:
        word = Word.NO_DRILL
        why = "; ".join(filter(None, ["nothing was put in that the plan could be drilled against", why]))
    elif mode is Mode.DRILL and "detected" in looked_for - moments.keys():  # to whom users may well look well
        word = Word.MISSED
        seen = results[goal.key].why if reached else ""
        why = "; ".join(filter(None, ["the fault of this drill was not noticed", why or seen]))
    elif not reached:
        word = Word.MISSED
        why = why or f"{goal.title} did not hold"
    elif bad or missing:
        word = Word.NOT_HELD
    elif not (rto.met and rpo.met):
        word, why = Word.TARGET_MISSED, "the goal was reached, a target was not met"
    else:
        word, why = Word.REACHED, results[goal.key].why
    good = word in (Word.REACHED, Word.COULD_RUN) and not untold
    remarks = tuple(filter(None, [_suffered(moments), *remarks]))
    end = Exit.REACHED if good else Exit.MISSED
    return Verdict(word, why, rto, rpo, seconds, moments, end, untold, remarks, earliest)


def _named(steps: Iterable[Step[Any, Any]], results: Mapping[str, StepResult]) -> str:
    """How far a rehearsal that went well could name what the plan does."""
    acting = [results[step.key] for step in steps if step.act]
    unnamed = [result.name.title for result in acting if not any(target.named for target in result.targets)]
    if not unnamed:
        return "every step could be read, and every act could be named"
    return f"every step could be read; what these would do could not be named: {', '.join(unnamed)}"


def _suffered(moments: Mapping[str, datetime]) -> str:
    """How long users had suffered before a drill put its fault in: its RTO does not count that."""
    if "harm" not in moments or "fault" not in moments:
        return ""
    before = (moments["fault"] - moments["harm"]).total_seconds()
    whole = (moments["healthy"] - moments["harm"]).total_seconds() if "healthy" in moments else None
    since = (
        f"users had suffered for {before / 60:.0f} min before the fault of this drill, since {moments['harm']:%H:%M:%S}"
    )
    return f"{since}; the RTO counts from the fault" + ("" if whole is None else f", in all it is {whole / 60:.0f} min")
