"""DynamoDB: exports to S3, of everything at a second or of what changed between two.

The files are laid out as AWS does: `AWSDynamoDB/<export>/` with the manifests, data files beside them for a full export
and in the common `AWSDynamoDB/data/` for an incremental one. Simplified: DynamoDB JSON only, a handful of data files
whatever the size, buckets of this account only.
"""

import gzip
import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.behaviours import Behaviours
from drcore.sandbox.core.lateness import Lateness, Told
from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware, iso
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.moto.seeding import tied_to
from drcore.sandbox.services.dynamodb.item_operations import tables
from drcore.sandbox.services.dynamodb.items import Key, Stored, place
from drcore.sandbox.services.dynamodb.recovery_operations import window
from drcore.sandbox.services.dynamodb.replica import Replica

FILES = 4
"""Data files of an export; a partition lies in one of them."""
TAKES = (150.0, 300.0)
"""Virtual seconds from … to …, and for each line, for each item of the table."""
EACH_LINE, EACH_ITEM = 0.01, 0.002
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=24)
"""Windows of an incremental export."""
TOKEN_LASTS = timedelta(hours=8)


@dataclass(slots=True)
class TableExport:
    """One export: what it was asked for, and what has become of it."""

    description: dict[str, Any]
    token: str
    asked: str
    files: dict[str, bytes] = field(repr=False)
    """The files that it writes at its end, by their keys."""
    began: datetime
    lines: int = 0


class Exports:
    """All exports, oldest first, by their ARN."""

    def __init__(self, world: World) -> None:
        self.by_arn: dict[str, TableExport] = {}
        world.add_to_dump("dynamodb exports", lambda: {arn: export.description for arn, export in self.by_arn.items()})


@operation("dynamodb", "ExportTableToPointInTime")
def export_table_to_point_in_time(call: AwsCall) -> dict[str, Any]:
    """As the API; the same token with the same request is the same export."""
    store, exports, params, now = tables(call), call.world.state(Exports), call.params, call.world.clock.now()
    replica = store.find(call.region, params["TableArn"])
    if replica is None or replica.arn != params["TableArn"]:
        return call.forward()
    token, asked = params.get("ClientToken") or "", repr({n: v for n, v in params.items() if n != "ClientToken"})
    for known in exports.by_arn.values():
        if token and known.token == token and now - known.began < TOKEN_LASTS:
            if known.asked != asked:
                raise AwsError("ExportConflictException", "The client token was used with other parameters")
            return {"ExportDescription": known.description}
    if params.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        raise AwsError("ValidationException", "The sandbox exports DYNAMODB_JSON only")
    export = _export(call, replica, token, asked)
    exports.by_arn[export.description["ExportArn"]] = export
    seconds = call.world.rng("export", export.description["ExportArn"]).uniform(*TAKES)
    follows = call.world.state(Behaviours).word("export-time") == "changes"
    seconds += EACH_LINE * export.lines * follows + EACH_ITEM * len(replica.items())
    _put(call.world, export, {name: body for name, body in export.files.items() if not body})
    store.later(now + timedelta(seconds=seconds), lambda at: _finish(call.world, export, at))
    return {"ExportDescription": export.description}


def _export(call: AwsCall, replica: Replica, token: str, asked: str) -> TableExport:
    params, now = call.params, call.world.clock.now()
    open_ = window(replica, now)
    if open_ is None:
        raise AwsError(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{replica.name}'",
        )
    stream = call.world.rng("export", replica.arn, now, token)
    name = f"{int(now.timestamp() * 1000):014d}-{stream.getrandbits(32):08x}"
    folder = "/".join(part for part in (params.get("S3Prefix", "").strip("/"), "AWSDynamoDB") if part)
    description: dict[str, Any] = {
        "ExportArn": f"{replica.arn}/export/{name}",
        "ExportStatus": "IN_PROGRESS",
        "StartTime": now,
        "TableArn": replica.arn,
        "TableId": replica.id,
        "S3Bucket": params["S3Bucket"],
        "S3SseAlgorithm": params.get("S3SseAlgorithm", "AES256"),
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": params.get("ExportType", "FULL_EXPORT"),
    }
    description |= {key: params[key] for key in ("S3Prefix", "S3BucketOwner", "ClientToken") if params.get(key)}
    if description["ExportType"] == "FULL_EXPORT":
        description["ExportTime"] = moment = _moment(params, open_[0], now)
        lines = ((key, _line({"Item": item})) for key, item in replica.at(moment).items())
        files = _data_files(lines, f"{folder}/{name}/data", stream.getrandbits(64))
    else:
        description["IncrementalExportSpecification"] = asked_for = _changes_asked(params, open_[0], now)
        files = _data_files(_changes(replica, asked_for), f"{folder}/data", stream.getrandbits(64))
    description |= {"ExportManifest": f"{folder}/{name}/manifest-summary.json"}
    export = TableExport(description, token, asked, {}, now, sum(count for _, count, _ in files))
    export.files = _with_manifests(files, f"{folder}/{name}")
    return export


