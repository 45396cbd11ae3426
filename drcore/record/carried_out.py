"""What a journal tells of each step, without the plan that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.record.events import Event, Kind, key_of
from drcore.record.history import History

_WITHIN = (Kind.LOOK, Kind.CONSENT, Kind.INTENT, Kind.RESULT, Kind.STEP_ENDED, Kind.DECISION, Kind.CALL, Kind.UNDONE)


@dataclass(slots=True)
class CarriedOut:
    """The lines of one step, as it was carried out last. `ended` is None where it has not come to its end.

    `times`: how often it was begun. `undone`: the targets that were taken back since.
    """

    key: str
    began: Event
    times: int = 1
    looks: list[Event] = field(default_factory=list)
    consents: list[Event] = field(default_factory=list)
    intents: list[Event] = field(default_factory=list)
    results: dict[str, Event] = field(default_factory=dict)
    decisions: list[Event] = field(default_factory=list)
    calls: list[Event] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    ended: Event | None = None


def carried_out(history: History) -> dict[str, CarriedOut]:
    """Every step that was begun, by its key, in the order in which they were begun last.

    A call belongs to the step that was under way, as nothing runs beside it. Raises KeyError for a line that lacks what
    every such line has.
    """
    steps: dict[str, CarriedOut] = {}
    now: CarriedOut | None = None
    for line in history.lines(Kind.STEP, *_WITHIN):
        kind, key = line["event"], key_of(line)
        if kind == Kind.STEP:
            before = steps.pop(key, None)
            if before and "begun_by" in before.began and not before.ended:  # now it is its turn
                now = steps[key] = before
                now.began = line
            else:
                now = steps[key] = CarriedOut(key, line, before.times + 1 if before else 1)
        elif kind == Kind.CALL:
            if now:
                now.calls.append(line)
        elif key in steps:
            _add(steps[key], line)
            if kind == Kind.STEP_ENDED:
                now = None
    return steps


def _add(step: CarriedOut, line: Event) -> None:
    match line["event"]:
        case Kind.LOOK:
            step.looks.append(line)
        case Kind.CONSENT:
            step.consents.append(line)
        case Kind.INTENT:
            step.intents.append(line)
        case Kind.RESULT:
            step.results[line["target"]] = line
        case Kind.DECISION:
            step.decisions.append(line)
        case Kind.UNDONE:
            step.undone.append(line["target"])
        case Kind.STEP_ENDED:
            step.ended = line
