"""Where a state of a table is read from: the live table, or an export of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcore.aws import Aws
from drcore.diff.keys import KeySchema


@dataclass(frozen=True, slots=True)
class TableSource:
    """A live table in one region, read by a parallel scan of so many segments, each strongly consistent."""

    aws: Aws
    region: str
    table: str
    segments: int = 1

    def items(self) -> Iterator[dict[str, Any]]:
        yield from self.aws.pages("dynamodb", self.region, "scan", "Items", TableName=self.table, ConsistentRead=True)

    def schema(self) -> KeySchema | None:
        found = self.aws.call("dynamodb", self.region, "describe_table", TableName=self.table)["Table"]
        return KeySchema(tuple(each["AttributeName"] for each in found["KeySchema"]))


@dataclass(frozen=True, slots=True)
class ExportSource:
    """An export, full or incremental: a folder that holds its manifest, or an s3 URL (then with `aws`, `region`)."""

    place: Path | str
    aws: Aws | None = None
    region: str = ""
    key: KeySchema | None = None

    def items(self) -> Iterator[dict[str, Any]]:
        for path in sorted(Path(self.place).glob("data/*.json.gz")):
            with gzip.open(path, "rb") as lines:
                for line in lines:
                    yield json.loads(line)["Item"]

    def schema(self) -> KeySchema | None:
        return self.key


Source = TableSource | ExportSource
