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
from collections.abc import Iterator, Mapping, Sequence
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
class FullExport:
    """A full export that is there: the moment that it shows, how many items it has."""

    arn: str
    at: datetime
    items: int


@dataclass(frozen=True, slots=True)
class Changed:
    """One item that changed: its image before the span (None: it was not there), after it, when it was last written."""

    key: Image
    old: Image | None
    new: Image | None
    at: datetime


def incremental(aws: Aws, region: str, table_arn: str, begun_after: datetime) -> tuple[str, ...]:
    """The ARNs of the incremental exports of a table, oldest first. Raises Unknown, Rejected.

    A table that is exported each hour has two thousand of them: those that say by their id that they were begun before
    a moment are none of them, and the list is not read further than to them.
    """
    arns = list[str]()
    for page in _listed(aws, region, table_arn):
        new = [each for each in page if (_begun(each["ExportArn"]) or begun_after) >= begun_after]
        arns += [each["ExportArn"] for each in new if each["ExportType"] == "INCREMENTAL_EXPORT"]
        if page and not new:
            break
    return tuple(sorted(arns))


def last_full(aws: Aws, region: str, table_arn: str) -> FullExport | None:
    """The newest full export of a table that is complete, None where there is none. Raises Unknown, Rejected."""
    every = (each for page in _listed(aws, region, table_arn) for each in page if each["ExportType"] == "FULL_EXPORT")
    newest = next((each["ExportArn"] for each in every if each["ExportStatus"] == READY), "")
    if not newest:
        return None
    description = aws.call("dynamodb", region, "describe_export", ExportArn=newest)["ExportDescription"]
    return FullExport(
        description["ExportArn"], description["ExportTime"].astimezone(UTC), int(description["ItemCount"])
    )


def export(aws: Aws, region: str, arn: str) -> IncrementalExport:
    """One export by its ARN."""
    description = aws.call("dynamodb", region, "describe_export", ExportArn=arn)["ExportDescription"]
    span = description["IncrementalExportSpecification"]
    return IncrementalExport(
        arn=arn,
        status=description["ExportStatus"],
        since=span["ExportFromTime"].astimezone(UTC),
        until=span["ExportToTime"].astimezone(UTC),
        bucket=description["S3Bucket"],
        prefix=description.get("S3Prefix", ""),
        manifest=description.get("ExportManifest", ""),
        failure=": ".join(description[name] for name in ("FailureCode", "FailureMessage") if description.get(name)),
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


def _listed(aws: Aws, region: str, table_arn: str) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The pages of the list of a table's exports: by their ARNs, which begin with a time, the last one first."""
    page: dict[str, str] = {}
    while True:
        answer = aws.call("dynamodb", region, "list_exports", TableArn=table_arn, **page)
        yield answer["ExportSummaries"]
        if not answer.get("NextToken"):
            return
        page = {"NextToken": answer["NextToken"]}


def _begun(arn: str) -> datetime | None:
    """When an export was begun, by its id: milliseconds, a hyphen, a random part. None where an id is another one."""
    millis, _, rest = arn.rpartition("/")[2].partition("-")
    if not rest or len(millis) != 14 or not millis.isdigit():
        return None
    return _EPOCH + timedelta(milliseconds=int(millis))


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
