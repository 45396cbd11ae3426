"""The steps of a run, as the journal of any version tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drcore.calls.gate import Call, Plane
from drcore.clock import parse_time
from drcore.engine.consent import ConsentAnswer
from drcore.engine.outcome import Outcome, Seconds, StepName, StepResult, Target, TargetResult
from drcore.engine.outcome_word import OutcomeWord, word_in
from drcore.record.carried_out import CarriedOut, carried_out
from drcore.record.events import Event, Kind
from drcore.record.history import History


@dataclass(frozen=True, slots=True)
class ReadDecision:
    """A choice, with the line that holds it."""

    n: int
    at: datetime
    choice: str


@dataclass(frozen=True, slots=True)
class ReadStep:
    """A step as it was carried out last. A state is plain data, as the journal keeps it.

    `n` is the number of the line that began it. `outcome` is None where it did not come to its end. `looks` and `acts`
    count what was looked at and what was set out to be done; `undone` are the targets that were taken back since.
    """

    name: StepName
    n: int
    began: datetime
    ended: datetime | None
    outcome: Outcome | None
    word: OutcomeWord
    seconds: Seconds
    targets: tuple[TargetResult, ...]
    given: ConsentAnswer | None
    decisions: tuple[ReadDecision, ...]
    calls: tuple[Call, ...]
    looks: int
    acts: int
    times: int
    undone: tuple[str, ...]

    @property
    def key(self) -> str:
        """What is stored, and stable: by it a step of one run is found in another."""
        return self.name.key

    @property
    def why(self) -> str:
        """Why it ended so, of the targets that ended worst."""
        worst = [each for each in self.targets if each.outcome is self.outcome] or self.targets
        return "; ".join(each.why if str(each.target) == "all" else f"{each.target}: {each.why}" for each in worst)

    @property
    def result(self) -> StepResult | None:
        """As a step of today ends, for what draws those; None where it has not ended."""
        if self.outcome is None or self.ended is None:
            return None
        whole = StepResult(self.name, self.targets, self.began, self.ended, self.seconds, self.given, self.calls)
        if whole.outcome is self.outcome:
            return whole
        best = StepResult(
            self.name, self.targets, self.began, self.ended, self.seconds, self.given, self.calls, one_is_enough=True
        )
        if best.outcome is self.outcome:
            return best
        # It ended without a result for each of its targets, as where it was refused.
        summary = TargetResult(Target(), self.outcome, "its targets do not say why")
        return StepResult(
            self.name, (summary, *self.targets)[:1], self.began, self.ended, self.seconds, self.given, self.calls
        )


@dataclass(frozen=True, slots=True)
class WayBack:
    """An act that was, or could not be, taken back."""

    n: int
    at: datetime
    title: str
    target: str
    word: str
    why: str


def steps_of(history: History) -> tuple[ReadStep, ...]:
    """The steps that a run has begun, in the order in which they were begun last.

    Raises KeyError, ValueError for a line that is not as drcore writes it.
    """
    return tuple(_step(each) for each in carried_out(history).values())


def ways_back(history: History) -> tuple[WayBack, ...]:
    """What was done to bring back what there was, in order."""
    words = {
        Kind.UNDONE: "taken back",
        Kind.UNDO_FAILED: "COULD NOT BE TAKEN BACK",
        Kind.NO_WAY_BACK: "there is no way back",
        Kind.BACKED_OUT: "backed out",
        Kind.BACK_OUT_FAILED: "COULD NOT BE BACKED OUT",
    }
    marked = [(line, word) for kind, word in words.items() for line in history.lines(kind)]
    return tuple(
        WayBack(
            line["n"],
            parse_time(line["time"]),
            str(line.get("step", "")),
            str(line.get("target", "")),
            word,
            str(line.get("why", "")),
        )
        for line, word in sorted(marked, key=lambda row: int(row[0]["n"]))
    )


def _step(carried: CarriedOut) -> ReadStep:
    ended = carried.ended
    return ReadStep(
        name=StepName(carried.key, str(carried.began["step"]), str(carried.began.get("plan", ""))),
        n=carried.began["n"],
        began=parse_time(carried.began["time"]),
        ended=parse_time(ended["time"]) if ended else None,
        outcome=_outcome(ended) if ended else None,
        word=word_in(ended) if ended else OutcomeWord.NOT_ENDED,
        seconds=_seconds(ended["seconds"]) if ended else Seconds(),
        targets=tuple(_target(carried, target) for target in carried.results),
        given=_given(carried.consents[-1]) if carried.consents else None,
        decisions=tuple(
            ReadDecision(line["n"], parse_time(line["time"]), str(line["choice"])) for line in carried.decisions
        ),
        calls=tuple(map(_call, carried.calls)),
        looks=sum(int(line.get("looks", 1)) for line in carried.looks),
        acts=len(carried.intents),
        times=carried.times,
        undone=tuple(carried.undone),
    )


def _outcome(line: Event) -> Outcome:
    """An outcome of another version that is not known here is not a good one."""
    return Outcome(line["outcome"]) if line["outcome"] in list(Outcome) else Outcome.UNKNOWN


def _seconds(fields: Mapping[str, Any]) -> Seconds:
    return Seconds(*(float(fields.get(part, 0)) for part in ("machine", "human", "cloud")))


def _given(line: Event) -> ConsentAnswer:
    texts = {name: str(line.get(name, "")) for name in ("by", "how", "reason", "phrase", "answer")}
    return ConsentAnswer(bool(line["granted"]), **texts)


def _target(carried: CarriedOut, target: str) -> TargetResult:
    line = carried.results[target]
    look = next((each for each in reversed(carried.looks) if each["target"] == target), {})
    intent = next((each for each in carried.intents if each["target"] == target), None)
    after = look.get("state")
    place = Target(line["region"], line["thing"]) if "region" in line else Target("", "" if target == "all" else target)
    since = parse_time(line["since"]) if line.get("since") else None
    return TargetResult(
        place,
        _outcome(line),
        str(line["why"]),
        intent.get("before") if intent else after,
        after,
        since,
        own_word=word_in(line),
    )


def _call(line: Event) -> Call:
    service, _, operation = str(line["call"]).partition(":")
    plane = Plane(line["plane"]) if line.get("plane") in list(Plane) else Plane.CONTROL
    return Call(
        service,
        operation,
        str(line.get("region") or ""),
        bool(line["write"]),
        plane,
        line.get("parameters") or {},
        answer=str(line.get("answer", "")),
        request_id=str(line.get("request_id") or ""),
    )
