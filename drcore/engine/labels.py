"""What the fields of a state are called on cards, apart from the names under which they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Described(Protocol):
    """A state that says itself what a card shows of it.

    Either one line, or what is shown by its label, in this order; what it leaves out is only in the journal. A value
    may be a state of its own, a mapping, or several of them.
    """

    def describe(self) -> str | Mapping[str, object]:
        """What a card shows."""


def label(text: str, *, unit: str = "") -> Mapping[str, str]:
    """What cards call a field, as its metadata: `field(metadata=label("errors", unit="%"))`.

    A number is followed by its unit. An empty text stands for a field that only holds others: those are called by
    their own labels alone. (It is no field by itself: type checkers would take it for one with a default.)
    """
    return {"label": text, "unit": unit}


def labels_of(state_type: type) -> Mapping[str, str]:
    """What cards call each field of a state: its label, otherwise its name in words."""
    return {each.name: _label(each) for each in fields(state_type)}


def units_of(state_type: type) -> Mapping[str, str]:
    """The unit of each field of a state that has one."""
    units = {each.name: each.metadata.get("unit", "") for each in fields(state_type)}
    return {name: unit for name, unit in units.items() if unit}


def _label(state_field: Field[Any]) -> str:
    text: str = state_field.metadata.get("label", state_field.name.replace("_", " "))
    return text
