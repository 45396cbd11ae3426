"""Incremental exports: made once for a token, read whole or not at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services import s3
from drcore.services.dynamodb import exports, tables
from drcore.services.dynamodb.exports import IncrementalExport
from tests.support.service_calls import BEGAN, EAST, TABLE, TABLE_ARN

BUCKET = f"syncwell-exports-{EAST}"


@pytest.fixture
def made(world: InProcess, aws: Aws) -> IncrementalExport:
    """A complete export of a quarter of an hour in which one item was made, and another made and deleted."""
    token = f"export-{world.world.clock.now():%H%M%S}"
    tables.put(aws, EAST, TABLE, {"pk": f"{token}#stays", "sk": "sync"})
    tables.put(aws, EAST, TABLE, {"pk": f"{token}#goes", "sk": "sync"})
    tables.delete(aws, EAST, TABLE, {"pk": f"{token}#goes", "sk": "sync"})
    world.request("POST", "/_sandbox/clock", {"sleep": 600})
    now = world.world.clock.now()
    span = {"since": now - timedelta(minutes=30), "until": now}
    arn = exports.start(aws, EAST, TABLE_ARN, bucket=BUCKET, prefix=token, token=token, **span)
    assert exports.export(aws, EAST, arn).status == exports.RUNNING
    world.request("POST", "/_sandbox/clock", {"sleep": 1200})
    found = exports.export(aws, EAST, arn)
    assert (found.status, found.prefix, found.failure) == (exports.READY, token, "")
    return found


def test_the_same_token_starts_one_export(world: InProcess, aws: Aws) -> None:
    now = world.world.clock.now()
    span = {"since": now - timedelta(minutes=30), "until": now}
    arns = {
        exports.start(aws, EAST, TABLE_ARN, bucket=BUCKET, prefix="once", token="once", **span)  # noqa: S106
        for _ in range(2)
    }
    assert len(arns) == 1
    world.request("POST", "/_sandbox/clock", {"sleep": 30})  # a list tells of it some seconds later
    assert exports.incremental(aws, EAST, TABLE_ARN, BEGAN) == tuple(arns)


def test_exports_that_were_begun_before_are_not_asked_for(world: InProcess, aws: Aws) -> None:
    """A table that is exported each hour has two thousand of them."""
    now = world.world.clock.now()
    span = {"since": now - timedelta(minutes=30), "until": now}
    exports.start(aws, EAST, TABLE_ARN, bucket=BUCKET, prefix="old", token="old", **span)  # noqa: S106
    world.request("POST", "/_sandbox/clock", {"sleep": 60})
    assert len(exports.incremental(aws, EAST, TABLE_ARN, now)) == 1
    assert exports.incremental(aws, EAST, TABLE_ARN, now + timedelta(seconds=1)) == ()


def test_the_last_full_export_says_how_many_items_there_were(world: InProcess, aws: Aws) -> None:
    assert exports.last_full(aws, EAST, TABLE_ARN) is None
    for token in ("first", "second"):
        aws.call(
            "dynamodb",
            EAST,
            "export_table_to_point_in_time",
            TableArn=TABLE_ARN,
            ClientToken=token,
            S3Bucket=BUCKET,
            ExportTime=world.world.clock.now(),
        )
        world.request("POST", "/_sandbox/clock", {"sleep": 1200})
    found = exports.last_full(aws, EAST, TABLE_ARN)
    assert found
    assert timedelta(minutes=20) <= world.world.clock.now() - found.at < timedelta(minutes=21), "the second one"
    assert found.items > 0


def test_a_change_has_the_item_before_and_after(aws: Aws, made: IncrementalExport) -> None:
    found = {each.key["pk"]["S"].partition("#")[2]: each for each in exports.changes(aws, EAST, made)}
    assert found["stays"].old is None and found["stays"].new
    assert "goes" not in found or (found["goes"].old is None and found["goes"].new is None)
    assert all(made.since <= each.at < made.until for each in found.values())


def data_file(aws: Aws, made: IncrementalExport) -> tuple[str, str]:
    """The keys of the list of an export's files, and of the first of them."""
    listed = s3.document(aws, EAST, BUCKET, made.manifest)["manifestFilesS3Key"]
    return listed, json.loads(s3.body(aws, EAST, BUCKET, listed).splitlines()[0])["dataFileS3Key"]


def shorter(aws: Aws, made: IncrementalExport) -> None:
    _, key = data_file(aws, made)
    lines = gzip.decompress(s3.body(aws, EAST, BUCKET, key)).splitlines(keepends=True)
    aws.call("s3", EAST, "put_object", Bucket=BUCKET, Key=key, Body=gzip.compress(b"".join(lines[:-1])))


def miscounted(aws: Aws, made: IncrementalExport) -> None:
    listed, _ = data_file(aws, made)
    entries = [json.loads(line) for line in s3.body(aws, EAST, BUCKET, listed).splitlines()]
    entries[0]["itemCount"] += 1
    aws.call("s3", EAST, "put_object", Bucket=BUCKET, Key=listed, Body="\n".join(map(json.dumps, entries)).encode())


@pytest.mark.parametrize(("change", "why"), [(shorter, "another checksum"), (miscounted, "the manifest says")])
def test_a_file_that_is_not_as_the_manifest_says_is_unknown(
    aws: Aws, made: IncrementalExport, change: Callable[[Aws, IncrementalExport], None], why: str
) -> None:
    change(aws, made)
    with pytest.raises(Unknown, match=why):
        list(exports.changes(aws, EAST, made))


def test_an_export_that_failed_says_why(aws: Aws, made: IncrementalExport, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Aws.call

    def failed(self: Aws, *asked: str, **parameters: Any) -> Any:
        answer = real(self, *asked, **parameters)
        answer["ExportDescription"] |= {
            "ExportStatus": "FAILED",
            "FailureCode": "S3NoSuchBucket",
            "FailureMessage": "x",
        }
        return answer

    monkeypatch.setattr(Aws, "call", failed)
    assert exports.export(aws, EAST, made.arn).failure == "S3NoSuchBucket: x"
    assert made.since < BEGAN + timedelta(days=1)
