"""Exports: files as AWS writes them, of everything at a second and of what changed between two."""

import gzip
import hashlib
import json
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import pytest

from drcore.sandbox.services.dynamodb import export_operations
from tests.support.own_table import TABLE, Typed, item, key, own_table, seeded
from tests.support.syncwell_world import EAST, SyncWellWorld, refused

ARN = f"arn:aws:dynamodb:{EAST}:123456789012:table/{TABLE}"
BUCKET = "exports-of-the-test"


def _world(items: int = 20) -> SyncWellWorld:
    world = SyncWellWorld()
    own_table(world)
    seeded(world, items, said="base")
    world.client("s3").create_bucket(Bucket=BUCKET)
    return world


def _export(world: SyncWellWorld, **params: Any) -> dict[str, Any]:
    given = {"TableArn": ARN, "S3Bucket": BUCKET, "S3Prefix": "drills/one"} | params
    told: dict[str, Any] = world.client("dynamodb").export_table_to_point_in_time(**given)
    described: dict[str, Any] = told["ExportDescription"]
    return described


def _done(world: SyncWellWorld, arn: str) -> dict[str, Any]:
    for _ in range(60):
        told: dict[str, Any] = world.client("dynamodb").describe_export(ExportArn=arn)["ExportDescription"]
        if told["ExportStatus"] != "IN_PROGRESS":
            return told
        world.sleep(20)
    raise AssertionError(f"{arn} never ended")


def _file(world: SyncWellWorld, name: str) -> bytes:
    body: bytes = world.client("s3").get_object(Bucket=BUCKET, Key=name)["Body"].read()
    return body


