"""When two items are equal, as DynamoDB would say it.

Items are typed JSON, as the API and the exports write them: `{"pk": {"S": "USER#1"}, "n": {"N": "1.0"}}`. Binary values
may be bytes (as boto3 gives them) or base64 (as files have them).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any, NamedTuple

from drcore.errors import BadInput

Value = Mapping[str, Any]
Item = Mapping[str, Value]

# The default context rounds at 28 digits, DynamoDB has 38.
_DIGITS = Context(prec=40)
_LARGEST = 126  # DynamoDB's numbers end at 9.99…E+125 and 1E-130; "1E999999999" written out would fill the memory
_SMALLEST = -131
_OWN = "aws:rep:"  # what DynamoDB itself writes into the items of old global tables; it is nobody's data


class Change(NamedTuple):
    """One difference inside an item: where, and both values as a person reads them; None where there is none."""

    path: str
    before: str | None
    after: str | None


def equal(one: Item, other: Item) -> bool:
    """Whether DynamoDB would call two items equal. Raises BadInput for what is no DynamoDB value."""
    if one == other:
        return True
    if one.keys() == other.keys():
        for name, value in other.items():  # a loop, as all() of a generator takes twice as long for what is asked most
            mine = one[name]
            if mine != value and _canonical(mine) != _canonical(value):
                break
        else:
            return True
    if _OWN in "\n".join((*one, *other)):  # quicker than name by name
        one, other = users(one), users(other)
        return one.keys() == other.keys() and all(_canonical(one[name]) == _canonical(other[name]) for name in one)
    return False


def users(item: Item) -> Item:
    """An item without the attributes that are DynamoDB's own (`aws:rep:*`)."""
    return {name: value for name, value in item.items() if not name.startswith(_OWN)}


def canonical(item: Item) -> dict[str, Any]:
    """An item in the one form that equal items share. Raises BadInput."""
    return {name: _canonical(value) for name, value in users(item).items()}


def changes(before: Item, after: Item) -> tuple[Change, ...]:
    """What differs, attribute by attribute, down into maps and lists: `Schedule.Every`, `Priority[0]`."""
    return tuple(_changes("", {"M": users(before)}, {"M": users(after)}))


def number(text: object) -> Decimal:
    """A number exactly; equal numbers are equal however they are written. Raises BadInput."""
    try:
        value = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or (value and not _SMALLEST < value.adjusted() < _LARGEST):
        raise BadInput(f"expected a number as DynamoDB has them, seen {text!r}")
    return value


def plain(value: Decimal) -> str:
    """A number in its one plain form: 50, never 5E+1; 1, never 1.0; 0, never -0."""
    return format(_DIGITS.normalize(value), "f") if value else "0"


def binary(value: object) -> bytes:
    """A binary value as bytes. Raises BadInput."""
    if isinstance(value, bytes):
        return value
    try:
        if isinstance(value, str):
            return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise BadInput(f"expected base64, seen {value!r}")


def pair(value: object) -> tuple[str, Any]:
    """The type and the content of a typed value. Raises BadInput."""
    if (type(value) is dict or isinstance(value, Mapping)) and len(value) == 1:  # the first is ten times quicker
        ((kind, content),) = value.items()
        return kind, content
    raise BadInput(f"expected a value with its one type, such as {{'S': 'text'}}, seen {value!r}")


def _canonical(value: object) -> tuple[str, Any]:
    kind, content = pair(value)
    match kind, content:
        case "S", str():
            return kind, content
        case "N", _:
            return kind, number(content)
        case "B", _:
            return kind, binary(content)
        case "BOOL", bool():
            return kind, content
        case "NULL", _:
            return kind, None
        case "M", Mapping():
            return kind, {name: _canonical(inner) for name, inner in content.items()}
        case "L", list() | tuple():
            return kind, [_canonical(inner) for inner in content]
        case "SS", list() | tuple() | set():
            return kind, frozenset(content)
        case "NS", list() | tuple() | set():
            return kind, frozenset(map(number, content))
        case "BS", list() | tuple() | set():
            return kind, frozenset(map(binary, content))
    raise BadInput(f"expected a DynamoDB value, seen {value!r}")


def _changes(path: str, before: Value, after: Value) -> Iterator[Change]:
    (kind, old), (kind_after, new) = pair(before), pair(after)
    if kind == kind_after == "M":
        for name in [*old, *(name for name in new if name not in old)]:
            at = f"{path}.{name}" if path else name
            yield from _changes_at(at, old.get(name), new.get(name))
    elif kind == kind_after == "L":
        for index in range(max(len(old), len(new))):
            yield from _changes_at(f"{path}[{index}]", _get(old, index), _get(new, index))
    elif _canonical(before) != _canonical(after):
        typed = kind != kind_after
        yield Change(path, _shown(before, typed=typed), _shown(after, typed=typed))


def _changes_at(path: str, before: Value | None, after: Value | None) -> Iterator[Change]:
    if before is None or after is None:
        yield Change(path, None if before is None else _shown(before), None if after is None else _shown(after))
    else:
        yield from _changes(path, before, after)


def _get(values: list[Value], index: int) -> Value | None:
    return values[index] if index < len(values) else None


def _shown(value: Value, *, typed: bool = False) -> str:
    kind, content = pair(value)
    text = f"{kind} {_words(kind, content)}" if typed else _words(kind, content)
    return text.strip()


def _words(kind: str, content: Any) -> str:
    match kind:
        case "S":
            return content if content else '""'
        case "N":
            return plain(number(content))
        case "B":
            return f"0x{binary(content).hex()}"
        case "BOOL":
            return "true" if content else "false"
        case "NULL":
            return "null"
        case "M":
            return "{" + ", ".join(f"{name}: {_shown(inner)}" for name, inner in sorted(content.items())) + "}"
        case "L":
            return "[" + ", ".join(map(_shown, content)) + "]"
        case "NS":
            return _braced(plain(each) for each in sorted(map(number, content)))
        case "BS":
            return _braced(f"0x{each.hex()}" for each in sorted(map(binary, content)))
    return _braced(sorted(content))


def _braced(words: Iterable[str]) -> str:
    return "{" + ", ".join(words) + "}"
