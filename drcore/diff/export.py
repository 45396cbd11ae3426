"""An export of a table as a source: full or incremental, from a folder or from S3.

An incremental export holds each touched key once, with the image before and after its span. As the restored side it
stands for the state before the span, as the live side for the state after it; a key that it lacks has not changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson
import simdjson

from drcore.diff import manifest
from drcore.diff.fingerprint import BATCH, Batch, RowReader, Rows, images_of, parsed, whole_items
from drcore.diff.gzip_lines import Block, DataFile, FileLines, blocks
from drcore.diff.keys import KeySchema, key_of_table
from drcore.diff.manifest import FILES, SUMMARY
from drcore.diff.ordering import Ordered
from drcore.diff.policy import Policy
from drcore.diff.rest_lines import RestLines
from drcore.diff.source import ExportSource, Provenance, Role
from drcore.diff.workers import JobPool
from drcore.errors import BadInput, Rejected, Unknown

if TYPE_CHECKING:
    from drcore.calls.aws import Aws

_IMAGE = {Role.RESTORED: "OldImage", Role.LIVE: "NewImage"}
_NO_PLACE = ("NoSuchBucket", "NoSuchKey", "InvalidBucketName", "ParamValidationError", "404")


def open_export(source: ExportSource, role: Role, folder: Path, workers: JobPool) -> OpenExport:
    """Read the manifest, fetch the files when they lie in S3, compare them with it. Raises BadInput."""
    place = str(source.place)
    if place.startswith("s3://"):
        if source.aws is None or not source.region:
            raise BadInput(f"{place}: expected an account and a region to read it with")
        try:
            place = str(_fetch(source.aws, source.region, place, folder / role))
        except Rejected as error:
            if error.code in _NO_PLACE:
                raise BadInput(f"{place}: expected an export in a bucket, found none: {error}") from error
            raise
    summary = manifest.read(manifest.find(Path(place)))
    files = manifest.data_files(summary, workers)
    if summary.partial and role is Role.RESTORED and not summary.old_images:
        raise BadInput(
            f"{summary.base}: expected old images too (NEW_AND_OLD_IMAGES), seen an export of NEW_IMAGE only"
        )
    key = source.key or (_keys_of(files) if summary.partial else None)
    return OpenExport(
        name=str(source.place),
        partial=summary.partial,
        key=key,
        expected=summary.count,
        origin=summary.origin,
        source=FileLines(files),
        image=_IMAGE[role] if summary.partial else "",
        aws=source.aws,
    )


@dataclass(slots=True)
class OpenExport:
    """An export whose files are there and are the right ones. `image`: which one its lines hold for this side."""

    name: str
    partial: bool
    key: KeySchema | None
    expected: int | None
    origin: Provenance
    source: FileLines | RestLines
    image: str
    aws: Aws | None = None

    def ask_key(self) -> KeySchema | None:
        """The table that was exported knows its key, if it is still there, may be asked and answers."""
        parts = self.origin.table.split(":")
        if self.aws is None or len(parts) != 6:
            return None
        try:
            name = parts[5].removeprefix("table/")
            return key_of_table(self.aws.call("dynamodb", parts[3], "describe_table", TableName=name))
        except (Rejected, Unknown):
            return None

    def where(self, number: int) -> str:
        return self.source.where(number)

    def count(self) -> int:
        return sum(len(lines) for _, lines in self.source.blocks())

    @property
    def plain_lines(self) -> FileLines | None:
        return self.source if not self.partial and isinstance(self.source, FileLines) else None

    def only(self, rest: RestLines) -> OpenExport:
        return replace(self, source=rest, expected=sum(each.count for each in rest.rests))

    def typed(self, key: KeySchema) -> KeySchema:

        reader = RowReader(key, Policy(), live=False)
        if not key.types:
            for numbers, lines in self.source.blocks():
                _rows(simdjson.Parser(), (numbers[:1], lines[:1]), self.source, self.image, reader)
                break
        return reader.key

    def rows(self, reader: RowReader, workers: JobPool) -> Iterator[Batch]:
        if workers.jobs == 1:
            yield from _batches(self.source, self.image, reader)
            return
        reader.key = self.typed(reader.key)
        for batches in workers.each(partial(_all_batches, image=self.image, reader=reader), self.source.parts()):
            yield from batches

    def lines(self, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        return self.source.pick(wanted)

    @property
    def member(self) -> str:
        return self.image or "Item"


def _batches(source: FileLines | RestLines, image: str, reader: RowReader) -> Iterator[Batch]:
    parser = simdjson.Parser()
    gathered = Rows()
    for block in source.blocks():
        gathered.extend(_rows(parser, block, source, image, reader))
        if len(gathered) >= BATCH:
            yield gathered.batch()
            gathered = Rows()
    if len(gathered):
        yield gathered.batch()


def _all_batches(source: FileLines | RestLines, image: str, reader: RowReader) -> list[Batch]:
    return list(_batches(source, image, reader))


def _rows(parser: Any, block: Block, source: FileLines | RestLines, image: str, reader: RowReader) -> Rows:
    # A function of its own: the parser can be used again only when nothing of its last document is held.
    numbers, lines = block

    def at(index: int) -> str:
        return source.where(numbers[index])

    if reader.ordered is not Ordered.NOT and not image and (rows := reader.ordered_rows(lines, numbers)) is not None:
        return rows
    read = images_of(image) if image else whole_items
    return reader.rows(read(parsed(parser, lines, at), lines, at), numbers, at)


def _keys_of(files: tuple[DataFile, ...]) -> KeySchema | None:
    """An incremental export says itself which attributes are the key."""
    for file in files:
        for _, lines in blocks(file):
            try:
                keys = orjson.loads(lines[0])["Keys"]
                return KeySchema(tuple(keys), tuple(next(iter(value)) for value in keys.values()))
            except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
                raise BadInput(f"{file.path}: line 1: expected Keys, seen {lines[0][:80]!r}") from None
    return None


def _fetch(aws: Aws, region: str, url: str, folder: Path) -> Path:
    """Bring an export from S3 into a folder, file by file."""
    from drcore.services import s3  # not before: boto3, half of the start of a comparison, is of no use to folders

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    for name in (SUMMARY, FILES):  # what DescribeExport gives
        prefix = prefix.removesuffix(name)
    names = list(s3.names(aws, region, bucket, prefix))
    manifests = [name for name in names if PurePosixPath(name).name == FILES]
    if len(manifests) != 1:
        seen = f"{len(manifests)}: {', '.join(f's3://{bucket}/{PurePosixPath(name).parent}' for name in manifests)}"
        raise BadInput(f"{url}: expected one export with its {FILES}, seen {seen if manifests else 'none'}")
    above, _, identity = str(PurePosixPath(manifests[0]).parent).rpartition("/")
    base = folder / manifest.ROOT / identity
    base.mkdir(parents=True)
    for name in names:
        if name.startswith(f"{above}/{identity}/manifest-"):
            s3.fetch(aws, region, bucket, name, base / PurePosixPath(name).name)
    (base / "data").mkdir()
    for entry in manifest.entries(base):
        s3.fetch(aws, region, bucket, entry.key, base / "data" / PurePosixPath(entry.key).name)
    return base
