"""How a step stands while it is carried out: what the card says of it before its outcome is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from drcore.clock import Waiting
from drcore.engine.outcome import State, Target


class Phase(StrEnum):
    """What a step is about. A step that only looks waits from its first look on."""

    LOOKING = "looking"
    ASKING = "asking"
    ACTING = "acting"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One moment of a step under way.

    `states` are those that were seen last, `whys` what is said of each target; `good` are as expected already. Where it
    acts or waits for one of them, `target` names it. `waiting`: how long it has held, how long it is still waited for.
    """

    phase: Phase
    states: Mapping[Target, State] = field(default_factory=dict)
    whys: Mapping[Target, str] = field(default_factory=dict)
    good: frozenset[Target] = frozenset()
    target: Target | None = None
    waiting: Waiting | None = None


Tell = Callable[[StepProgress], Any]


def tell_nobody(progress: StepProgress) -> None:
    """For whoever does not watch."""
