"""The lines that are left when equal ones are taken out, on disk with the numbers that they had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from drcore.diff.gzip_lines import Block, FileLines, cut
from drcore.errors import RunnerFailed

_AT_ONCE = 1 << 10  # lines
_PART = 1 << 13  # lines that are read by one worker at once, at least


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some lines in a file: where, how many bytes, how many lines, the number of the last one."""

    at: int
    length: int
    count: int
    last: int


@dataclass(slots=True)
class Rest:
    """Lines that one worker has left over: a file of them, each piece behind its numbers."""

    path: Path
    pieces: list[_Piece] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many lines there are."""
        return sum(piece.count for piece in self.pieces)

    def read(self, piece: _Piece) -> Block:
        """Numbers and lines of one piece."""
        with self.path.open("rb") as file:
            file.seek(piece.at)
            data = file.read(piece.length)
        numbers = np.frombuffer(data[: 8 * piece.count], dtype=np.int64).tolist()
        return numbers, cut(data[8 * piece.count :])


class RestWriter:
    """Puts lines into the file of a `Rest`."""

    def __init__(self, path: Path) -> None:
        self.rest = Rest(path)
        self._numbers: list[int] = []
        self._lines: list[bytes] = []

    def add(self, numbers: Iterable[int], lines: Iterable[bytes]) -> None:
        """Put lines behind those that are there; their numbers rise."""
        self._numbers += numbers
        self._lines += lines
        if len(self._lines) >= _AT_ONCE:
            self._flush()

    def close(self) -> Rest:
        """What was written."""
        self._flush()
        return self.rest

    def _flush(self) -> None:
        if self._lines:
            data = np.array(self._numbers, dtype=np.int64).tobytes() + b"".join(self._lines)
            with self.rest.path.open("ab") as file:
                piece = _Piece(file.tell(), len(data), len(self._lines), self._numbers[-1])
                file.write(data)
            self.rest.pieces.append(piece)
            self._numbers, self._lines = [], []


@dataclass(frozen=True, slots=True)
class RestLines:
    """What is left of the lines of some files. They keep their numbers, so that a place is that in those files."""

    files: FileLines
    rests: Sequence[Rest]

    def blocks(self) -> Iterator[Block]:
        """All lines in blocks."""
        for rest in self.rests:
            yield from map(rest.read, rest.pieces)

    def parts(self) -> list[RestLines]:
        """The same lines in parts that can be read side by side."""
        parts: list[RestLines] = []
        rests: list[Rest] = []
        for rest in self.rests:
            rests.append(rest)
            if sum(each.count for each in rests) >= _PART:
                parts.append(RestLines(self.files, rests))
                rests = []
        return [*parts, RestLines(self.files, rests)] if rests else parts

    def where(self, number: int) -> str:
        """The file and the line of a number, for a person."""
        return self.files.where(number)

    def pick(self, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The lines with these numbers, which rise. Raises RunnerFailed for one that is not among them."""
        want = next(wanted, None)
        for rest in self.rests:
            for piece in rest.pieces:
                if want is None or want > piece.last:
                    continue
                for number, line in zip(*rest.read(piece), strict=True):
                    if number == want:
                        yield want, line
                        want = next(wanted, None)
        if want is not None:
            raise RunnerFailed(f"{self.where(want)}: expected the line among those that are left, found none")
