"""What a state of a table can be read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from drcore.diff.fingerprint import Batch, Look
from drcore.diff.items import Item
from drcore.diff.keys import KeySchema

# What is being done, how many items of it are done, how many there are (None: not known).
Progress = Callable[[str, int, int | None], None]


class Role(StrEnum):
    """The two sides of a comparison: the good state, the state in use."""

    RESTORED = "restored"
    LIVE = "live"


class Opened(Protocol):
    """A source that is being read: once for a row of each item, then again for the few that differ.

    `partial`: only the keys that were touched are there, so that one that is absent has not changed. `expected`: how
    many items there are, for the progress only.
    """

    name: str
    partial: bool
    key: KeySchema | None
    expected: int | None

    def rows(self, look: Look) -> Iterator[Batch]:
        """A row for each item, in batches."""

    def lines(self, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The lines of the items with these numbers, which rise."""

    def item(self, line: bytes) -> Item | None:
        """The item of a line, None when the line says that there is none."""


class Source(Protocol):
    """A state of a table: a TableSource or an ExportSource."""

    def open(self, role: Role, folder: Path) -> Opened:
        """Find out what there is. `folder` is for what must lie on disk meanwhile. Raises BadInput."""
