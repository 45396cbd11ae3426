"""What lies in the buckets of a plan's lock, and what a colleague puts there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from drcore.engine import votes
from drcore.parameters import Service

Clients = Callable[[str], Any]
"""A client of S3 in a region, past the gate."""


def held(s3: Clients, service: Service, plan: str) -> dict[str, dict[str, str]]:
    """The lock as each bucket has it, by region, where it has one and is not away."""
    found: dict[str, dict[str, str]] = {}
    for region, bucket in votes.places(service):
        try:
            found[region] = json.loads(s3(region).get_object(Bucket=bucket, Key=votes.key(plan))["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "ServiceUnavailable"):
                raise
    return found


def put(s3: Clients, service: Service, plan: str, run_id: str, who: str) -> None:
    """The lock is somebody else's, in all regions that are not away."""
    body = json.dumps({"run_id": run_id, "who": who, "since": "now"}).encode()
    for region, bucket in votes.places(service):
        with suppress_away():
            s3(region).put_object(Bucket=bucket, Key=votes.key(plan), Body=body)


def remove(s3: Clients, service: Service, plan: str) -> None:
    """What a person does by hand where the holder is gone."""
    for region, bucket in votes.places(service):
        with suppress_away():
            s3(region).delete_object(Bucket=bucket, Key=votes.key(plan))


@contextmanager
def suppress_away() -> Iterator[None]:
    """A region that is away gives no answer, to nobody."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ServiceUnavailable":
            raise
