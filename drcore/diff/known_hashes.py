"""The hashes of the lines of one side of a comparison, for looking up those of the other side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drcore.diff.spilled import Array, Spilled
from drcore.diff.workers import JobPool

_AT_ONCE = 1 << 18  # places, so that those of all hashes take no memory at once
NONE: Array = np.empty(0, dtype=np.uint64)


class _SortedPart(NamedTuple):
    """A worker's part: all hashes, which part of them, the files, how many bits tell places in the last one."""

    hashes: Spilled
    number: int
    paths: list[Path]
    bits: int


def _put_in_order(part: _SortedPart) -> None:
    """Sort the hashes of one part, and write them to where they belong among all."""
    hashes, number, paths, bits = part
    before = sum(hashes.count_of(earlier) for earlier in range(number))
    columns = [np.ascontiguousarray(column) for column in hashes.part(number).T]
    order = np.argsort(columns[0])
    for column, path in zip(columns, paths[:3], strict=True):
        _write(path, 8 * before, column[order])
    high, places = columns[0][order], 1 << (bits - hashes.bits)
    for start in range(0, places, _AT_ONCE):
        place = number * places + start
        begins = np.arange(place, place + min(_AT_ONCE, places - start), dtype=np.uint64) << np.uint64(64 - bits)
        _write(paths[3], 4 * place, (np.searchsorted(high, begins) + before).astype(np.uint32))


def _write(path: Path, at: int, values: Array) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(values.data)


class KnownHashes:
    """Hashes in order, in files that workers share: high halves, low halves, which line each is of.

    Of several with the same first half only the first is found; the lines of the others are then not equal.

    `first`: from where on those stand that begin with the same bits. As hashes are even, that is a place or two away.
    """

    def __init__(self, folder: Path, hashes: Spilled, workers: JobPool) -> None:
        self.paths = [folder / f"known-{name}" for name in ("high", "low", "places", "first")]
        self.count = hashes.count
        self.bits = max(1, hashes.bits, self.count.bit_length())
        for path in self.paths:
            path.touch()
        parts = [_SortedPart(hashes, number, self.paths, self.bits) for number in range(1 << hashes.bits)]
        deque(workers.each(_put_in_order, parts), maxlen=0)

    def finder(self) -> Callable[[Array], tuple[Array, Array]]:
        """From hashes to which of them are among these, and where those stand."""
        if not self.count:
            return lambda hashes: (np.zeros(len(hashes), dtype=np.bool_), NONE)
        # Once: a page that is mapped anew costs more than the search.
        high, low, first = self._read(0), self._read(1), self._read(3, np.uint32)
        shift, end = np.uint64(64 - self.bits), self.count - 1

        def find(hashes: Array) -> tuple[Array, Array]:
            wanted = hashes[:, 0]
            at = np.minimum(first[wanted >> shift], end).astype(np.intp)
            behind = np.flatnonzero((high[at] < wanted) & (at < end))
            while len(behind):
                at[behind] += 1
                behind = behind[at[behind] < end]
                behind = behind[high[at[behind]] < wanted[behind]]
            there = (high[at] == wanted) & (low[at] == hashes[:, 1])
            return there, at[there]

        return find

    def places(self) -> Array:
        """Which line each of them is."""
        return self._read(2)

    def _read(self, path: int, kind: type[np.unsignedinteger[Any]] = np.uint64) -> Array:
        return np.asarray(np.memmap(self.paths[path], dtype=kind, mode="r")) if self.count else NONE
