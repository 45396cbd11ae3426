"""What a run has set out to do, by its journal: one answer for all who ask.

An act stands from its first intent until it is undone. What is done once more after that stands anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from drcore.clock import parse_time
from drcore.record.journal import Event


@dataclass(frozen=True, slots=True)
class Act:
    """One act that stands: the line of its first try, that of its last one, how many there were."""

    first: Event
    last: Event
    tries: int


def standing(events: Iterable[Event]) -> dict[tuple[str, str], Act]:
    """The acts that stand, by title and target, in the order in which they were begun."""
    acts: dict[tuple[str, str], Act] = {}
    for line in events:
        key = (line.get("step", ""), line.get("target", ""))
        if line["event"] == "intent":
            earlier = acts.get(key)
            acts[key] = Act(earlier.first, line, earlier.tries + 1) if earlier else Act(line, line, 1)
        elif line["event"] == "undone":
            acts.pop(key, None)
    return acts


def act_of(events: Iterable[Event], title: str, target: object = None) -> Act | None:
    """The act of a step that stands; of any of its targets, the last one begun, where none is given."""
    acts = [
        act for (step, of), act in standing(events).items() if step == title and (target is None or of == str(target))
    ]
    return acts[-1] if acts else None


def intended(events: Iterable[Event], title: str, target: object = None) -> bool:
    """Whether the run has set out to do a step, and has not undone it since."""
    return act_of(events, title, target) is not None


def ended(events: Iterable[Event], title: str, by: str, target: object) -> bool:
    """Whether an act stands that a later act `by` of the run, which stands too, was to bring to its end.

    It is not where the first one was begun anew after that.
    """
    acts = standing(events)
    begun, over = acts.get((title, str(target))), acts.get((by, str(target)))
    return bool(begun and over and begun.first["n"] < over.last["n"])


def last(events: Sequence[Event], event: str, title: str) -> Event | None:
    """The last line of a kind that tells of a step."""
    return next((line for line in reversed(events) if line["event"] == event and line.get("step") == title), None)


def moments(events: Iterable[Event]) -> dict[str, datetime]:
    """The moments of the incident that were dated, each by its first line."""
    dated: dict[str, datetime] = {}
    for line in events:
        if line["event"] == "moment":
            dated.setdefault(line["name"], parse_time(line["at"]))
    return dated


def lost_s(events: Iterable[Event]) -> float | None:
    """The seconds of data that may be lost; None before a step has measured it."""
    measured: float | None = None
    for line in events:
        if line["event"] == "lost":
            measured = float(line["seconds"])
    return measured


def failed_region(events: Iterable[Event]) -> str:
    """The region that a person has confirmed to have failed; empty if none."""
    regions = [line.get("failed_region") for line in events if line["event"] == "decision"]
    return str(next((region for region in reversed(regions) if region), ""))


def was_opened(events: Iterable[Event]) -> bool:
    """Whether a notebook has opened the run before."""
    return any(line["event"] == "opened" for line in events)


@dataclass(frozen=True, slots=True)
class Answered:
    """How the tries of an act that stands were answered: the last answer (empty: none), how many got none at all."""

    answer: str
    lost: int


def answered(events: Iterable[Event], title: str, target: object) -> Answered:
    """What an act's tries gave back, also those before a restart.

    A try is lost where the journal holds neither an answer nor a refusal: what was asked for may have been done.
    """
    answer, lost, open_ = "", 0, False
    for line in events:
        if (line.get("step"), line.get("target")) != (title, str(target)):
            continue
        match line["event"]:
            case "intent":
                lost, open_ = lost + open_, True
            case "acted":
                answer, open_ = line["answer"], False
            case "act-failed":
                lost, open_ = lost + (open_ and not line["refused"]), False
            case "undone":
                answer, lost, open_ = "", 0, False
    return Answered(answer, lost + open_)
