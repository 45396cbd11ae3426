"""When each step was carried out, by a journal: each time that it was, before a restart too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from drcore.clock import parse_time
from drcore.record.events import Event, Kind, key_of
from drcore.record.history import History


@dataclass(frozen=True, slots=True)
class StepTurn:
    """A step that was carried out once, to its end. `seconds` by who was waited for: machine, human, cloud."""

    key: str
    title: str
    outcome: str
    line: Event  # of its end, which has the word for it
    began: datetime
    ended: datetime
    seconds: Mapping[str, float]


def step_turns(history: History) -> tuple[StepTurn, ...]:
    """Each time that a step was carried out to its end, in the order in which that was begun.

    One that was interrupted has no end in the journal, and how its time was spent is not known.
    """
    begun: dict[str, Event] = {}
    turns = []
    for line in history.lines(Kind.STEP, Kind.STEP_ENDED):
        key = key_of(line)
        if line["event"] == Kind.STEP:
            begun[key] = line
        elif key in begun:
            began, ended = parse_time(begun.pop(key)["time"]), parse_time(line["time"])
            turns.append(StepTurn(key, line["step"], line["outcome"], line, began, ended, line["seconds"]))
    return tuple(sorted(turns, key=lambda turn: turn.began))