def _moment(params: Mapping[str, Any], earliest: datetime, now: datetime) -> datetime:
    moment = aware(params["ExportTime"]).replace(microsecond=0) if params.get("ExportTime") else now
    if not earliest <= moment <= now:
        raise AwsError("InvalidExportTimeException", f"ExportTime {iso(moment)} is outside the recovery window")
    return moment


def _changes_asked(params: Mapping[str, Any], earliest: datetime, now: datetime) -> dict[str, Any]:
    if params.get("ExportTime"):
        raise AwsError("ValidationException", "ExportTime is not supported for an incremental export")
    given = params.get("IncrementalExportSpecification") or {}
    if not given.get("ExportFromTime"):
        raise AwsError("ValidationException", "ExportFromTime must be specified for an incremental export")
    begin = aware(given["ExportFromTime"]).replace(microsecond=0)
    end = aware(given["ExportToTime"]).replace(microsecond=0) if given.get("ExportToTime") else now
    if not earliest <= begin < end <= now:
        raise AwsError(
            "InvalidExportTimeException", f"{iso(begin)} to {iso(end)} is not inside the recovery window, in this order"
        )
    if not SHORTEST <= end - begin <= LONGEST:
        raise AwsError(
            "InvalidExportTimeException", "The difference between export from and to must be 15 minutes to 24 hours"
        )
    view = given.get("ExportViewType", "NEW_AND_OLD_IMAGES")
    return {"ExportFromTime": begin, "ExportToTime": end, "ExportViewType": view}


def _changes(replica: Replica, asked: Mapping[str, Any]) -> Iterator[tuple[Key, bytes]]:
    """The net change of each item that was written in [from, to): what it was before, what it was at the end."""
    begin, end = asked["ExportFromTime"], asked["ExportToTime"]
    old: dict[Key, Stored | None] = {}
    new: dict[Key, tuple[datetime, Stored | None]] = {}
    for entry in replica.log:
        if begin <= entry.at < end:
            old.setdefault(entry.key, entry.before)
            new[entry.key] = (entry.at, entry.after)
    for key, (at, after) in new.items():
        before = old[key]
        any_image = after or before or _last_image(replica, key, end)
        if any_image is None:
            continue  # a deletion of what was never there
        line: dict[str, Any] = {
            "Metadata": {"WriteTimestampMicros": {"N": str(round(at.timestamp() * 1_000_000))}},
            "Keys": {name: any_image[name] for name in replica.schema},
        }
        if before is not None and asked["ExportViewType"] == "NEW_AND_OLD_IMAGES":
            line["OldImage"] = before
        if after is not None:
            line["NewImage"] = after
        yield key, _line(line)


def _last_image(replica: Replica, key: Key, end: datetime) -> Stored | None:
    """An image of an item that came and went in the window: for its key."""
    before = (entry.before for entry in replica.log if entry.key == key and entry.at < end)
    return next((image for image in before if image), None)


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _data_files(lines: Iterable[tuple[Key, bytes]], folder: str, named: int) -> list[tuple[str, int, bytes]]:
    """The key, the number of lines and the bytes of each data file."""
    parts: list[list[tuple[int, Key, bytes]]] = [[] for _ in range(FILES)]
    for key, line in lines:
        where = place(str(key[0]))
        parts[where * FILES >> 64].append((where, key, line))
    return [
        (
            f"{folder}/{hashlib.md5(f'{named}-{index}'.encode(), usedforsecurity=False).hexdigest()[:26]}.json.gz",
            len(part),
            gzip.compress(b"".join(line for _, _, line in sorted(part)), 6, mtime=0),
        )
        for index, part in enumerate(parts)
    ]


