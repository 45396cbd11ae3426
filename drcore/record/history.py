"""What a run has set out to do, by its journal: one answer for all who ask.

An act stands from its first intent until it is undone. What is done once more after that stands anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
