"""Objects: written only over what was seen, kept so that nobody can change them, fetched whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.errors import Rejected, Unknown
from drcore.services import s3
from tests.services.conftest import Edit
from tests.support.service_calls import BEGAN

EAST, BUCKET = "us-east-1", "syncwell-releases-us-east-1"


def test_a_document_is_made_once_and_changed_only_as_it_was_seen(aws: Aws) -> None:
    nothing = s3.kept(aws, EAST, BUCKET, "guarded.json")
    s3.put_if(aws, EAST, BUCKET, "guarded.json", {"by": "us"}, nothing)
    with pytest.raises(Rejected, match="PreconditionFailed"):
        s3.put_if(aws, EAST, BUCKET, "guarded.json", {"by": "another"}, nothing)
    seen = s3.kept(aws, EAST, BUCKET, "guarded.json")
    s3.put_if(aws, EAST, BUCKET, "guarded.json", {"by": "us again"}, seen)
    with pytest.raises(Rejected, match="PreconditionFailed"):
        s3.put_if(aws, EAST, BUCKET, "guarded.json", {"by": "another"}, seen)
    assert s3.document(aws, EAST, BUCKET, "guarded.json") == {"by": "us again"}


@pytest.mark.parametrize("read", [s3.document, s3.kept])
def test_what_is_not_json_is_unknown(aws: Aws, read: Any) -> None:
    aws.call("s3", EAST, "put_object", Bucket=BUCKET, Key="torn.json", Body=b'{"half')
    with pytest.raises(Unknown, match=r"s3://.*torn\.json is not JSON"):
        read(aws, EAST, BUCKET, "torn.json")


@pytest.mark.parametrize("size", [0, 1, 10, 11, 35])
def test_an_object_is_fetched_part_by_part(
    aws: Aws, gate: CallGate, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PART", 10)
    content = bytes(range(size))
    aws.call("s3", EAST, "put_object", Bucket=BUCKET, Key="large", Body=content)
    s3.fetch(aws, EAST, BUCKET, "large", tmp_path / "large")
    assert (tmp_path / "large").read_bytes() == content
    assert sum(call.operation == "GetObject" for call in gate.made) == -(-size // 10)


def test_an_object_that_is_changed_while_it_is_fetched_is_not_pieced_together(
    aws: Aws, edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PART", 10)
    aws.call("s3", EAST, "put_object", Bucket=BUCKET, Key="moving", Body=b"a" * 25)

    def overwrite(answer: dict[str, Any]) -> None:
        aws.call("s3", EAST, "put_object", Bucket=BUCKET, Key="moving", Body=b"b" * 25)

    edit("s3.HeadObject", overwrite)
    with pytest.raises(Rejected, match="PreconditionFailed"):
        s3.fetch(aws, EAST, BUCKET, "moving", tmp_path / "moving")


def test_an_evidence_that_is_stored_twice_is_there_twice_and_locked(aws: Aws) -> None:
    bucket, until = "syncwell-evidence-us-east-1", BEGAN + timedelta(days=400)
    first, second = (s3.put_locked(aws, EAST, bucket, "proof", body, until) for body in (b"one", b"two"))
    assert first and second and first != second
    with pytest.raises(Rejected, match="AccessDenied"):
        aws.call("s3", EAST, "delete_object", Bucket=bucket, Key="proof", VersionId=first)
    assert s3.body(aws, EAST, bucket, "proof") == b"two"


def test_an_object_is_removed_only_as_it_was_seen(aws: Aws) -> None:
    s3.put_if(aws, EAST, BUCKET, "held", {"by": "one"}, s3.StoredJson(None))
    one = s3.kept(aws, EAST, BUCKET, "held")
    s3.put_if(aws, EAST, BUCKET, "held", {"by": "two"}, one)
    with pytest.raises(Rejected, match="PreconditionFailed"):
        s3.delete_if(aws, EAST, BUCKET, "held", one.etag)
    two = s3.kept(aws, EAST, BUCKET, "held")
    assert two.content == {"by": "two"}
    s3.delete_if(aws, EAST, BUCKET, "held", two.etag)
    assert s3.kept(aws, EAST, BUCKET, "held") == s3.StoredJson(None)
    with pytest.raises(Rejected, match="NoSuchKey"):
        s3.delete_if(aws, EAST, BUCKET, "held", two.etag)


def test_folders_are_named_without_what_stands_before_and_behind(aws: Aws) -> None:
    for key in ("tree/a/1", "tree/a/2", "tree/b/1", "tree/leaf"):
        aws.call("s3", EAST, "put_object", Bucket=BUCKET, Key=key, Body=b"")
    assert list(s3.folders(aws, EAST, BUCKET, "tree/")) == ["a", "b"]
    assert list(s3.names(aws, EAST, BUCKET, "tree/")) == ["tree/a/1", "tree/a/2", "tree/b/1", "tree/leaf"]
    tags = dict(s3.tagged(aws, EAST, BUCKET, "tree/"))
    assert list(tags) == ["tree/a/1", "tree/a/2", "tree/b/1", "tree/leaf"] and all(tags.values())
