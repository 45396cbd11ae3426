"""DynamoDB: incremental exports, what changed in a table over a span, item by item.

DynamoDB keeps one line an item that changed in the span: its image before, its image after, the time of its last
write. What happened to it in between is not there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from drcore.calls.answer import as_answer
from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.services import s3

Image = Mapping[str, Mapping[str, Any]]

RUNNING, READY = "IN_PROGRESS", "COMPLETED"
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=24)  # of the span of an incremental export
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class IncrementalExport:
    """An incremental export: IN_PROGRESS, COMPLETED or FAILED. `since` is included in the span, `until` is not."""

    arn: str
    status: str
    since: datetime
    until: datetime
    bucket: str
    prefix: str
    manifest: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """One item that changed: its image before the span (None: it was not there), after it, when it was last written."""

    key: Image
    old: Image | None
    new: Image | None
    at: datetime


def incremental(aws: Aws, region: str, table_arn: str, prefix: str) -> tuple[IncrementalExport, ...]:
    """The incremental exports of a table that were made below a prefix, oldest first. Raises Unknown, Rejected."""
    found = (export(aws, region, arn) for arn in _incremental(aws, region, table_arn))
    return tuple(sorted((each for each in found if each.prefix == prefix), key=lambda each: each.arn))


def export(aws: Aws, region: str, arn: str) -> IncrementalExport:
    """One export by its ARN."""
    found = aws.call("dynamodb", region, "describe_export", ExportArn=arn)["ExportDescription"]
    span = found["IncrementalExportSpecification"]
    return IncrementalExport(
        arn=arn,
        status=found["ExportStatus"],
        since=span["ExportFromTime"].astimezone(UTC),
        until=span["ExportToTime"].astimezone(UTC),
        bucket=found["S3Bucket"],
        prefix=found.get("S3Prefix", ""),
        manifest=found.get("ExportManifest", ""),
        failure=": ".join(found[name] for name in ("FailureCode", "FailureMessage") if found.get(name)),
    )


def changes(aws: Aws, region: str, made: IncrementalExport) -> Iterator[Changed]:
    """All lines of an export. Raises Unknown where a file is not what the manifest says: never a shorter answer."""
    summary = s3.document(aws, region, made.bucket, made.manifest)
    files = s3.body(aws, region, made.bucket, summary["manifestFilesS3Key"]).splitlines()
    for entry in (as_answer(json.loads(line), f"s3://{made.bucket}/{made.manifest}") for line in files):
        content = s3.body(aws, region, made.bucket, entry["dataFileS3Key"])
        lines = _lines(content, entry, f"s3://{made.bucket}/{entry['dataFileS3Key']}")
        yield from map(_changed, lines)


def start(
    aws: Aws, region: str, table_arn: str, *, bucket: str, prefix: str, since: datetime, until: datetime, token: str
) -> str:
    """Start an incremental export with both images of each item. With the same token it is not made twice."""
    made = aws.call(
        "dynamodb",
        region,
        "export_table_to_point_in_time",
        TableArn=table_arn,
        ClientToken=token,
        S3Bucket=bucket,
        S3Prefix=prefix,
        ExportFormat="DYNAMODB_JSON",
        ExportType="INCREMENTAL_EXPORT",
        IncrementalExportSpecification={
            "ExportFromTime": since,
            "ExportToTime": until,
            "ExportViewType": "NEW_AND_OLD_IMAGES",
        },
    )
    return str(made["ExportDescription"]["ExportArn"])


def _incremental(aws: Aws, region: str, table_arn: str) -> Iterator[str]:
    page: dict[str, str] = {}
    while True:
        answer = aws.call("dynamodb", region, "list_exports", TableArn=table_arn, **page)
        for each in answer["ExportSummaries"]:
            if each["ExportType"] == "INCREMENTAL_EXPORT":
                yield each["ExportArn"]
        if not answer.get("NextToken"):
            return
        page = {"NextToken": answer["NextToken"]}


def _lines(content: bytes, entry: Mapping[str, Any], where: str) -> list[bytes]:
    if b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode() != entry["md5Checksum"]:
        raise Unknown(f"{where} is not the file that the manifest names: another checksum")
    try:
        lines = gzip.decompress(content).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise Unknown(f"{where} cannot be unpacked: {error}") from error
    if len(lines) != entry["itemCount"]:
        raise Unknown(f"{where} has {len(lines)} lines, the manifest says {entry['itemCount']}")
    return lines


def _changed(line: bytes) -> Changed:
    fields = as_answer(json.loads(line), "the line of an export")
    micros = int(fields["Metadata"]["WriteTimestampMicros"]["N"])
    return Changed(
        fields["Keys"], fields.get("OldImage"), fields.get("NewImage"), _EPOCH + timedelta(microseconds=micros)
    )
