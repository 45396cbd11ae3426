"""DynamoDB: items as the API writes them, their keys, their sizes, the emulator's form of them."""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item

Attributes = Mapping[str, Mapping[str, Any]]
"""An item as the API has it: `{"pk": {"S": "…"}}`; binary values are base64 text. Nobody changes one in place."""

Key = tuple[Any, ...]
"""The values of an item's key attributes in the order of the key schema: text for S, B and (in one form) N."""

Stamp = tuple[datetime, str]
"""When and where an item was written: the greater one wins."""

_EXACT = Context(prec=40)


class Stored(dict[str, Any]):
    """An item in a table; what is made of it is kept, as tables share their items."""

    __slots__ = ("_size", "_text")

    def __init__(self, item: Attributes) -> None:
        super().__init__(item)
        self._text: bytes | None = None
        self._size: int | None = None

    @property
    def text(self) -> bytes:
        """The item in JSON."""
        if self._text is None:
            self._text = json.dumps(self, separators=(",", ":"), ensure_ascii=False).encode()
        return self._text

    @property
    def size(self) -> int:
        """Bytes, as DynamoDB counts them (numbers about)."""
        if self._size is None:
            self._size = sum([_bytes(name) + _size(value) for name, value in self.items()])
        return self._size


def stored(item: Attributes | None) -> Stored | None:
    """An item made ready to be kept."""
    return item if item is None or isinstance(item, Stored) else Stored(item)


def key_of(item: Attributes, schema: Iterable[str]) -> Key:
    """An item's key. Raises KeyError where a key attribute is missing."""
    return tuple(_key_value(item[name]) for name in schema)


def _key_value(typed: Mapping[str, Any]) -> str:
    (kind, value) = next(iter(typed.items()))
    if kind == "N":
        return format(Decimal(value).normalize(_EXACT), "f")
    return _text(value)


@lru_cache(maxsize=100_000)
def place(hash_value: str) -> int:
    """Where a partition lies: a number of 64 bits, which gives the order of a scan and its segments."""
    return int.from_bytes(hashlib.md5(hash_value.encode(), usedforsecurity=False).digest()[:8])


def emulated(item: Attributes, schema: tuple[str, ...]) -> Item:
    """The item as moto keeps it, unchecked: its size is known."""
    attributes = {name: DynamoType(_binary(value)) for name, value in item.items()}
    keys = [attributes[name] for name in schema]
    made = Item(keys[0], keys[1] if len(keys) > 1 else None, {})
    dict.update(made.attrs, attributes)
    return made


class Filtered:
    """An item as far as a filter looks at it: moto's form of an attribute is made when it is asked for."""

    __slots__ = ("_item",)

    def __init__(self, item: Attributes) -> None:
        self._item = item

    @property
    def attrs(self) -> "Filtered":
        """Itself, in the place where moto looks for attributes."""
        return self

    def __contains__(self, name: str) -> bool:
        return name in self._item

    def __getitem__(self, name: str) -> DynamoType:
        return DynamoType(_binary(self._item[name]))


def _binary(typed: Mapping[str, Any]) -> dict[str, Any]:
    """The value with binary parts as bytes, which moto compares."""
    (kind, value) = next(iter(typed.items()))
    match kind:
        case "B":
            return {"B": b64decode(value)}
        case "BS":
            return {"BS": list(map(b64decode, value))}
        case "M":
            return {"M": {name: _binary(each) for name, each in value.items()}}
        case "L":
            return {"L": list(map(_binary, value))}
    return dict(typed)


def plain(item: Item) -> Stored:
    """What moto keeps as the API writes it."""
    return Stored({name: _wire(value) for name, value in item.attrs.items()})


def _wire(value: DynamoType) -> dict[str, Any]:
    match value.type:
        case "M":
            return {"M": {name: _wire(each) for name, each in value.value.items()}}
        case "L":
            return {"L": [_wire(each) for each in value.value]}
        case "SS" | "NS":
            return {value.type: list(value.value)}
        case "BS":
            return {"BS": list(map(_text, value.value))}
        case "B":
            return {"B": _text(value.value)}
    return {value.type: value.value}


def _text(value: bytes | str) -> str:
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _size(typed: Mapping[str, Any]) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":  # the most, so the first
            return _bytes(value)
        case "M":
            return 3 + sum([1 + _bytes(name) + _size(each) for name, each in value.items()])
        case "L":
            return 3 + sum([1 + _size(each) for each in value])
        case "SS":
            return sum(map(_bytes, value))
        case "NS":
            return sum(_digits(each) for each in value)
        case "N":
            return _digits(value)
        case "B":
            return len(value) * 3 // 4
        case "BS":
            return sum(len(each) * 3 // 4 for each in value)
    return 1


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _digits(number: str) -> int:
    return len(number.strip("-").replace(".", "")) // 2 + 2
