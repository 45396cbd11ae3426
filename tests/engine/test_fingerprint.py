"""A step is another one where the shape of what it sees is another, and not where only words are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drcore.engine.outcome import Target
from drcore.engine.step import Step
from tests.support.engine_world import Things, mend


@dataclass(frozen=True)
class Valve:
    """What is seen."""

    open: bool


@dataclass(frozen=True)
class Gate:
    """The same, told in other words, by another name."""

    open: bool


@dataclass(frozen=True)
class Door:
    """What is seen."""

    open: str


def valve(run: Any, target: Target) -> Valve:
    return Valve(True)


def gate(run: Any, target: Target) -> Gate:
    return Gate(True)


def door(run: Any, target: Target) -> Door:
    return Door("wide")


def seeing(look: Any) -> Step[Any, Any]:
    return mend(Things(), look=look)


def test_other_words_should_make_no_other_step() -> None:
    assert seeing(valve).fingerprint == seeing(gate).fingerprint


def test_another_shape_should_make_another_step() -> None:
    assert seeing(valve).fingerprint != seeing(door).fingerprint
