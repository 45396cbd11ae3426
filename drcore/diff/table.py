"""A live table as a source: a parallel scan, whose pages are kept on disk until the comparison is done."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import simdjson
from isal import igzip

from drcore.diff.fingerprint import BATCH, Batch, Images, RowReader, Rows, as_line
from drcore.diff.gzip_lines import FILE, DataFile, FileLines
from drcore.diff.keys import KeySchema, key_of_table
from drcore.diff.policy import Policy
from drcore.diff.rest_lines import RestLines
from drcore.diff.source import Provenance, Role, TableSource
from drcore.diff.workers import JobPool
from drcore.errors import BadInput, Rejected, RunnerFailed

_GONE = ("ResourceNotFoundException", "TableNotFoundException")
_WAITING = 4  # batches of a thread that may wait to be taken


def open_table(source: TableSource, role: Role, folder: Path) -> OpenTable:
    """Ask what table it is. Raises BadInput when there is none."""
    try:
        described = source.aws.call("dynamodb", source.region, "describe_table", TableName=source.table)
    except Rejected as error:
        if error.code in _GONE:
            raise BadInput(f"{source.table}: expected a table in {source.region}, found none") from error
        raise
    status = described["Table"].get("TableStatus", "")
    if status not in ("ACTIVE", "UPDATING", "ARCHIVED"):
        raise BadInput(f"{source.table}: expected a table that is ACTIVE in {source.region}, seen {status}")
    folder = folder / role
    folder.mkdir(parents=True)
    expected = described["Table"].get("ItemCount") or None  # some hours old
    table = described["Table"]
    origin = Provenance(str(table.get("TableArn", "")), str(table.get("TableId", "")), live=True)
    return OpenTable(source.table, key_of_table(described), expected, origin, source, _identity(described), folder)


@dataclass(slots=True)
class OpenTable:
    """A table that is there."""

    name: str
    key: KeySchema | None
    expected: int | None
    origin: Provenance
    source: TableSource
    identity: str
    folder: Path
    partial: bool = False
    files: list[DataFile] = field(default_factory=list)

    def ask_key(self) -> KeySchema | None:
        return self.key

    def typed(self, key: KeySchema) -> KeySchema:
        return key

    def count(self) -> int:
        assert self.key
        return sum(len(batch["n"]) for batch in self.rows(RowReader(self.key, Policy(), live=False), JobPool(1)))

    def where(self, number: int) -> str:
        return f"{self.name}: item {(number & ((1 << FILE) - 1)) + 1} of segment {number >> FILE}"

    @property
    def plain_lines(self) -> None:
        return None

    def only(self, rest: RestLines) -> OpenTable:
        return self

    def rows(self, reader: RowReader, workers: JobPool) -> Iterator[Batch]:
        segments = self.source.segments
        self.files = [DataFile(self.folder / f"{index:05d}.json.gz") for index in range(segments)]
        try:
            if segments == 1:
                yield from self._segment(0, reader)
            else:
                yield from self._side_by_side(reader)
            self._is_still_there()
        except Rejected as error:
            if error.code in _GONE:
                raise RunnerFailed(
                    f"{self.name}: the table was deleted while it was read; nothing was concluded"
                ) from error
            raise

    def lines(self, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        return FileLines(self.files).pick(wanted)

    @property
    def member(self) -> str:
        return "Item"

    def _segment(self, index: int, reader: RowReader) -> Iterator[Batch]:
        source, parser = self.source, simdjson.Parser()
        gathered, done = Rows(), index << FILE
        with igzip.open(self.files[index].path, "wb", compresslevel=0) as kept:

            def read(body: bytes) -> tuple[Rows, Mapping[str, Any]]:
                nonlocal done
                page: Any = parser.parse(body)
                items = list(page["Items"])
                texts = list(map(as_line, items))
                if page["Count"] != len(items):
                    raise BadInput(f"{self.name}: expected {page['Count']} items on a page, seen {len(items)}")
                kept.write(b"".join(texts))
                left = {name: page[name] for name in page if name != "Items"}
                plain = {name: each.as_dict() if hasattr(each, "as_dict") else each for name, each in left.items()}
                numbers = range(done, done + len(items))
                rows = reader.rows(Images(items, items, texts), numbers, lambda place: self.where(numbers[place]))
                done += len(items)
                return rows, plain | {"Items": []}

            for rows in source.aws.scan_raw(source.region, source.table, index, source.segments, read):
                gathered.extend(rows)
                if len(gathered) >= BATCH:
                    yield gathered.batch()
                    gathered = Rows()
        if len(gathered):
            yield gathered.batch()

    def _side_by_side(self, reader: RowReader) -> Iterator[Batch]:
        batches: queue.Queue[Batch | None] = queue.Queue(_WAITING * self.source.segments)
        over = threading.Event()

        def hand(batch: Batch | None) -> None:
            while not over.is_set():
                with suppress(queue.Full):
                    batches.put(batch, timeout=0.1)
                    return

        def run(index: int) -> None:
            try:
                for batch in self._segment(index, reader):
                    hand(batch)
                    if over.is_set():
                        return
            finally:
                hand(None)

        with ThreadPoolExecutor(self.source.segments) as pool:
            try:
                running: list[Future[None]] = [pool.submit(run, index) for index in range(self.source.segments)]
                left = len(running)
                while left:
                    batch = batches.get()
                    left -= batch is None
                    if batch is None:
                        for ended in running:
                            if ended.done():
                                ended.result()
                    else:
                        yield batch
                for ended in running:
                    ended.result()
            finally:
                over.set()

    def _is_still_there(self) -> None:
        """A table that was deleted and made anew under its name would have answered with other items."""
        source = self.source
        described = source.aws.call("dynamodb", source.region, "describe_table", TableName=source.table)
        if _identity(described) != self.identity:
            raise RunnerFailed(f"{self.name}: the table was deleted and made anew while it was read")


def _identity(described: Mapping[str, Any]) -> str:
    table = described["Table"]
    return f"{table.get('TableId', '')} {table.get('CreationDateTime', '')}"
