"""Whether two exports write the attributes of an item in the same order, as far as some of their lines show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import orjson

from drcore.diff.gzip_lines import FileLines, blocks

_FILES = 16  # of a side
_LINES = 50  # of a file
_RULED = 0.9  # of the items of one side must follow the orders of the others there, or no order tells anything

Order = tuple[str, ...]


def same_order(restored: FileLines, live: FileLines) -> float:
    """The share of live items whose attributes stand as in a restored item with the same attributes; 1: not known.

    A guess for choosing a way only, as some of the first lines of some files are looked at.
    """
    one, other = list(_orders(restored)), list(_orders(live))
    if _share(one[::2], one[1::2]) < _RULED:
        return 1.0
    return _share(one, other)


def _share(known: Iterable[Order], orders: list[Order]) -> float:
    """Which share of some orders is known, of those whose attributes are; 1 where these are not the most."""
    among = set(known)
    attributes = {frozenset(order) for order in among}
    comparable = [order in among for order in orders if frozenset(order) in attributes]
    return sum(comparable) / len(comparable) if 2 * len(comparable) > len(orders) else 1.0


def _orders(lines: FileLines) -> Iterator[Order]:
    """The attributes of some items as they stand; a line that is none is left to those who read it."""
    for file in lines.files[:: max(1, len(lines.files) // _FILES)]:
        for _, block in islice(blocks(file), 1):
            for line in block[:_LINES]:
                try:
                    image = orjson.loads(line)["Item"]
                except (ValueError, KeyError, TypeError):
                    continue
                if isinstance(image, dict):
                    yield tuple(image)
