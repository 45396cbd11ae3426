"""How any value is put into words, a state by the labels of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, TypeGuard

from drcore.engine.labels import Described, labels_of, units_of
from drcore.show.wording import at, day, short

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LONGEST = 120  # a longer value is cut: the whole of it is in the journal


def plain(value: object, none: str = "none", longest: int = _LONGEST) -> str:
    """Any value in one line, never with a memory address."""
    match value:
        case None:
            return none
        case bool():
            return "yes" if value else "no"
        case Enum():
            return plain(value.value)
        case str():
            return short(value, longest) or "(empty)"
        case float():
            return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
        case int():
            return str(value)
        case datetime():
            return f"{day(value)} {at(value)}Z"
        case date():
            return value.isoformat()
        case bytes():
            return short(value.decode(errors="replace"), longest)
        case Mapping():
            return short(", ".join(f"{key} {plain(inner)}" for key, inner in value.items()) or "none", longest)
        case Set():
            return short(", ".join(sorted(map(plain, value))) or "none", longest)
        case list() | tuple():
            return short(", ".join(map(_inner, value)) or "none", longest)
    if _is_state(value):
        named = (f"{name} {_measured(inner, unit)}".strip() for name, unit, inner in flat(value))
        return short(", ".join(named), longest)
    return f"a {type(value).__name__}"


def flat(state: object, label: str = "", unit: str = "") -> Iterator[tuple[str, str, object]]:
    """What there is to see of a state: the label of each field, its unit, its value.

    The fields of an inner state come after the label of the outer one. What does not count (`compare=False`) is left
    out.
    """
    if isinstance(state, Described) and not isinstance(state, type):
        described = state.describe()
        if isinstance(described, str):
            yield label, "", described
        else:
            yield from flat(described, label)
    elif _is_state(state):
        labels, units = labels_of(type(state)), units_of(type(state))
        for state_field in fields(state):
            if state_field.compare:
                name = f"{label} {labels[state_field.name]}".strip()
                yield from flat(getattr(state, state_field.name), name, units.get(state_field.name, unit))
    elif isinstance(state, Mapping) and state:
        for key, value in state.items():
            yield from flat(value, f"{label} {plain(key)}".strip(), unit)
    else:
        yield label, unit, state


def several(value: object) -> TypeGuard[Sequence[object]]:
    """Whether a value is several states, each of which needs a line of its own."""
    return isinstance(value, list | tuple) and bool(value) and all(_is_state(each) for each in value)


def lines(value: object, unit: str, longest: int) -> tuple[str, ...]:
    """A value as it stands in a card: a line for each of several states, otherwise one."""
    if several(value):
        return tuple(plain(each, longest=longest) for each in value)
    return (_measured(value, unit, longest),)


def _measured(value: object, unit: str, longest: int = _LONGEST) -> str:
    text = plain(value, longest=longest)
    return f"{text} {unit}" if unit and _is_number(value) else text


def _is_number(value: object) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_is_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_state(value: object) -> TypeGuard[DataclassInstance]:
    return is_dataclass(value) and not isinstance(value, type)


def _inner(value: object) -> str:
    return " ".join(map(plain, value)) if isinstance(value, list | tuple) else plain(value)
