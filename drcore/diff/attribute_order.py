"""How alike two exports write their items, as far as some of their lines show it.

It is a guess for choosing a way only: some of the first lines of some files are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

from drcore.diff.gzip_lines import FileLines, blocks

_FILES = 16  # of a side
_LINES = 50  # of a file
_RULED = 0.9  # of the items of one side must follow the orders of the others there, or no order tells anything

Order = tuple[str, ...]


class Likeness(NamedTuple):
    """How alike they are.

    `order`: the share of live items whose attributes stand as in a restored item with the same attributes; 1: not
    known. `values`: whether both write values in one way: the names of a map in one order, no blanks, no needless
    escapes.
    """

    order: float
    values: bool


class _ItemForm(NamedTuple):
    """How an item was written: its attributes in order, the names of the maps in them, whether no byte is needless."""

    order: Order
    maps: list[Order]
    plain: bool


def likeness(restored: FileLines, live: FileLines) -> Likeness:
    """What a sample of both shows."""
    mine, theirs = list(_sampled(restored)), list(_sampled(live))
    both = mine + theirs
    maps = {order for item in both for order in item.maps}
    values = len(maps) == len(set(map(frozenset, maps))) and all(item.plain for item in both)
    one, other = [item.order for item in mine], [item.order for item in theirs]
    ruled = _share(one[::2], one[1::2]) >= _RULED
    return Likeness(_share(one, other) if ruled else 1.0, values)


def _share(known: Iterable[Order], orders: list[Order]) -> float:
    """Which share of some orders is known, of those whose attributes are; 1 where these are not the most."""
    among = set(known)
    attributes = {frozenset(order) for order in among}
    comparable = [order in among for order in orders if frozenset(order) in attributes]
    return sum(comparable) / len(comparable) if 2 * len(comparable) > len(orders) else 1.0


def _sampled(lines: FileLines) -> Iterator[_ItemForm]:
    """How some items are written; a line that is none is left to those who read it."""
    for file in lines.files[:: max(1, len(lines.files) // _FILES)]:
        for _, block in islice(blocks(file), 1):
            for line in block[:_LINES]:
                try:
                    document = orjson.loads(line)
                    image, plain = document["Item"], orjson.dumps(document) == line.removesuffix(b"\n")
                except (ValueError, KeyError, TypeError):
                    continue
                if isinstance(image, dict):
                    yield _ItemForm(tuple(image), _maps(image), plain)


def _maps(item: dict[str, Any]) -> list[Order]:
    """The names in each object below an item, as they stand."""
    orders, waiting = [], list(item.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            orders.append(tuple(value))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return orders
