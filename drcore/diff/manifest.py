"""What an export's manifests say: its files, its kind, its table, its time.

Nothing is believed that the manifest does not say, and nothing that it says is left unchecked: every file with its
checksum and its number of items, the sum of them. A value that is not known is not taken for the usual one.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

import binascii
import functools
import hashlib
import json
import os
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path, PurePosixPath

from drcore.clock import parse_time
from drcore.diff.gzip_lines import DataFile
from drcore.diff.source import Provenance
from drcore.diff.workers import JobPool
from drcore.errors import BadInput

SUMMARY, FILES = "manifest-summary.json", "manifest-files.json"
ROOT = "AWSDynamoDB"
FULL, INCREMENTAL = "FULL_EXPORT", "INCREMENTAL_EXPORT"
VERSIONS = ("2020-06-30", "2023-08-01")  # of the manifest: of full exports, of incremental ones
_READ = 1 << 18  # bytes
_PARTS = 16  # of the files, whose checksums are made side by side
VIEWS = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE")


@dataclass(frozen=True, slots=True)
class ExportManifest:
    """An export as its manifests tell it. `old_images`: whether an incremental one has the images before its span."""

    base: Path
    partial: bool
    old_images: bool
    count: int
    origin: Provenance


@dataclass(frozen=True, slots=True)
class Entry:
    """One data file by the manifest: its name in the bucket, how many items it has, its MD5."""

    key: str
    count: int
    checksum: str


def find(place: Path) -> Path:
    """The folder of the manifest: the one that is named, by a manifest's name too, or the only export below it."""
    if place.name in (SUMMARY, FILES) and place.is_file():
        return place.parent
    if not place.is_dir():
        raise BadInput(f"{place}: expected the folder of an export, found none")
    if (place / FILES).is_file():
        return place
    folders = sorted(path.parent for path in place.rglob(FILES))
    if len(folders) == 1:
        return folders[0]
    seen = f"{len(folders)} exports: {', '.join(str(path) for path in folders)}" if folders else "none"
    raise BadInput(f"{place}: expected one export with its {FILES}, seen {seen}")


def read(base: Path) -> ExportManifest:
    """The summary. Raises BadInput for one that is damaged, or says what is not known."""
    path = base / SUMMARY
    summary = _json(path)
    kind = summary.get("exportType", INCREMENTAL if "exportFromTime" in summary else FULL)  # older ones do not say it
    if "version" in summary:
        _known(path, "version", summary["version"], VERSIONS)
    _known(path, "outputFormat", summary.get("outputFormat"), ("DYNAMODB_JSON",))
    _known(path, "exportType", kind, (FULL, INCREMENTAL))
    count = summary.get("itemCount")
    if not _is_count(count):
        raise BadInput(f"{path}: expected an itemCount, seen {count!r}")
    partial = kind == INCREMENTAL
    view = summary.get("outputView")
    if partial:
        _known(path, "outputView", view, VIEWS)
    needed = {True: ("exportFromTime", "exportToTime"), False: ()}[partial]
    times = {name: _time(path, summary, name) for name in ("exportTime", "exportFromTime", "exportToTime")}
    for name in needed:
        if times[name] is None:
            raise BadInput(f"{path}: expected {name} of an incremental export, seen none")
    origin = Provenance(
        table=_text(path, summary, "tableArn"),
        table_id=_text(path, summary, "tableId"),
        at=times["exportTime"],
        since=times["exportFromTime"] if partial else None,
        until=times["exportToTime"] if partial else None,
    )
    return ExportManifest(base, partial, view == VIEWS[0], int(str(count)), origin)


def data_files(manifest: ExportManifest, workers: JobPool) -> tuple[DataFile, ...]:
    """The data files, each with the checksum that the manifest says. Raises BadInput."""
    base, total, seen = manifest.base, 0, set()
    files, checksums = [], []
    _checked(base / FILES)
    for number, entry in enumerate(entries(base), 1):
        if entry.key in seen:
            raise BadInput(f"{base / FILES}: line {number}: expected each file once, seen {entry.key} twice")
        seen.add(entry.key)
        total += entry.count
        files.append(DataFile(_local(base, entry.key), entry.count))
        checksums.append(_digest(entry.checksum))
    step = len(files) // _PARTS + 1
    parts = [[file.path for file in files[start : start + step]] for start in range(0, len(files), step)]
    digests = chain.from_iterable(workers.each(_md5s, parts))
    for file, checksum, digest in zip(files, checksums, digests, strict=True):
        if digest != checksum:
            raise BadInput(
                f"{file.path}: expected the checksum that the manifest says, seen another: the file has changed"
            )
    if total != manifest.count:
        raise BadInput(f"{base}: expected {manifest.count} items by {SUMMARY}, seen {total} by {FILES}")
    return tuple(files)


