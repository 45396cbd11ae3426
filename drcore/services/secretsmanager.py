"""Secrets Manager: whether a secret can be read in a region, where its copies are, its versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Unknown


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as one region sees it: which region it is written in, the state of each copy."""

    primary: str
    copies: tuple[tuple[str, str], ...]


def secret(aws: Aws, region: str, name: str) -> Secret:
    """Where a secret lies. Raises Rejected when there is none, Unknown."""
    found = aws.call("secretsmanager", region, "describe_secret", SecretId=name)
    copies = tuple(sorted((each["Region"], each["Status"]) for each in found.get("ReplicationStatus", ())))
    return Secret(found.get("PrimaryRegion", ""), copies)


def is_readable(aws: Aws, region: str, name: str) -> bool:
    """Whether its value can be read in a region; the value itself is dropped. Raises Rejected, Unknown."""
    found = aws.call("secretsmanager", region, "get_secret_value", SecretId=name)
    return bool(found.get("SecretString") or found.get("SecretBinary"))


@dataclass(frozen=True, slots=True)
class SecretVersions:
    """The versions of a secret by their labels, without any value. An empty id: no version has that label.

    A label that moves back leaves another `previous` behind. `since` is when the current version was made; None where
    that is not told.
    """

    current: str
    pending: str
    previous: str = field(default="", compare=False)
    since: datetime | None = field(default=None, compare=False)


def versions(aws: Aws, region: str, name: str) -> SecretVersions:
    """Which version has which label. Raises Rejected when there is no such secret; Unknown."""
    found, more = list[Any](), dict[str, str]()
    while True:  # boto3 has no paginator for it
        page = aws.call("secretsmanager", region, "list_secret_version_ids", SecretId=name, MaxResults=100, **more)
        found += page.get("Versions", ())
        if not page.get("NextToken"):
            break
        more = {"NextToken": page["NextToken"]}
    by_label = {label: each for each in found for label in each.get("VersionStages", ())}
    if "AWSCURRENT" not in by_label:
        raise Unknown(f"secretsmanager: {name} in {region} has no version with the label AWSCURRENT")
    ids = [by_label.get(label, {}).get("VersionId", "") for label in ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")]
    made = by_label["AWSCURRENT"].get("CreatedDate")
    pending = "" if ids[1] == ids[0] else ids[1]  # Secrets Manager leaves the label where a rotation has ended
    return SecretVersions(ids[0], pending, ids[2], made.astimezone(UTC) if made else None)


def make_current(aws: Aws, region: str, name: str, version: str, instead_of: str) -> None:
    """Move the label AWSCURRENT to a version, in the region where the secret is written. No value is read.

    Refused where `instead_of` is not the current version any more: two that move it cannot both succeed.
    """
    aws.call(
        "secretsmanager",
        region,
        "update_secret_version_stage",
        SecretId=name,
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=instead_of,
    )
