"""The hashes of the lines of one side of a comparison, for looking up those of the other side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from drcore.diff.spilled import Array, Spilled

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
                rows = hashes.part(part)
                rows = rows[np.argsort(rows[:, 0])]
                self.count += len(rows)
                for column, file in enumerate(files):
                    file.write(np.ascontiguousarray(rows[:, column]).data)
        self.bits = max(1, self.count.bit_length() - 1)
        begins = np.arange(1 << self.bits, dtype=np.uint64) << np.uint64(64 - self.bits)
        self.paths[3].write_bytes(np.searchsorted(self._read(0), begins).astype(np.uint64).data)

    def finder(self) -> Callable[[Array], tuple[Array, Array]]:
        """From hashes to which of them are among these, and where those stand."""
        if not self.count:
            return lambda hashes: (np.zeros(len(hashes), dtype=np.bool_), NONE)
        high, low, first = map(self._read, (0, 1, 3))  # once: a page that is mapped anew costs more than the search
        shift, end = np.uint64(64 - self.bits), np.uint64(self.count - 1)

        def find(hashes: Array) -> tuple[Array, Array]:
            wanted = hashes[:, 0]
            at = np.minimum(first[wanted >> shift], end)
            while (below := (high[at] < wanted) & (at < end)).any():
                at = at + below
            there = (high[at] == wanted) & (low[at] == hashes[:, 1])
            return there, at[there]

        return find

    def places(self) -> Array:
        """Which line each of them is."""
        return self._read(2)

    def _read(self, path: int) -> Array:
        return np.asarray(np.memmap(self.paths[path], dtype=np.uint64, mode="r")) if self.count else NONE
