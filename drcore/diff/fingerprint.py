"""A row for each item: the hash of its key, the hash of its text, what the rules ask of it.

Blocks of lines are parsed at once and read lazily: of an item only the key, and of a live one the time of modification,
become Python objects. That, and not the join, is where a comparison spends its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import simdjson
import xxhash

from drcore.diff.items import binary, number, plain
from drcore.diff.keys import TYPES, KeySchema
from drcore.diff.policy import Policy, facts, micros_of_text
from drcore.errors import BadInput

NO_TIME = -(2**63)  # stands for "no time of modification"
BATCH = 1 << 16  # rows
_WRAPPED = b'{"Item":'

Batch = dict[str, np.ndarray[Any, Any]]


class Image(NamedTuple):
    """One item as it is read: its key's attributes, itself (None: absent), its own text."""

    key: Any
    item: Any
    text: bytes


Images = Callable[[Any, list[bytes]], Iterator[Image]]


class Look:
    """Makes rows of items, for one side of a comparison."""

    def __init__(self, key: KeySchema, policy: Policy, *, live: bool) -> None:
        self.key, self.policy, self.live = key, policy, live
        self._names = [name.encode() for name in policy.faulty] if policy.writer else []

    def rows(self, images: Iterable[Image]) -> Rows:
        """The rows of some images, in their order. Raises BadInput for an item that has no such key."""
        if not self.key.types:
            images = iter(images)
            first = next(images, None)
            if first is None:
                return Rows()
            self.key = KeySchema(self.key.names, self._types(first.key))
            images = _again(first, images)
        keys: list[bytes] = []
        items: list[int] = []
        present: list[bool] = []
        modified: list[int] = []
        flags: list[int] = []
        key_of, digest, hashed = _key_reader(self.key), xxhash.xxh3_128_digest, xxhash.xxh3_64_intdigest
        attribute, names, live = self.policy.modified, self._names, self.live
        for key, item, text in images:
            try:
                keys.append(digest(key_of(key)))
            except (KeyError, TypeError, AttributeError):
                raise BadInput(f"expected an item with the key {self.key}, seen {_shortened(text)}") from None
            items.append(hashed(text))
            present.append(item is not None)
            if not live:
                continue
            if item is None:
                modified.append(NO_TIME)
                flags.append(0)
                continue
            if names and (b"\\" in text or any(name in text for name in names)):  # escaped, a name may look otherwise
                seen = facts({name: item[name].as_dict() for name in self._asked if name in item}, self.policy)
                flags.append(seen.last_faulty + 2 * seen.earlier_faulty)
            else:
                flags.append(0)
            modified.append(self._modified(item) if attribute else NO_TIME)
        return Rows(keys, items, present, modified, flags)

    @property
    def _asked(self) -> tuple[str, ...]:
        return (self.policy.writer,)

    def _modified(self, item: Any) -> int:
        try:
            found = micros_of_text(item[self.policy.modified]["S"])
        except KeyError:
            if self.policy.modified not in item:
                return NO_TIME
            found = facts({self.policy.modified: item[self.policy.modified].as_dict()}, self.policy).modified
        except TypeError:
            return NO_TIME
        return NO_TIME if found is None else found

    def _types(self, key: Any) -> tuple[str, ...]:
        try:
            kinds = tuple(next(iter(key[name])) for name in self.key.names)
        except (KeyError, TypeError, StopIteration):
            raise BadInput(f"expected an item with the key {self.key}, seen one without it") from None
        if set(kinds) - set(TYPES):
            raise BadInput(f"expected a key {self.key} of type S, N or B, seen {', '.join(kinds)}")
        return kinds


class Rows:
    """Rows on their way into a relation."""

    def __init__(self, *columns: list[Any]) -> None:
        self.columns: tuple[list[Any], ...] = columns or ([], [], [], [], [])

    def __len__(self) -> int:
        return len(self.columns[0])

    def extend(self, more: Rows) -> None:
        """Put others behind these."""
        for column, others in zip(self.columns, more.columns, strict=True):
            column.extend(others)

    def batch(self, first: int) -> Batch:
        """The same as arrays; the first row gets the number `first`."""
        keys, items, present, modified, flags = self.columns
        halves = np.frombuffer(b"".join(keys), dtype=">i8").astype(np.int64).reshape(-1, 2)
        found = {
            "key_high": halves[:, 0].copy(),
            "key_low": halves[:, 1].copy(),
            "item": np.array(items, dtype=np.uint64).view(np.int64),
            "n": np.arange(first, first + len(keys), dtype=np.int64),
            "present": np.array(present, dtype=np.bool_),
        }
        if modified:
            bits = np.array(flags, dtype=np.uint8)
            found |= {
                "modified": np.array(modified, dtype=np.int64),
                "last_faulty": (bits & 1).astype(np.bool_),
                "earlier_faulty": (bits & 2).astype(np.bool_),
            }
        return found


def parsed(parser: Any, lines: list[bytes], where: str, first: int) -> Any:
    """Lines as one array of documents. Raises BadInput with the number of the line that is no JSON object."""
    try:
        array = parser.parse(b"[" + b",".join(lines) + b"]")
        if len(array) == len(lines):
            return array
    except (ValueError, RuntimeError):
        pass
    for count, line in enumerate(lines, first + 1):
        if not _is_object(line):
            raise BadInput(f"{where}: line {count}: expected one JSON object, seen {_shortened(line)}")
    raise BadInput(f"{where}: lines from {first + 1}: expected one JSON object a line")


def whole_items(array: Any, lines: list[bytes]) -> Iterator[Image]:
    """The images of a full export: `{"Item": …}` a line."""
    for document, line in zip(array, lines, strict=True):
        try:
            item = document["Item"]
        except (KeyError, TypeError):
            raise BadInput(f'expected a line {{"Item": …}}, seen {_shortened(line)}') from None
        yield Image(item, item, line[len(_WRAPPED) : -1] if line.startswith(_WRAPPED) else item.mini)


def images_of(name: str) -> Images:
    """The images of an incremental export: OldImage or NewImage, with the Keys beside them."""

    def read(array: Any, lines: list[bytes]) -> Iterator[Image]:
        for document, line in zip(array, lines, strict=True):
            try:
                key = document["Keys"]
            except (KeyError, TypeError):
                raise BadInput(f'expected a line {{"Keys": …}}, seen {_shortened(line)}') from None
            item = document.get(name)
            yield Image(key, item, b"" if item is None else item.mini)

    return read


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


def _again(first: Image, rest: Iterator[Image]) -> Iterator[Image]:
    yield first
    del first  # the parser cannot be used again as long as something of its document is held
    yield from rest


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(simdjson.Parser().parse(line, True), dict)
    except (ValueError, RuntimeError):
        return False


def _shortened(text: bytes) -> str:
    shown = text[:80].decode(errors="replace")
    return f"{shown!r}{'…' if len(text) > 80 else ''}"