def _read(world: SyncWellWorld, told: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of an export, found and checked by its manifests."""
    manifest = told["ExportManifest"]
    summary = json.loads(_file(world, manifest))
    assert summary["exportArn"] == told["ExportArn"]
    assert _file(world, manifest.replace(".json", ".md5")).decode() == _md5(_file(world, manifest))
    listed = [json.loads(line) for line in _file(world, summary["manifestFilesS3Key"]).splitlines()]
    lines = []
    for each in listed:
        body = _file(world, each["dataFileS3Key"])
        assert each["md5Checksum"] == _md5(body)
        here = [json.loads(line) for line in gzip.decompress(body).splitlines()]
        assert len(here) == each["itemCount"]
        lines += here
    assert len(lines) == summary["itemCount"] == told["ItemCount"]
    return lines


def _md5(body: bytes) -> str:
    return b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _changes(world: SyncWellWorld, begin: datetime, end: datetime, **more: Any) -> dict[str, Any]:
    spec = {"ExportFromTime": begin, "ExportToTime": end} | more
    return _export(world, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=spec)


def test_a_full_export_should_hold_every_item_at_its_second_in_files_that_the_manifest_lists() -> None:
    world = _world()
    world.sleep(60)
    moment = world.now
    world.client("dynamodb").delete_item(TableName=TABLE, Key=key("USER#00003"))
    told = _export(world, ExportTime=moment)
    assert told["ExportStatus"] == "IN_PROGRESS"
    name = told["ExportArn"].rpartition("/")[2]
    assert _file(world, f"drills/one/AWSDynamoDB/{name}/_started") == b""
    told = _done(world, told["ExportArn"])
    assert told["ExportStatus"] == "COMPLETED"
    assert told["ExportManifest"] == f"drills/one/AWSDynamoDB/{name}/manifest-summary.json"
    found = sorted(line["Item"]["pk"]["S"] for line in _read(world, told))
    assert found == [f"USER#{number:05d}" for number in range(20)]
    assert all(set(line) == {"Item"} for line in _read(world, told))


def test_an_incremental_export_should_hold_the_net_change_of_each_item_with_both_images() -> None:
    world = _world()
    client = world.client("dynamodb")
    client.put_item(TableName=TABLE, Item=item("USER#00009", said="before"))
    world.sleep(1)
    begin = world.now.replace(microsecond=0) + timedelta(seconds=1)
    world.sleep(2)
    for value in ("first", "second"):
        client.put_item(TableName=TABLE, Item=item("USER#00001", said=value))
    last = world.now
    client.delete_item(TableName=TABLE, Key=key("USER#00002"))
    client.put_item(TableName=TABLE, Item=item("NEW", said="new"))
    client.put_item(TableName=TABLE, Item=item("PASSING", said="by"))
    client.delete_item(TableName=TABLE, Key=key("PASSING"))
    world.sleep(16 * 60)
    end = world.now.replace(microsecond=0)
    world.sleep(2)
    client.put_item(TableName=TABLE, Item=item("USER#00001", said="after the end"))
    told = _done(world, _changes(world, begin, end)["ExportArn"])
    lines = {line["Keys"]["pk"]["S"]: line for line in _read(world, told)}
    assert set(lines) == {"USER#00001", "USER#00002", "NEW", "PASSING"}
    changed = lines["USER#00001"]
    assert changed["Keys"] == key("USER#00001")
    assert changed["OldImage"] == item("USER#00001", said="base")
    assert changed["NewImage"] == item("USER#00001", said="second")
    assert changed["Metadata"] == {"WriteTimestampMicros": {"N": str(round(last.timestamp() * 1_000_000))}}
    assert (lines["USER#00002"].get("NewImage"), lines["NEW"].get("OldImage")) == (None, None)
    assert set(lines["PASSING"]) == {"Metadata", "Keys"}
    seen: dict[str, Typed | None] = {name: line.get("NewImage") for name, line in lines.items()}
    assert seen["NEW"] == item("NEW", said="new")
    new_only = _done(world, _changes(world, begin, end, ExportViewType="NEW_IMAGE")["ExportArn"])
    assert not any("OldImage" in line for line in _read(world, new_only))


def test_what_lies_outside_window_or_length_should_be_refused() -> None:
    world = _world()
    now = world.now

    def ask(**params: Any) -> None:
        _export(world, **params)

    def changes(begin: datetime, end: datetime, **_: Any) -> None:
        _changes(world, begin, end)

    refused("InvalidExportTimeException", ask, ExportTime=now + timedelta(hours=1))
    refused("InvalidExportTimeException", ask, ExportTime=now - timedelta(days=36))
    for minutes in (14, 24 * 60 + 1):
        refused("InvalidExportTimeException", changes, begin=now - timedelta(minutes=minutes), end=now)
    refused("InvalidExportTimeException", changes, begin=now, end=now + timedelta(minutes=20))
    both = {"IncrementalExportSpecification": {"ExportFromTime": now - timedelta(minutes=20)}, "ExportTime": now}
    refused("ValidationException", ask, ExportType="INCREMENTAL_EXPORT", **both)
    world.client("dynamodb").update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    refused("PointInTimeRecoveryUnavailableException", ask)
    refused("ExportNotFoundException", world.client("dynamodb").describe_export, ExportArn=f"{ARN}/export/0123-ab")


def test_the_same_token_should_be_the_same_export_and_with_another_request_a_conflict() -> None:
    world = _world()
    first = _export(world, ClientToken="token-1")["ExportArn"]
    world.sleep(5)
    assert _export(world, ClientToken="token-1")["ExportArn"] == first
    refused("ExportConflictException", lambda **_: _export(world, ClientToken="token-1", S3Prefix="other"))
    second = _export(world, ClientToken="token-2")["ExportArn"]
    listed = world.client("dynamodb").list_exports(TableArn=ARN)["ExportSummaries"]
    assert [each["ExportArn"] for each in listed] == [second, first], "the newest first"


@pytest.mark.parametrize("bucket", ["nobody-has-this-bucket"])
def test_an_export_into_nothing_should_fail_with_a_code(bucket: str) -> None:
    world = _world(3)
    told = _done(world, _export(world, S3Bucket=bucket)["ExportArn"])
    assert (told["ExportStatus"], told["FailureCode"]) == ("FAILED", "S3NoSuchBucket")


def test_an_export_should_take_longer_the_more_lines_and_items_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_operations, "EACH_LINE", 20.0)
    monkeypatch.setattr(export_operations, "EACH_ITEM", 20.0)
    world = _world(20)
    told = _done(world, _export(world)["ExportArn"])
    assert (told["EndTime"] - told["StartTime"]).total_seconds() > 800
