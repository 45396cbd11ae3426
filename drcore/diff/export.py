"""An export of a table as a source: full or incremental, from a folder or from S3.

Nothing is believed that the manifest does not say, and nothing that it says is left unchecked: every file with its
checksum and its number of items, the sum of them. An incremental export holds each touched key once, with the image
before and after its window. As the restored side it stands for the state before the window, as the live side for the
state after it; a key that it lacks has not changed.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
import simdjson

from drcore.calls.aws import Aws
from drcore.diff.fingerprint import BATCH, Batch, Reader, RowReader, Rows, images_of, parsed, whole_items
from drcore.diff.gzip_lines import FILE, DataFile, blocks, pick
from drcore.diff.items import Item
from drcore.diff.keys import KeySchema, key_of_table
from drcore.diff.source import ExportSource, Role
from drcore.errors import BadInput, Rejected
from drcore.services import s3

SUMMARY, FILES = "manifest-summary.json", "manifest-files.json"
_ROOT = "AWSDynamoDB"
_IMAGE = {Role.RESTORED: "OldImage", Role.LIVE: "NewImage"}


def open_export(source: ExportSource, role: Role, folder: Path) -> OpenExport:
    """Read the manifest, fetch the files when they lie in S3, compare them with it. Raises BadInput."""
    place = str(source.place)
    if place.startswith("s3://"):
        if source.aws is None or not source.region:
            raise BadInput(f"{place}: expected an account and a region to read it with")
        place = str(_fetch(source.aws, source.region, place, folder / role))
    base = _find(Path(place))
    summary = _summary(base)
    files = list(_files(base, summary))
    partial = summary.get("exportType") == "INCREMENTAL_EXPORT"
    if partial and role is Role.RESTORED and summary.get("outputView") == "NEW_IMAGE":
        raise BadInput(f"{base}: expected old images too (NEW_AND_OLD_IMAGES), seen an export of NEW_IMAGE only")
    key = source.key or (_keys_of(files) if partial else _key_of_table(source.aws, summary))
    read = images_of(_IMAGE[role]) if partial else whole_items
    return OpenExport(str(source.place), partial, key, summary["itemCount"], tuple(files), read, role)


@dataclass(slots=True)
class OpenExport:
    """An export whose files are there and are the right ones."""

    name: str
    partial: bool
    key: KeySchema | None
    expected: int | None
    files: tuple[DataFile, ...]
    read: Reader
    role: Role

    def rows(self, reader: RowReader) -> Iterator[Batch]:
        parser = simdjson.Parser()
        for index, file in enumerate(self.files):
            gathered, first = Rows(), 0
            for number, lines in blocks(file):
                gathered.extend(self._rows(parser, lines, str(file.path), number, reader))
                if len(gathered) >= BATCH:
                    yield gathered.batch((index << FILE) + first)
                    gathered, first = Rows(), first + len(gathered)
            if len(gathered):
                yield gathered.batch((index << FILE) + first)

    def _rows(self, parser: Any, lines: list[bytes], where: str, first: int, reader: RowReader) -> Rows:
        # A function of its own: the parser can be used again only when nothing of its last document is held.
        return reader.rows(self.read(parsed(parser, lines, where, first), lines))

    def lines(self, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        return pick(self.files, wanted)

    def item(self, line: bytes) -> Item | None:
        found: Item | None = orjson.loads(line).get(_IMAGE[self.role] if self.partial else "Item")
        return found


def _find(place: Path) -> Path:
    """The folder of the manifest: the one that is named, or the only export below it."""
    if not place.is_dir():
        raise BadInput(f"{place}: expected the folder of an export, found none")
    if (place / FILES).is_file():
        return place
    found = sorted(path.parent for path in place.rglob(FILES))
    if len(found) == 1:
        return found[0]
    seen = f"{len(found)} exports: {', '.join(str(path) for path in found)}" if found else "none"
    raise BadInput(f"{place}: expected one export with its {FILES}, seen {seen}")


def _summary(base: Path) -> Mapping[str, Any]:
    summary = _json(base / SUMMARY)
    form = summary.get("outputFormat", "DYNAMODB_JSON")
    if form != "DYNAMODB_JSON":
        raise BadInput(f"{base / SUMMARY}: expected outputFormat DYNAMODB_JSON, seen {form}")
    if not isinstance(summary.get("itemCount"), int):
        raise BadInput(f"{base / SUMMARY}: expected an itemCount, seen {summary.get('itemCount')!r}")
    return summary


def _files(base: Path, summary: Mapping[str, Any]) -> Iterator[DataFile]:
    total, seen = 0, set()
    _checked(base / FILES)
    for number, line in enumerate((base / FILES).read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            key, count, checksum = entry["dataFileS3Key"], entry["itemCount"], entry["md5Checksum"]
            total += count
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{base / FILES}: line {number}: expected a data file, seen {line[:80]!r}") from error
        if key in seen:
            raise BadInput(f"{base / FILES}: line {number}: expected each file once, seen {key} twice")
        seen.add(key)
        path = _local(base, key)
        if _md5(path) != _digest(checksum):
            raise BadInput(f"{path}: expected the checksum that the manifest says, seen another: the file has changed")
        yield DataFile(path, count)
    if total != summary["itemCount"]:
        raise BadInput(f"{base}: expected {summary['itemCount']} items by {SUMMARY}, seen {total} by {FILES}")


def _checked(manifest: Path) -> None:
    """Compare a manifest with the checksum that lies beside it, where that can be read as an MD5."""
    for beside in (manifest.with_suffix(".checksum"), manifest.with_suffix(".md5")):
        if beside.is_file() and (expected := _digest(beside.read_text().strip())) and expected != _md5(manifest):
            raise BadInput(f"{manifest}: expected the checksum of {beside.name}, seen another: it has changed")


def _local(base: Path, key: str) -> Path:
    """Where a data file lies: as it lay in the bucket, or in `data` beside the manifest."""
    name = PurePosixPath(key).name
    tail = PurePosixPath(key.rpartition(f"{_ROOT}/")[2])
    places = [base.parent / tail, base / "data" / name, base.parent / "data" / name]
    root = base.parent.resolve()
    for path in places:
        if path.is_file() and path.resolve().is_relative_to(root):
            return path
    raise BadInput(f"{base}: expected the data file {key} of the manifest, found none")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInput(f"{path}: expected a manifest, found none; is the export complete?") from error
    except ValueError as error:
        raise BadInput(f"{path}: expected JSON, seen {error}") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path}: expected a JSON object")
    _checked(path)
    return found


def _md5(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()


def _digest(text: str) -> bytes:
    """An MD5 in base64, as AWS writes it, or in hexadecimal; empty when it is none."""
    try:
        found = bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{32}", text) else b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if len(found) == 16 else b""


def _keys_of(files: list[DataFile]) -> KeySchema | None:
    """An incremental export says itself which attributes are the key."""
    for file in files:
        for _, lines in blocks(file):
            try:
                keys = orjson.loads(lines[0])["Keys"]
                return KeySchema(tuple(keys), tuple(next(iter(value)) for value in keys.values()))
            except (ValueError, KeyError, TypeError, AttributeError):
                return None  # said with its line when it is read
    return None


def _key_of_table(aws: Aws | None, summary: Mapping[str, Any]) -> KeySchema | None:
    """The table that was exported knows its key, if it is still there and may be asked."""
    arn = str(summary.get("tableArn", ""))
    if aws is None or arn.count(":") < 5:
        return None
    try:
        return key_of_table(aws.call("dynamodb", arn.split(":")[3], "describe_table", TableName=arn.rpartition("/")[2]))
    except Rejected:
        return None


def _fetch(aws: Aws, region: str, url: str, folder: Path) -> Path:
    """Bring an export from S3 into a folder, file by file."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    names = list(s3.names(aws, region, bucket, prefix))
    manifests = [name for name in names if PurePosixPath(name).name == FILES]
    if len(manifests) != 1:
        raise BadInput(f"{url}: expected one export with its {FILES}, seen {len(manifests) or 'none'}")
    above, _, identity = str(PurePosixPath(manifests[0]).parent).rpartition("/")
    base = folder / _ROOT / identity
    base.mkdir(parents=True)
    for name in names:
        if name.startswith(f"{above}/{identity}/manifest-"):
            s3.fetch(aws, region, bucket, name, base / PurePosixPath(name).name)
    (base / "data").mkdir()
    for line in (base / FILES).read_text(encoding="utf-8").splitlines():
        try:
            key = str(json.loads(line)["dataFileS3Key"])
        except (ValueError, KeyError, TypeError):
            continue  # said with its line when the manifest is read
        s3.fetch(aws, region, bucket, key, base / "data" / PurePosixPath(key).name)
    return base