def entries(base: Path) -> Iterator[Entry]:
    """The lines of the list of files. Raises BadInput with the number of the one that is none."""
    path = base / FILES
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: expected UTF-8, seen {error}") from error
    # Not splitlines: a prefix may hold what ends a line elsewhere, such as U+2028.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            entry = Entry(fields["dataFileS3Key"], fields["itemCount"], fields["md5Checksum"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path}: line {number}: expected a data file, seen {line[:80]!r}") from error
        for name, value in (("dataFileS3Key", entry.key), ("md5Checksum", entry.checksum)):
            if not isinstance(value, str) or not value:
                raise BadInput(f"{path}: line {number}: {name}: expected a text, seen {value!r}")
        if not _is_count(entry.count):
            raise BadInput(f"{path}: line {number}: itemCount: expected 0 or more, seen {entry.count!r}")
        yield entry


def _known(path: Path, name: str, seen: object, known: tuple[str, ...]) -> None:
    if seen not in known:
        raise BadInput(f"{path}: expected {name} {' or '.join(known)}, seen {seen if seen is not None else 'none'}")


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _text(path: Path, summary: Mapping[str, object], name: str) -> str:
    value = summary.get(name, "")
    if not isinstance(value, str):
        raise BadInput(f"{path}: {name}: expected a text, seen {value!r}")
    return value


def _time(path: Path, summary: Mapping[str, object], name: str) -> datetime | None:
    text = _text(path, summary, name)
    try:
        return parse_time(text) if text else None
    except ValueError as error:
        raise BadInput(f"{path}: {name}: {error}") from error


def _checked(manifest: Path) -> None:
    """Compare a manifest with the checksum that lies beside it, where that can be read as an MD5."""
    for beside in (manifest.with_suffix(".checksum"), manifest.with_suffix(".md5")):
        if beside.is_file():
            expected = _digest(beside.read_bytes().decode(errors="replace").strip())
            if expected and expected != _md5(manifest):
                raise BadInput(f"{manifest}: expected the checksum of {beside.name}, seen another: it has changed")


def _local(base: Path, key: str) -> Path:
    """Where a data file lies: as it lay in the bucket, or in `data` beside the manifest; never outside of it."""
    above = str(base.parent)
    tail = key.rpartition(f"{ROOT}/")[2].lstrip("/")
    beside = (f"{folder}/data/{PurePosixPath(key).name}" for folder in (base, above))
    for place in chain((f"{above}/{tail}",), beside):
        if os.path.isfile(place) and _is_below(place, above):  # noqa: PTH113  # there may be many thousand files
            return Path(place)
    raise BadInput(f"{base}: expected the data file {key} of the manifest, found none")


def _is_below(place: str, above: str) -> bool:
    """Whether a file lies below a folder, links followed; a folder's own way is asked for once."""
    folder, _, name = place.rpartition("/")
    real = _real(place) if os.path.islink(place) else f"{_real(folder)}/{name}"  # noqa: PTH114  # as above
    return real.startswith(f"{_real(above)}/")


@functools.lru_cache(maxsize=64)
def _real(path: str) -> str:
    return str(Path(path).resolve())


def _json(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInput(f"{path}: expected a manifest, found none; is the export complete?") from error
    except ValueError as error:
        raise BadInput(f"{path}: expected JSON, seen {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"{path}: expected a JSON object")
    _checked(path)
    return document


def _md5s(paths: list[Path]) -> list[bytes]:
    return [_md5(path) for path in paths]


def _md5(path: Path) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:  # hashlib.file_digest takes a buffer of 256 KB for the smallest file
        while data := file.read(_READ):
            digest.update(data)
    return digest.digest()


def _digest(text: str) -> bytes:
    """An MD5 in base64, as AWS writes it, or in hexadecimal; empty when it is none."""
    try:
        digest = bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{32}", text) else b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return digest if len(digest) == 16 else b""
