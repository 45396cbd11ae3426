"""Secrets Manager: where a secret lies, with its copies, its versions; new ones. A value is never handed out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Unknown


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as one region sees it: which region it is written in, the state of each copy, the labels.

    `follows`: the secret of another account that it is a replica of, empty: none; `following`: how far it is with that.

    `labels`: each staging label with the version that has it. A version without one can be read by its id only, and
    Secrets Manager removes it in time.
    """

    primary: str
    copies: tuple[tuple[str, str], ...]
    other_accounts: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    follows: str = ""
    following: str = ""

    @property
    def current(self) -> str:
        """The version that a reader gets; empty where none is current."""
        return dict(self.labels).get("AWSCURRENT", "")

    def labels_beside(self, versions: Collection[str]) -> tuple[tuple[str, str], ...]:
        """The labels, with their versions, by which another version than one of these can be read."""
        return tuple((label, held_by) for label, held_by in self.labels if held_by not in versions)


def secret(aws: Aws, region: str, name: str) -> Secret:
    """Where a secret lies. Raises Rejected when there is none, Unknown."""
    answer = aws.call("secretsmanager", region, "describe_secret", SecretId=name)
    copies = tuple(sorted((each["Region"], each["Status"]) for each in answer.get("ReplicationStatus", ())))
    elsewhere = (
        (each["ReplicaSecretARN"], each["ReplicationStatus"]) for each in answer.get("CrossAccountReplicas", ())
    )
    stages = answer.get("VersionIdsToStages", {})
    labels = sorted((label, version) for version, held in stages.items() for label in held)
    follows = answer.get("CrossAccountPrimary", {})
    return Secret(
        answer.get("PrimaryRegion", ""),
        copies,
        tuple(sorted(elsewhere)),
        tuple(labels),
        follows["PrimarySecretARN"] if follows else "",
        follows["ReplicationStatus"] if follows else "",
    )


def is_readable(aws: Aws, region: str, name: str) -> bool:
    """Whether its value can be read in a region; the value itself is dropped. Raises Rejected, Unknown."""
    answer = aws.call("secretsmanager", region, "get_secret_value", SecretId=name)
    return bool(answer.get("SecretString") or answer.get("SecretBinary"))


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
    rows, more = list[Any](), dict[str, str]()
    while True:  # boto3 has no paginator for it
        page = aws.call("secretsmanager", region, "list_secret_version_ids", SecretId=name, MaxResults=100, **more)
        rows += page.get("Versions", ())
        if not page.get("NextToken"):
            break
        more = {"NextToken": page["NextToken"]}
    by_label = {label: each for each in rows for label in each.get("VersionStages", ())}
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


@dataclass(frozen=True, slots=True)
class ListedSecret:
    """A secret as a list shows it: its current version, where it is written (empty: here, or it has no copies).

    A list may be minutes late: what must be so is asked of `versions`.
    """

    name: str
    primary: str
    current: str
    tags: tuple[tuple[str, str], ...] = ()

    def tag(self, key: str) -> str:
        """The value of a tag, empty where it has none of that key."""
        return dict(self.tags).get(key, "")


def listed(aws: Aws, region: str, prefix: str) -> Iterator[ListedSecret]:
    """The secrets of a region whose names begin so, page by page. Raises Rejected, Unknown; never a shorter answer."""
    names = [{"Key": "name", "Values": [prefix]}]
    for secret in aws.pages("secretsmanager", region, "list_secrets", "SecretList", Filters=names):
        if str(secret["Name"]).startswith(prefix):
            yield ListedSecret(
                secret["Name"],
                secret.get("PrimaryRegion", ""),
                _labelled(secret.get("SecretVersionsToStages", {}), "AWSCURRENT"),
                tuple(sorted((tag["Key"], tag["Value"]) for tag in secret.get("Tags", ()))),
            )


def put(aws: Aws, region: str, name: str, text: str, token: str) -> None:
    """Write a new current version, whose id is the token (32 to 64 characters), in the region where it is written.

    The same token with the same text again changes nothing. Raises Busy above the quota that all writes to secrets of
    a region share; Rejected, Unknown.
    """
    aws.call("secretsmanager", region, "put_secret_value", SecretId=name, SecretString=text, ClientRequestToken=token)


def promote(aws: Aws, region: str, name: str) -> None:
    """Make a replica, in its own region, a secret of its own, which takes writes; its primary is not asked.

    There is no way back. It shares the quota of `put`, and raises as that does.
    """
    aws.call("secretsmanager", region, "stop_replication_to_replica", SecretId=name)


def remove_label(aws: Aws, region: str, name: str, label: str, version: str) -> None:
    """Take a staging label from the version that has it, in the region where the secret is written.

    Refused where another version has it by now, and for AWSCURRENT, which can only be moved. It shares the quota of
    `put`, and raises as that does.
    """
    aws.call(
        "secretsmanager",
        region,
        "update_secret_version_stage",
        SecretId=name,
        VersionStage=label,
        RemoveFromVersionId=version,
    )


def _labelled(stages: Mapping[str, Sequence[str]], label: str) -> str:
    return next((version for version, labels in stages.items() if label in labels), "")
