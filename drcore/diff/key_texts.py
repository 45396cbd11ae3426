"""The keys of many lines by their text alone, for saying of most lines that their key is none of some others.

To parse each equal line for its key takes as long as all else together. One attribute of the key, of type S, is looked
for in the text instead, and its hash kept. What is found may be more than the key (the same name further down in an
item), never less, or else the text is given up and its lines are parsed:

- Where no text has a backslash, a line whose key has this attribute has its name between quotes. Every place where that
  stands is looked at; one behind which no value follows in the form that exports have gives up the text.
- A value without a backslash is equal to another where its bytes are.

So where lines of a rest have as many of these hashes as are met in all lines, none of the others has such a key. Where
more are met (two items of one partition, a key that is there twice), the keys themselves must be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
import xxhash

from drcore.diff.keys import KeySchema
from drcore.diff.spilled import Array

_DISTINCT = 0.9  # of the values must be so: where most are met again, as partitions are, nothing is ruled out
_BITS = 24  # of a hash, by which most that are not looked for are told at once


@dataclass(frozen=True, slots=True)
class KeyTexts:
    """How an attribute of a key is found. `opening`: whether what stands before its name is a quote, or anything."""

    attribute: str
    opening: bytes = b'"'

    def hashes(self, text: bytes, count: int) -> Array | None:
        """The hashes of the attribute in so many lines, in no order; None where only parsing them tells it."""
        values = self.values(text)
        if len(values) != count or b"\\" in text or b"" in values:
            return None
        return hashed(values)

    def values(self, text: bytes) -> list[bytes]:
        """The values behind the name wherever it stands; an empty one where another form follows."""
        # The compiled pattern is kept by `re`. It begins with the name, as a quote first stands at too many places.
        return re.findall(self.opening + re.escape(self.attribute.encode()) + rb'"(?::\{"S":"([^"]*)")?', text)

    @property
    def key(self) -> KeySchema:
        """The attribute as if it were a key of its own."""
        return KeySchema((self.attribute,), ("S",))


def hashed(values: Iterable[bytes]) -> Array:
    """A half of the hash that a row has for a key of this one attribute."""
    return np.frombuffer(b"".join(map(xxhash.xxh3_128_digest, values)), dtype=np.uint64)[::2]


def key_texts(key: KeySchema, text: bytes, count: int) -> KeyTexts | None:
    """By which attribute the lines of an export are told apart, as seen in some of them; None where by none."""
    strings = [name for name, kind in zip(key.names, key.types, strict=False) if kind == "S"]
    for name, opening in product(strings, (b"", b'"')):
        tried = KeyTexts(name, opening)
        hashes = tried.hashes(text, count)
        if hashes is not None and len(np.unique(hashes)) >= _DISTINCT * count:
            return tried
    return None


def met(hashes: Iterable[Array], wanted: Array) -> int:
    """How many of some hashes are among those that are looked for, which are in order."""
    if not len(wanted):
        return 0
    shift, last, count = np.uint64(64 - _BITS), len(wanted) - 1, 0
    near = np.zeros(1 << _BITS, dtype=np.bool_)
    near[wanted >> shift] = True
    for some in hashes:
        likely = some[near[some >> shift]]
        count += int(np.count_nonzero(wanted[np.minimum(np.searchsorted(wanted, likely), last)] == likely))
    return count
