"""The key that both sides of a comparison have."""

from __future__ import annotations

from drcore.diff.keys import KeySchema
from drcore.diff.source import Opened, Role
from drcore.errors import BadInput


def key_of(sides: dict[Role, Opened]) -> KeySchema | None:
    """The key that both sides have, None where nobody says it."""
    known = [side.key for side in sides.values() if side.key is not None]
    # Only where no side says it: whoever else knows it may lie in the region that has failed.
    known = known or [key for side in sides.values() if (key := side.ask_key()) is not None]
    if not known:
        return None
    first = next((key for key in known if key.types), known[0])
    for key in known:
        if set(key.names) != set(first.names) or (key.types and key.by_name != first.by_name and first.types):
            raise _differs(sides, known)
    return first


def without_key(sides: dict[Role, Opened]) -> int:
    """How many items are unchanged, where that can be said without a key. Raises BadInput where it cannot.

    A side that knows only what was touched, and on which nothing was, leaves the other as it is.
    """
    restored, live = sides.values()
    if not live.expected and not restored.expected:
        empty, whole = restored, live
    else:
        empty, whole = (restored, live) if not restored.expected else (live, restored)
        if empty.expected or not empty.partial:
            raise BadInput(
                "key: neither side says which attributes are the key, name them: --key pk, or --key pk --key sk"
            )
    return sum(side.count() for side in (empty, whole))


def agreed(key: KeySchema, seen: KeySchema, sides: dict[Role, Opened]) -> KeySchema:
    """The types that the first side turned out to have bind the second."""
    if key.types and seen.types and key.types != seen.types:
        raise _differs(sides, [key, seen])
    return seen if seen.types else key


def _differs(sides: dict[Role, Opened], keys: list[KeySchema]) -> BadInput:
    names = " and ".join(side.name for side in sides.values())
    return BadInput(f"{names}: expected the same key on both sides, seen {'; '.join(map(str, keys))}")
