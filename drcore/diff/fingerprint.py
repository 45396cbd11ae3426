"""A row for each item: the hash of its key, the hash of its text, what the rules ask of it.

Blocks of lines are parsed at once and read lazily: of an item only the key, and of a live one the time of modification,
become Python objects. That, and not the join, is where a comparison spends its time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import orjson
import simdjson
import xxhash

from drcore.diff.items import binary, number, plain
from drcore.diff.keys import TYPES, KeySchema
from drcore.diff.ordering import FAILS, Ordered, in_order, ordering
from drcore.diff.policy import EPOCH, MICROSECOND, Policy, facts
from drcore.errors import BadInput

NO_TIME = -(2**63)  # stands for "no time of modification"
BATCH = 1 << 16  # rows
_BOM = b"\xef\xbb\xbf"

Batch = dict[str, np.ndarray[Any, Any]]


class Images(NamedTuple):
    """Items as they were read, in three columns: what holds the key, the item (None: absent), its text."""

    keys: list[Any]
    items: list[Any]
    texts: list[bytes]


At = Callable[[int], str]  # from an item's place among those that are read at once to words for where it lies
Reader = Callable[[Any, list[bytes], At], Images]  # of an array of documents and their lines


class RowReader:
    """Makes rows of items, for one side of a comparison.

    `ordered`: names are put in order before an item's text is hashed, for sides that write them in different orders. To
    look at both items again would cost several times as much.
    """

    def __init__(self, key: KeySchema, policy: Policy, *, live: bool, ordered: Ordered = Ordered.NOT) -> None:
        self.key, self.policy, self.live, self.ordered = key, policy, live, ordered
        self._names = [name.encode() for name in policy.faulty] if policy.writer else []

    def rows(self, images: Images, numbers: Sequence[int], at: At) -> Rows:
        """The rows of some images, in their order, by their numbers. Raises BadInput for an item without such a key."""
        keys, items, texts = images
        if not items:
            return Rows()
        hashed = texts if self.ordered is Ordered.NOT else map(in_order(self.ordered), texts)
        rows = Rows(self.digests(keys, texts, at), list(map(xxhash.xxh3_64_intdigest, hashed)), [True] * len(items))
        rows.numbers[:] = numbers
        if keys is not items:
            rows.present[:] = [item is not None for item in items]
            self._keys_are_those_of(items, rows.keys, texts, at)
        if self.live:
            rows.modified[:] = self._modified(items)
            rows.flags[:] = self._flags(items.__getitem__, texts)
        return rows

    def ordered_rows(self, lines: Sequence[bytes], numbers: Sequence[int]) -> Rows | None:
        """The rows of the lines of a full export, each parsed and let go before the next: to hold them takes longer.

        None where one of them is not as nearly all are; `rows` reads those, or says what is wrong.
        """
        if not self.key.types:
            return None
        rows = Rows(present=[True] * len(lines), numbers=list(numbers))
        key_of, digest, hashed = _key_reader(self.key), xxhash.xxh3_128_digest, xxhash.xxh3_64_intdigest
        name = self.policy.modified if self.live else ""
        read = ordering(self.ordered, (*self.key.names, name) if name else self.key.names)
        try:
            for line in lines:
                item, text = read(line)
                rows.keys.append(digest(key_of(item)))
                rows.items.append(hashed(text))
                if name:
                    rows.modified.append(_time_of(item, name))
        except (*FAILS, AttributeError, BadInput):
            return None
        if self.live:
            if not name:
                rows.modified[:] = [NO_TIME] * len(lines)
            elif not self._are_believed(rows.modified):
                return None
            rows.flags[:] = self._flags(lambda index: orjson.loads(lines[index])["Item"], lines)
        return rows

    def digests(self, keys: list[Any], texts: list[bytes], at: At) -> list[bytes]:
        """The hashes of some keys. Raises BadInput for what has no such key, with its place."""
        if not self.key.types:
            self.key = KeySchema(self.key.names, self._types(keys[0], at))
        key_of, digest = _key_reader(self.key), xxhash.xxh3_128_digest
        try:
            return [digest(key_of(key)) for key in keys]
        except (KeyError, TypeError, AttributeError, BadInput):
            bad = next(index for index, key in enumerate(keys) if not _has(key, key_of))
        raise BadInput(f"{at(bad)}: expected an item with the key {self.key}, seen {_shortened(texts[bad])}")

    def _keys_are_those_of(self, items: list[Any], digests: list[bytes], texts: list[bytes], at: At) -> None:
        """An incremental export says the key twice."""
        there = [index for index, item in enumerate(items) if item is not None]
        own = self.digests([items[index] for index in there], [texts[index] for index in there], lambda n: at(there[n]))
        for index, digest in zip(there, own, strict=True):
            if digests[index] != digest:
                raise BadInput(
                    f"{at(index)}: expected the Keys to be those of the image, seen {_shortened(texts[index])}"
                )

    def _modified(self, items: list[Any]) -> list[int]:
        name = self.policy.modified
        if not name:
            return [NO_TIME] * len(items)
        try:  # all of them as nearly all are
            times = [_time_of(item, name) for item in items]
            if self._are_believed(times):
                return times
        except (KeyError, TypeError, ValueError):
            pass
        seen = (facts(_only(item, name), self.policy).modified for item in items)
        return [NO_TIME if time is None else time for time in seen]

    def _are_believed(self, times: list[int]) -> bool:
        """Whether no item says that it was modified after it was read."""
        latest = self.policy.latest
        return latest is None or max(times) <= latest

    def _flags(self, item_of: Callable[[int], Any], texts: Sequence[bytes]) -> list[int]:
        """1: the last writer is faulty, 2: an earlier one. Nearly no text has such a name at all."""
        flags = [0] * len(texts)
        for name in self._names:
            for index, text in enumerate(texts):
                # Where something is escaped, the name may be written otherwise.
                if name in text or b"\\" in text:
                    seen = facts(_only(item_of(index), self.policy.writer), self.policy)
                    flags[index] = seen.last_faulty + 2 * seen.earlier_faulty
        return flags

    def _types(self, key: Any, at: At) -> tuple[str, ...]:
        try:
            kinds = tuple(next(iter(key[name])) for name in self.key.names)
        except (KeyError, TypeError, StopIteration):
            raise BadInput(f"{at(0)}: expected an item with the key {self.key}, seen one without it") from None
        if set(kinds) - set(TYPES):
            raise BadInput(f"{at(0)}: expected a key {self.key} of type S, N or B, seen {', '.join(kinds)}")
        return kinds


@dataclass(slots=True)
class Rows:
    """Rows on their way into a relation, in columns; the last two are empty but for the live side."""

    keys: list[bytes] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    present: list[bool] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    modified: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def extend(self, more: Rows) -> None:
        """Put others behind these."""
        self.keys += more.keys
        self.items += more.items
        self.present += more.present
        self.numbers += more.numbers
        self.modified += more.modified
        self.flags += more.flags

    def batch(self) -> Batch:
        """The same as arrays."""
        halves = np.frombuffer(b"".join(self.keys), dtype=np.int64).reshape(-1, 2)
        columns = {
            "key_high": halves[:, 0].copy(),
            "key_low": halves[:, 1].copy(),
            "item": np.array(self.items, dtype=np.uint64).view(np.int64),
            "n": np.array(self.numbers, dtype=np.int64),
            "present": np.array(self.present, dtype=np.bool_),
        }
        if self.modified:
            bits = np.array(self.flags, dtype=np.uint8)
            columns |= {
                "modified": np.array(self.modified, dtype=np.int64),
                "last_faulty": (bits & 1).astype(np.bool_),
                "earlier_faulty": (bits & 2).astype(np.bool_),
            }
        return columns


def parsed(parser: Any, lines: list[bytes], at: At) -> Any:
    """Lines as one array of documents. Raises BadInput with the place of the line that is no JSON object."""
    try:
        array = parser.parse(b"[" + b",".join(lines) + b"]")
        if len(array) == len(lines):
            return array
    except (ValueError, RuntimeError):
        pass
    for index, line in enumerate(lines):
        if line.startswith(_BOM):
            raise BadInput(f"{at(index)}: expected one JSON object, seen a byte order mark before it")
        if not _is_object(line):
            raise BadInput(f"{at(index)}: expected one JSON object, seen {_shortened(line)}")
    raise BadInput(f"{at(0)} and those after it: expected one JSON object a line")


def whole_items(array: Any, lines: list[bytes], at: At) -> Images:
    """The images of a full export: `{"Item": …}` a line."""
    try:
        items = [document["Item"] for document in array]
    except (KeyError, TypeError):
        raise _without("Item", array, lines, at) from None
    return Images(items, items, lines)


def images_of(name: str) -> Reader:
    """The images of an incremental export: OldImage or NewImage, with the Keys beside them."""

    def read(array: Any, lines: list[bytes], at: At) -> Images:
        try:
            keys = [document["Keys"] for document in array]
            items = [document.get(name) for document in array]
        except (KeyError, TypeError):
            raise _without("Keys", array, lines, at) from None
        try:
            return Images(keys, items, [b"" if item is None else as_line(item) for item in items])
        except AttributeError:
            raise BadInput(f"{at(0)} and those after it: expected an object as {name}, seen another value") from None

    return read


def as_line(item: Any) -> bytes:
    """An item as a full export would have it: equal texts are equal wherever they were read."""
    return b'{"Item":%b}\n' % item.mini


def _without(name: str, array: Any, lines: list[bytes], at: At) -> BadInput:
    for index, (document, line) in enumerate(zip(array, lines, strict=True)):
        try:
            document[name]
        except (KeyError, TypeError):
            return BadInput(f'{at(index)}: expected a line {{"{name}": …}}, seen {_shortened(line)}')
    return BadInput(f'{at(0)} and those after it: expected lines {{"{name}": …}}')


def _has(key: Any, key_of: Callable[[Any], bytes]) -> bool:
    try:
        return bool(key_of(key)) or True
    except (KeyError, TypeError, AttributeError, BadInput):
        return False


def _time_of(item: Any, name: str) -> int:
    """When an item says that it was modified, in the form that nearly all have; raises what is raised for another."""
    return (datetime.fromisoformat(item[name]["S"]) - EPOCH) // MICROSECOND


def _only(item: Any, name: str) -> dict[str, Any]:
    """One attribute of an item as plain values, empty when it has none."""
    value = None if item is None else item.get(name)
    plain = value if isinstance(value, dict) or value is None else getattr(value, "as_dict", dict)()
    return {name: plain} if isinstance(plain, dict) else {}


def _key_reader(key: KeySchema) -> Callable[[Any], bytes]:
    """From an item to what is hashed: unambiguous, the same for equal keys."""
    names = key.names
    if key.types == ("S",):
        (one,) = names
        return lambda item: item[one]["S"].encode()
    if key.types == ("S", "S"):
        one, two = names

        def both(item: Any) -> bytes:
            text = item[one]["S"]
            return f"{len(text)}:{text}{item[two]['S']}".encode()

        return both
    readers = [(name, kind, _FORMS[kind]) for name, kind in zip(names, key.types, strict=True)]

    def any_of(item: Any) -> bytes:
        parts = [form(item[name][kind]) for name, kind, form in readers]
        return b"%d:%s" % (len(parts[0]), b"".join(parts))

    return any_of


_FORMS: dict[str, Callable[[str], bytes]] = {
    "S": str.encode,
    "N": lambda text: plain(number(text)).encode(),
    "B": binary,
}


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(simdjson.Parser().parse(line, True), dict)
    except (ValueError, RuntimeError):
        return False


def _shortened(text: bytes) -> str:
    text = text.removesuffix(b"\n")
    shown = text[:80].decode(errors="replace")
    return f"{shown!r}{'…' if len(text) > 80 else ''}"
