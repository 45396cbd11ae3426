"""The hashes of the lines of one side of a comparison, for looking up those of the other side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from drcore.diff.spilled import Array, Spilled

_AT_ONCE = 1 << 18  # places, so that those of all hashes take no memory at once
NONE: Array = np.empty(0, dtype=np.uint64)


class KnownHashes:
    """Hashes in order, in files that workers share: high halves, low halves, which line each is of.

    Of several with the same first half only the first is found; the lines of the others are then not equal.

    `first`: from where on those stand that begin with the same bits. As hashes are even, that is a place or two away.
    """

    def __init__(self, folder: Path, hashes: Spilled) -> None:
        self.paths = [folder / f"known-{name}" for name in ("high", "low", "places", "first")]
        self.count = 0
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("wb")) for path in self.paths[:3]]
            for part in range(1 << hashes.bits):
                columns = [np.ascontiguousarray(column) for column in hashes.part(part).T]
                order = np.argsort(columns[0])
                self.count += len(order)
                for column, file in zip(columns, files, strict=True):
                    file.write(column[order].data)
        self.bits = max(1, self.count.bit_length())
        high, places = self._read(0), 1 << self.bits
        with self.paths[3].open("wb") as file:
            for start in range(0, places, _AT_ONCE):
                begins = np.arange(start, min(start + _AT_ONCE, places), dtype=np.uint64) << np.uint64(64 - self.bits)
                file.write(np.searchsorted(high, begins).astype(np.uint32).data)

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
