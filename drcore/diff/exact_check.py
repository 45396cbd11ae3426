"""The exact check of items that differ as text, some at once, in this process or in several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from isal import igzip

from drcore.diff.items import Item, equal
from drcore.diff.keys import KeySchema, key_bytes
from drcore.diff.matching import Matching
from drcore.diff.policy import Cause, Class, Policy
from drcore.errors import BadInput, RunnerFailed

AT_ONCE = 1 << 10  # items

Line = tuple[int, bytes]  # the number of an item, its line


class Differing(NamedTuple):
    """An item that the rules have put into a class: by which rule, its line on either side (None: it has none)."""

    rule: Cause
    restored: Line | None
    live: Line | None


@dataclass(slots=True)
class Checked:
    """What the check found among some items.

    `counts`: by class. `timeless`: how many of them have no time that can be believed. `details`: a line each of those
    that do differ, as a gzip member, empty where there is none. `odd`: the place of one that is no JSON or holds what
    is no DynamoDB value, and what that is; nothing is concluded then.
    """

    matching: Matching
    counts: Counter[Class] = field(default_factory=Counter)
    timeless: int = 0
    details: bytes = b""
    odd: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class ExactCheck:
    """How it is done. `members`: which member of a line holds the item, of the restored side, then of the live one."""

    key: KeySchema
    policy: Policy
    members: tuple[str, str]

    def __call__(self, items: Sequence[Differing]) -> Checked:
        """Look at each. Raises RunnerFailed where two keys have one hash."""
        checked, lines = Checked(Matching(self.policy)), []
        mine, theirs = self.members
        for place, (rule, old, new) in enumerate(items):
            try:
                one, other = item_of(old, mine), item_of(new, theirs)
            except BadInput as error:
                checked.odd = (place, str(error))
                return checked
            try:
                if one is not None and other is not None and self._same(one, other):
                    checked.counts[Class.UNCHANGED] += 1
                    continue
                cause = self.policy.gone(one) if rule is Cause.GONE and one is not None else rule
                lines.append(self._line(cause, one, other))
            except BadInput as error:
                checked.odd = (place, f"the item {self._key(one, other)}: {error}")
                return checked
            checked.counts[cause.kind] += 1
            checked.matching.see(one, other)
            checked.timeless += cause is Cause.TIMELESS
        if lines:
            checked.details = igzip.compress(b"".join(lines), compresslevel=1)
        return checked

    def _same(self, one: Item, other: Item) -> bool:
        for name in self.key.names:
            if one.get(name) != other.get(name):
                self._is_same_key(one, other)
        return equal(one, other)

    def _is_same_key(self, one: Item, other: Item) -> None:
        mine, theirs = self.key.of(one), self.key.of(other)
        if key_bytes(mine) != key_bytes(theirs):
            raise RunnerFailed(f"two keys have the same hash of 128 bits: {mine}, {theirs}; not completed")

    def _key(self, old: Item | None, new: Item | None) -> Item:
        return self.key.of(old if old is not None else new or {})

    def _line(self, cause: Cause, old: Item | None, new: Item | None) -> bytes:
        fields = {
            "class": cause.kind,
            "reason": self.policy.reason(cause, new),
            "key": self._key(old, new),
            "restored": old,
            "live": new,
        }
        try:
            return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
        except orjson.JSONEncodeError as error:  # DynamoDB has 32 levels, a line of JSON may have a hundred
            raise BadInput("expected an item as DynamoDB has them, seen one with more levels") from error


def item_of(line: Line | None, member: str) -> Item | None:
    """The item of a line; None without a line, or when the line says that there is none. Raises BadInput."""
    if line is None:
        return None
    try:
        item: Item | None = orjson.loads(line[1]).get(member)
    except orjson.JSONDecodeError as error:  # where values were not parsed for their row: a number such as 1e999
        raise BadInput(f"expected one JSON object, seen {line[1][:80]!r}: {error}") from error
    return item
