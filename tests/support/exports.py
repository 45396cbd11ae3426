"""Exports as DynamoDB writes them, for tests and for the benchmark of the comparison."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from isal import igzip

Item = Mapping[str, Mapping[str, Any]]
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/T"


def full(folder: Path, items: Iterable[Item], *, per_file: int = 1000, **summary: Any) -> Path:
    """A full export: `{"Item": …}` a line."""
    return write(folder, (compact({"Item": item}) for item in items), per_file=per_file, **summary)


def incremental(folder: Path, changes: Iterable[tuple[Item, Item | None, Item | None]], **summary: Any) -> Path:
    """An incremental export of (key, old image, new image), as NEW_AND_OLD_IMAGES writes it."""
    told: dict[str, Any] = {"exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES", "exportTime": None}
    told |= {"exportFromTime": "2026-01-05T08:00:00.000Z", "exportToTime": "2026-01-05T09:00:00.000Z"} | summary
    return write(folder, map(_change, changes), shared=True, **told)


def write(folder: Path, lines: Iterable[bytes], *, per_file: int = 1000, shared: bool = False, **summary: Any) -> Path:
    """Lines as the files of an export with its manifests. Returns the folder of the manifests."""
    base = folder / "AWSDynamoDB" / "01700000000000-a1b2c3d4"
    data = folder / "AWSDynamoDB" / "data" if shared else base / "data"
    base.mkdir(parents=True)
    data.mkdir()
    (base / "_started").touch()
    total, files = 0, []
    for number, part in enumerate(_parts(lines, per_file)):
        path = data / f"{number:020d}.json.gz"
        count = 0
        with igzip.open(path, "wb", compresslevel=1) as file:
            for line in part:
                file.write(line + b"\n")
                count += 1
        total += count
        files.append(
            {
                "itemCount": count,
                "md5Checksum": md5(path),
                "etag": "0" * 32 + "-1",
                "dataFileS3Key": f"some/prefix/{path.relative_to(folder)}",
            }
        )
    manifest = base / "manifest-files.json"
    manifest.write_bytes(b"".join(compact(each) + b"\n" for each in files))
    (base / "manifest-files.checksum").write_text(md5(manifest))
    told = {"version": "2020-06-30", "itemCount": total, "outputFormat": "DYNAMODB_JSON", "exportType": "FULL_EXPORT"}
    told |= {"tableArn": TABLE, "tableId": "12345a12-abcd-123a-ab12-1234abc12345"}
    told |= {"exportTime": "2026-01-05T09:00:00.000Z"} | summary
    seal(base, {name: value for name, value in told.items() if value is not None})
    return base


def seal(base: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary with its checksum."""
    path = base / "manifest-summary.json"
    path.write_bytes(compact(summary))
    path.with_suffix(".checksum").write_text(md5(path))


def md5(path: Path) -> str:
    """As a manifest says it."""
    return base64.b64encode(hashlib.md5(path.read_bytes(), usedforsecurity=False).digest()).decode()


def compact(told: Any) -> bytes:
    """JSON without blanks, as DynamoDB writes it."""
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def _change(change: tuple[Item, Item | None, Item | None]) -> bytes:
    key, old, new = change
    told: dict[str, Any] = {"Metadata": {"WriteTimestampMicros": {"N": "1767607200000000"}}, "Keys": key}
    told |= {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image is not None}
    return compact(told)


def _parts(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    iterator = iter(lines)
    while part := list(islice(iterator, size)):
        yield part
