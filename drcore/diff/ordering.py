"""Lines whose names are put in order, so that equal items have one text where two sides write them in two orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import msgspec
import orjson

Ordering = Callable[[bytes], tuple[dict[str, Any], bytes]]  # from a line to its item, and to its text in order

FAILS = (ValueError, TypeError, KeyError, RecursionError, msgspec.MsgspecError)
"""What is raised for a line that is no item, or is nested deeper than it goes."""


class Ordered(Enum):
    """How deep names are put in order: those of the item's own attributes, or all.

    Of the first the values are left as they are written, which takes half the time. That is enough where both sides
    write values alike; where they do not, equal items have different texts and are left to the exact check.
    """

    NOT = "not"
    ATTRIBUTES = "attributes"
    THROUGHOUT = "throughout"


class _Line(msgspec.Struct, gc=False):
    """A line of a full export, its values not parsed."""

    Item: dict[str, msgspec.Raw]


_line = msgspec.json.Decoder(_Line).decode
_value = msgspec.json.Decoder(dict[str, str]).decode
_sorted = msgspec.json.Encoder(order="sorted").encode


def ordering(ordered: Ordered, names: Sequence[str] = ()) -> Ordering:
    """How a line is read. Its item has at least the attributes of these names. Raises one of FAILS."""
    if ordered is Ordered.THROUGHOUT:
        return _throughout

    def attributes(line: bytes) -> tuple[dict[str, Any], bytes]:
        if not line.isascii():
            line.decode()  # of what it does not parse msgspec does not see whether it is UTF-8
        item = _line(line).Item
        return {name: _value(item[name]) for name in names}, _sorted(item)

    return attributes


def in_order(ordered: Ordered) -> Callable[[bytes], bytes]:
    """A line's text in order; as it is where that cannot be, as the exact check says why."""
    read = ordering(ordered)

    def text_of(line: bytes) -> bytes:
        try:
            return read(line)[1]
        except FAILS:
            return line

    return text_of


def _throughout(line: bytes) -> tuple[dict[str, Any], bytes]:
    document = orjson.loads(line)
    return document["Item"], orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