def _with_manifests(files: list[tuple[str, int, bytes]], folder: str) -> dict[str, bytes]:
    """All files of an export; the summary, which tells of the end, is written at the end."""
    listed = b"".join(
        _line(
            {
                "itemCount": count,
                "md5Checksum": _md5(body),
                "etag": f"{hashlib.md5(body, usedforsecurity=False).hexdigest()}-1",
                "dataFileS3Key": key,
            }
        )
        for key, count, body in files
    )
    return {
        f"{folder}/_started": b"",
        **{key: body for key, _, body in files},
        f"{folder}/manifest-files.json": listed,
        f"{folder}/manifest-files.md5": _md5(listed).encode(),
    }


def _md5(body: bytes) -> str:
    return b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _finish(world: World, export: TableExport, at: datetime) -> None:
    description = export.description
    description["EndTime"] = at
    manifest = description.get("ExportManifest", "")
    listed = export.files[f"{manifest.rpartition('/')[0]}/manifest-files.json"]
    description["ItemCount"] = sum(json.loads(line)["itemCount"] for line in listed.splitlines())
    description["BilledSizeBytes"] = sum(len(body) for key, body in export.files.items() if key.endswith(".gz"))
    summary = _line(_summary(description))
    export.files |= {manifest: summary, manifest.replace(".json", ".md5"): _md5(summary).encode()}
    if _put(world, export, export.files):
        description["ExportStatus"] = "COMPLETED"
    else:
        description |= {
            "ExportStatus": "FAILED",
            "FailureCode": "S3NoSuchBucket",
            "FailureMessage": "The specified bucket does not exist",
        }
    export.files = {}


def _summary(description: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of an export as it lies beside its files."""
    changes = description.get("IncrementalExportSpecification")
    summary = {
        "version": "2023-08-01" if changes else "2020-06-30",
        "exportArn": description["ExportArn"],
        "startTime": _precise(description["StartTime"]),
        "endTime": _precise(description["EndTime"]),
        "tableArn": description["TableArn"],
        "tableId": description["TableId"],
        "s3Bucket": description["S3Bucket"],
        "s3Prefix": description.get("S3Prefix"),
        "s3SseAlgorithm": description["S3SseAlgorithm"],
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": description["ExportManifest"].replace("summary", "files"),
        "billedSizeBytes": description["BilledSizeBytes"],
        "itemCount": description["ItemCount"],
        "outputFormat": description["ExportFormat"],
        "exportType": description["ExportType"],
    }
    if not changes:
        return summary | {"exportTime": _precise(description["ExportTime"])}
    return summary | {
        "exportFromTime": _precise(changes["ExportFromTime"]),
        "exportToTime": _precise(changes["ExportToTime"]),
        "outputView": changes["ExportViewType"],
    }


def _precise(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _put(world: World, export: TableExport, files: Mapping[str, bytes]) -> bool:
    """Write files to the bucket; returns whether there is one."""
    store, bucket = backends.s3(world.account), export.description["S3Bucket"]
    if bucket not in store.buckets:
        return False
    at = export.description.get("EndTime", export.description["StartTime"])
    with tied_to(world.purpose("export files", export.description["ExportArn"])), world.clock.at(at):
        for key, body in files.items():
            store.put_object(bucket, key, body)
    return True


@operation("dynamodb", "DescribeExport")
def describe_export(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    tables(call)
    export = call.world.state(Exports).by_arn.get(call.params["ExportArn"])
    if export is None or export.description["TableArn"].split(":")[3] != call.region:
        raise AwsError("ExportNotFoundException", f"Export not found: {call.params['ExportArn']}")
    return {"ExportDescription": export.description}


@operation("dynamodb", "ListExports")
def list_exports(call: AwsCall) -> dict[str, Any]:
    """As the API: by their ARNs, the newest first; one that was begun just now is not listed yet."""
    tables(call)
    late, now = call.world.state(Lateness), call.world.clock.now().timestamp()
    table, size = call.params.get("TableArn"), int(call.params.get("MaxResults") or 25)
    summaries = [
        {
            "ExportArn": arn,
            "ExportStatus": export.description["ExportStatus"],
            "ExportType": export.description["ExportType"],
        }
        for arn, export in sorted(call.world.state(Exports).by_arn.items(), reverse=True)
        if (table or export.description["TableArn"]) == export.description["TableArn"]
        and arn.split(":")[3] == call.region
        and late.at(Told.EXPORT_LISTED, export.began, arn) <= now
    ]
    here, token = page(summaries, call.params.get("NextToken"), size, "ValidationException")
    return {"ExportSummaries": list(here)} | ({"NextToken": token} if token else {})
