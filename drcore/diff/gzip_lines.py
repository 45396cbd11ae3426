"""Compressed lines of JSON, in blocks that hold whole lines.

A line has the newline that ends it, so that the last one of a file has one too where it was left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from isal import igzip, isal_zlib

from drcore.diff.spilled import Array
from drcore.errors import BadInput, RunnerFailed

FILE = 40  # bits of a line's number below that of its file: more lines than a file can have
_BLOCK = 1 << 18  # bytes: lines of more at once leave the cache of a core
_PART = 2 << 20  # bytes of files that are read by one worker at once
_FEW = 1 << 8  # lines: a block of fewer waits for those of the next file
# The stubs of isal say that its error is an instance; it is a class of its own.
_BROKEN: tuple[type[Exception], ...] = (EOFError, OSError, isal_zlib.IsalError)  # type: ignore[assignment]

Block = tuple[Sequence[int], list[bytes]]  # the numbers of lines, the lines


@dataclass(frozen=True, slots=True)
class DataFile:
    """A gzip file of lines; `count` is how many lines its manifest says it has (None: nothing says)."""

    path: Path
    count: int | None = None


def blocks(file: DataFile) -> Iterator[tuple[int, list[bytes]]]:
    """A file's lines in blocks, each with the number of its first.

    Raises BadInput when the file is cut off, damaged, or has not as many lines as it should.
    """
    number, rest = 0, b""
    for data in _data(file):
        lines = cut(data)
        lines[0] = rest + lines[0]
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        if lines:
            yield number, lines
            number += len(lines)
    if rest:
        yield number, [rest + b"\n"]
        number += 1
    if file.count is not None and number != file.count:
        raise BadInput(f"{file.path}: expected {file.count} items by the manifest, seen {number}")


def texts(file: DataFile) -> Iterator[bytes]:
    """A file's lines some at once, uncut; each text ends where a line does.

    Raises BadInput when the file is cut off or damaged; that its lines are as many as they should be is not looked at.
    """
    rest = b""
    for data in _data(file):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join((rest, memoryview(data)[:end]))  # copied once
            rest = data[end:]
        else:
            rest += data
    if rest:
        yield rest + b"\n"


def cut(text: bytes) -> list[bytes]:
    """The lines of a text."""
    return BytesIO(text).readlines()  # two thirds of what it takes to split it


def texts_with_ends(file: DataFile, lengths: Array) -> Iterator[tuple[bytes, Array]]:
    """The texts of a file of which it is known how long each line is, each with where its lines end.

    Raises RunnerFailed when they are no longer so long.
    """
    ends = np.cumsum(lengths, dtype=np.int64)
    first = size = 0
    for text in texts(file):
        last = int(np.searchsorted(ends, size + len(text), side="right"))
        own = ends[first:last] - size
        size += len(text)
        if not len(own) or own[-1] != len(text):
            raise RunnerFailed(f"{file.path}: expected the same lines again: the file changed meanwhile")
        yield text, own
        first = last
    if first != len(lengths):
        raise RunnerFailed(f"{file.path}: expected the same lines again: the file changed meanwhile")


def lines_at(text: bytes, ends: Array, wanted: Array) -> list[bytes]:
    """Some lines of a text by their places among all."""
    starts = np.where(wanted, ends[wanted - 1], 0)
    return [text[start:end] for start, end in zip(starts.tolist(), ends[wanted].tolist(), strict=True)]


def _data(file: DataFile) -> Iterator[bytes]:
    """A file's bytes, some at once. Raises BadInput when it is cut off or damaged."""
    size = 0
    try:
        with igzip.open(file.path, "rb") as stream:
            while data := stream.read(_BLOCK):
                yield data
                size += len(data)
    except _BROKEN as error:
        raise BadInput(f"{file.path}: expected a whole gzip file, seen after {size} bytes of text: {error}") from error


@dataclass(frozen=True, slots=True)
class FileLines:
    """The lines of some files. A line's number is that of its file, then its own, from 0.

    `first`: the number of the first of these files, where they are some of many.
    """

    files: Sequence[DataFile]
    first: int = 0

    @property
    def count(self) -> int:
        """How many lines there are, by the manifest."""
        return sum(file.count or 0 for file in self.files)

    @property
    def size(self) -> int:
        """How many bytes the files have, as they are."""
        return sum(file.path.stat().st_size for file in self.files)

    def parts(self) -> list[FileLines]:
        """The same lines in parts that can be read side by side: one large file, or many small ones."""
        parts, start, size = [], 0, 0
        for index, file in enumerate(self.files):
            size += file.path.stat().st_size
            if size >= _PART or index == len(self.files) - 1:
                parts.append(FileLines(self.files[start : index + 1], self.first + start))
                start, size = index + 1, 0
        return parts

    def blocks(self) -> Iterator[Block]:
        """All lines in blocks; those of small files come together. Raises as `blocks` of a file does."""
        numbers: list[int] = []
        lines: list[bytes] = []
        for index, file in enumerate(self.files, self.first):
            for first, more in blocks(file):
                start = (index << FILE) + first
                own = range(start, start + len(more))
                if not lines and len(more) >= _FEW:
                    yield own, more
                    continue
                numbers += own
                lines += more
                if len(lines) >= _FEW:
                    yield numbers, lines
                    numbers, lines = [], []
        if lines:
            yield numbers, lines

    def where(self, number: int) -> str:
        """The file and the line of a number, for a person."""
        return f"{self.files[(number >> FILE) - self.first].path}: line {(number & ((1 << FILE) - 1)) + 1}"

    def pick(self, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The lines with these numbers, which rise. Raises RunnerFailed when the files have changed since."""
        want = next(wanted, None)
        for index, file in enumerate(self.files, self.first):
            start, end = index << FILE, (index + 1) << FILE
            if want is None or want >= end:
                continue
            for number, lines in blocks(file):
                first = start + number
                beyond = first + len(lines)
                if want is None or want >= end:
                    break
                while want is not None and want < beyond:
                    yield want, lines[want - first]
                    want = next(wanted, None)
        if want is not None:
            raise RunnerFailed(
                f"expected line {want & ((1 << FILE) - 1)} again, seen none: the files changed meanwhile"
            )
