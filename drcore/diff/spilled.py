"""Rows of numbers on disk, parted by the first bits of their first number, so that a part fits into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_AT_ONCE = 1 << 19  # rows in a part, about
_MOST = 8  # bits
_WIDTH = 3  # numbers in a row
_ROW = 8 * _WIDTH  # bytes


def bits_for(rows: int) -> int:
    """How many bits part so many rows into parts that fit into memory."""
    return min(_MOST, max(0, (rows // _AT_ONCE).bit_length()))


class Spilled:
    """Rows of three unsigned 64-bit numbers; the first is a hash, so that all parts are about as large."""

    def __init__(self, path: Path, bits: int) -> None:
        self.bits, self._path = bits, path
        path.touch()
        self._written: list[tuple[int, Array]] = []  # of each that was added: where, the bounds of its parts
        self._end = 0

    def add(self, rows: Array) -> None:
        """Put rows behind those that are there."""
        if not len(rows):
            return
        if self.bits:
            part = (rows[:, 0] >> np.uint64(64 - self.bits)).astype(np.uint8)
            counts = np.bincount(part, minlength=1 << self.bits)
            rows = rows[np.argsort(part, kind="stable")]
        else:
            counts = np.array([len(rows)])
        with self._path.open("ab") as file:
            file.write(np.ascontiguousarray(rows).data)
        self._written.append((self._end, np.concatenate(([0], np.cumsum(counts)))))
        self._end += len(rows) * _ROW

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._end // _ROW

    def count_of(self, part: int) -> int:
        """How many of them are in one part."""
        return sum(int(bounds[part + 1] - bounds[part]) for _, bounds in self._written)

    def part(self, part: int) -> Array:
        """The rows of one part."""
        pieces = []
        with self._path.open("rb") as file:
            for start, bounds in self._written:
                file.seek(start + int(bounds[part]) * _ROW)
                pieces.append(file.read(int(bounds[part + 1] - bounds[part]) * _ROW))
        return np.frombuffer(b"".join(pieces), dtype=np.uint64).reshape(-1, _WIDTH)
