"""The comparison once more, slow and plain, written from DynamoDB's documentation and from the issue alone.

Shares no code with drcore: everything lies in two dicts, numbers are fractions, sets are compared member by member.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

Item = Mapping[str, Mapping[str, Any]]


def same_item(one: Item, other: Item) -> bool:
    return set(one) == set(other) and all(same(one[name], other[name]) for name in one)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    ((kind, left),), ((kind_of_other, right),) = one.items(), other.items()
    if kind != kind_of_other:
        return False
    if kind == "M":
        return same_item(left, right)
    if kind == "L":
        return len(left) == len(right) and all(map(same, left, right))
    if kind in ("SS", "NS", "BS"):
        return len(left) == len(right) and all(
            any(same({kind[0]: member}, {kind[0]: candidate}) for candidate in right) for member in left
        )
    if kind == "N":
        return Fraction(left) == Fraction(right)
    if kind == "B":
        return base64.b64decode(left) == base64.b64decode(right)
    if kind == "NULL":
        return True
    return bool(left == right)


def key_of(item: Item, names: tuple[str, ...]) -> tuple[Any, ...]:
    found: list[Any] = []
    for name in names:
        ((kind, value),) = item[name].items()
        found.append(Fraction(value) if kind == "N" else base64.b64decode(value) if kind == "B" else value)
    return tuple(found)


def classes(
    restored: Sequence[Item], live: Sequence[Item], names: tuple[str, ...], point: datetime, faulty: set[str]
) -> dict[tuple[Any, ...], str]:
    """The class of every key; UpdatedAt and Writers are what the policy asks."""
    before = {key_of(item, names): item for item in restored}
    after = {key_of(item, names): item for item in live}
    assert (len(before), len(after)) == (len(restored), len(live))
    return {key: _class(before.get(key), after.get(key), point, faulty) for key in before | after}


def _class(old: Item | None, new: Item | None, point: datetime, faulty: set[str]) -> str:
    if new is None:
        return "deleted"
    if old is None:
        return "added"
    if same_item(old, new):
        return "unchanged"
    writers = [each.get("S") for each in new.get("Writers", {}).get("L", [])]
    if writers and writers[-1] in faulty:
        return "corrupted"
    try:
        modified = datetime.fromisoformat(new["UpdatedAt"]["S"])
    except (KeyError, ValueError):
        return "corrupted"
    if modified.tzinfo is None or modified <= point:
        return "corrupted"
    return "conflict" if set(writers) & faulty else "legit"
