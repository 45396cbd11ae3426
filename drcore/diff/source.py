"""What a state of a table can be read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from drcore.diff.keys import KeySchema

if TYPE_CHECKING:  # boto3, numpy, simdjson
    from drcore.calls.aws import Aws
    from drcore.diff.fingerprint import Batch, RowReader
    from drcore.diff.gzip_lines import FileLines
    from drcore.diff.rest_lines import RestLines
    from drcore.diff.workers import JobPool

# What is being done, how many items of it are done, how many there are (None: not known).
Progress = Callable[[str, int, int | None], None]


class Role(StrEnum):
    """The two sides of a comparison: the good state, the state in use."""

    RESTORED = "restored"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Of which table a state is (its ARN, its id; empty: not said), and of when.

    `at`: the moment of a full export. `since`, `until`: the span of an incremental one. `live`: it is the table itself.
    """

    table: str = ""
    table_id: str = ""
    at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    live: bool = False


class Opened(Protocol):
    """A source that is being read: once for a row of each item, then again for the few that differ.

    `partial`: only the keys that were touched are there, so that one that is absent has not changed. `expected`: how
    many items there are, for the progress only.
    """

    name: str
    partial: bool
    key: KeySchema | None
    expected: int | None
    origin: Provenance

    def ask_key(self) -> KeySchema | None:
        """The key by whoever may know it, where neither side says it. None when nobody answers."""

    def where(self, number: int) -> str:
        """Where the item with this number was read, for a person."""

    def typed(self, key: KeySchema) -> KeySchema:
        """The key with its types, by the first item where it does not say them. Raises BadInput."""

    def count(self) -> int:
        """How many items there are, counted."""

    @property
    def plain_lines(self) -> FileLines | None:
        """The lines of which equal ones are equal items; None where there are no such."""

    def only(self, rest: RestLines) -> Opened:
        """The same side with fewer lines."""

    def rows(self, reader: RowReader, workers: JobPool) -> Iterator[Batch]:
        """A row for each item, in batches."""

    def lines(self, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The lines of the items with these numbers, which rise."""

    @property
    def member(self) -> str:
        """Which member of a line holds the item."""


@dataclass(frozen=True, slots=True)
class TableSource:
    """A live table in one region, read strongly consistent in so many segments side by side.

    A scan is no snapshot: what is written while it goes on may be in it or not. More than one segment helps where the
    network is what takes the time; the calls are then noted in no fixed order.
    """

    aws: Aws
    region: str
    table: str
    segments: int = 1


@dataclass(frozen=True, slots=True)
class ExportSource:
    """An export, full or incremental: a folder that holds its manifest, or an s3 URL (then with `aws`, `region`).

    `key` are the names of the key attributes, where neither the other side nor the export itself says them. An
    incremental export stands for the state before its window as the restored side, after it as the live side.
    """

    place: Path | str
    aws: Aws | None = None
    region: str = ""
    key: KeySchema | None = None


Source = TableSource | ExportSource
