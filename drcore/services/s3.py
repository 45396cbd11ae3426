"""S3: documents that other tools have left, names below a prefix, objects that cannot be changed afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from drcore.calls.answer import as_answer
from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown

_PART = 8 << 20  # bytes asked for at once


@dataclass(frozen=True, slots=True)
class StoredJson:
    """A JSON object as it lies in a bucket, with the tag that guards a change. An empty tag: there is none."""

    content: Any
    etag: str = field(default="", compare=False)


def document(aws: Aws, region: str, bucket: str, key: str) -> Any:
    """A JSON object. Raises Rejected when there is none, Unknown when it is not JSON."""
    return _parsed(body(aws, region, bucket, key), bucket, key)


def body(aws: Aws, region: str, bucket: str, key: str) -> bytes:
    """An object as it lies there. Raises Rejected when there is none, Unknown."""
    content: bytes = aws.call("s3", region, "get_object", Bucket=bucket, Key=key)["Body"].read()
    return content


def kept(aws: Aws, region: str, bucket: str, key: str) -> StoredJson:
    """A JSON object with its tag; None with no tag where there is none. Raises Rejected, Unknown."""
    try:
        answer = aws.call("s3", region, "get_object", Bucket=bucket, Key=key)
    except Rejected as error:
        if error.code in ("NoSuchKey", "404"):
            return StoredJson(None)
        raise
    return StoredJson(_parsed(answer["Body"].read(), bucket, key), answer["ETag"])


def folders(aws: Aws, region: str, bucket: str, prefix: str) -> Iterator[str]:
    """The names of the folders right below a prefix."""
    prefixes = aws.pages("s3", region, "list_objects_v2", "CommonPrefixes", Bucket=bucket, Prefix=prefix, Delimiter="/")
    return (each["Prefix"].rstrip("/").rsplit("/", 1)[-1] for each in prefixes)


def names(aws: Aws, region: str, bucket: str, prefix: str) -> Iterator[str]:
    """The names of all objects below a prefix. Raises Rejected, Unknown."""
    return (name for name, _ in tagged(aws, region, bucket, prefix))


def tagged(aws: Aws, region: str, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    """The names of all objects below a prefix, each with the tag of what it holds now. Raises Rejected, Unknown."""
    listed = aws.pages("s3", region, "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)
    return ((str(each["Key"]), str(each["ETag"])) for each in listed)


def fetch(aws: Aws, region: str, bucket: str, key: str, path: Path) -> None:
    """An object into a file, part by part, so that its size does not matter. Raises Rejected, Unknown.

    Each part is asked for on condition that the object is still the one that the first part came from.
    """
    head = aws.call("s3", region, "head_object", Bucket=bucket, Key=key)
    size = int(head["ContentLength"])
    with path.open("wb") as file:
        for start in range(0, size, _PART):
            part = f"bytes={start}-{min(start + _PART, size) - 1}"
            answer = aws.call("s3", region, "get_object", Bucket=bucket, Key=key, Range=part, IfMatch=head["ETag"])
            file.write(answer["Body"].read())
    if path.stat().st_size != size:
        raise Unknown(f"s3://{bucket}/{key}: expected {size} bytes, seen {path.stat().st_size}")


def put_if(aws: Aws, region: str, bucket: str, key: str, content: Mapping[str, Any], now: StoredJson) -> None:
    """Write a JSON object, unless somebody else has changed it since `now` was read (If-Match, If-None-Match)."""
    guard = {"IfMatch": now.etag} if now.etag else {"IfNoneMatch": "*"}
    # Without blanks, as jq writes it on the card that a person carries out.
    body = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    aws.call("s3", region, "put_object", Bucket=bucket, Key=key, Body=body, **guard)


def delete_if(aws: Aws, region: str, bucket: str, key: str, etag: str) -> None:
    """Remove an object, unless somebody else has changed it since its tag was read (If-Match)."""
    aws.call("s3", region, "delete_object", Bucket=bucket, Key=key, IfMatch=etag)


def put_locked(aws: Aws, region: str, bucket: str, key: str, body: bytes, until: datetime) -> str:
    """Store an object under Object Lock in governance mode; written again, it gets a new version beside the old one.

    Until `until` only somebody with s3:BypassGovernanceRetention can remove a version. Returns the version id.
    """
    made = aws.call(
        "s3",
        region,
        "put_object",
        Bucket=bucket,
        Key=key,
        Body=body,
        ChecksumAlgorithm="SHA256",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
    )
    return str(made.get("VersionId", ""))


def _parsed(body: bytes, bucket: str, key: str) -> Any:
    try:
        return as_answer(json.loads(body), f"s3://{bucket}/{key}")
    except ValueError as error:
        raise Unknown(f"s3://{bucket}/{key} is not JSON: {error}") from error
