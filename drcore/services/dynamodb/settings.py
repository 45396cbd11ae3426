"""DynamoDB: what is set on a table, one region's at a time, what a restore drops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown

# What a status but ACTIVE means for whoever waits: it passes by itself, or does not (and what to do then).
PASSING = frozenset({"CREATING", "UPDATING"})
STAYING = {
    "ARCHIVED": "it was archived, as its key could not be used for a week: restore it from its backup",
    "ARCHIVING": "it is being archived, as its key could not be used for a week: restore it from its backup",
    "CREATION_FAILED": "it could not be made: take it away, and add it again",
    "DELETING": "somebody deletes it",
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS": "its KMS key cannot be used: enable the key, give DynamoDB access to it",
    "REGION_DISABLED": "the region is switched off for this account: switch it on within 20 hours",
    "REPLICATION_NOT_AUTHORIZED": "a policy denies DynamoDB's replication role: allow it within 20 hours",
}


@dataclass(frozen=True, slots=True)
class TableFeatures:
    """A table's stream (the view, empty: none), protection, replicas. An empty status: there is no such table.

    `warm`: the reads and the writes a second that it takes at once, None where it does not say.
    """

    status: str = ""
    stream: str = ""
    protected: bool = False
    replicas: tuple[tuple[str, str], ...] = ()
    warm: tuple[int, int] | None = None


def settings(aws: Aws, region: str, table: str) -> TableFeatures:
    """Raises Unknown, Rejected."""
    try:
        description = aws.call("dynamodb", region, "describe_table", TableName=table)["Table"]
    except Rejected as error:
        if error.code == "ResourceNotFoundException":
            return TableFeatures()
        raise
    stream, warm = description.get("StreamSpecification", {}), description.get("WarmThroughput")
    others = ((each["RegionName"], each.get("ReplicaStatus", "")) for each in description.get("Replicas", ()))
    return TableFeatures(
        status=description["TableStatus"],
        stream=stream.get("StreamViewType", "") if stream.get("StreamEnabled") else "",
        protected=description.get("DeletionProtectionEnabled", False),
        replicas=tuple(sorted(each for each in others if each[0] != region)),
        warm=(warm["ReadUnitsPerSecond"], warm["WriteUnitsPerSecond"]) if warm else None,
    )


def ttl(aws: Aws, region: str, table: str) -> str:
    """The attribute by which items expire; empty where none do. Raises Unknown, Rejected."""
    description = aws.call("dynamodb", region, "describe_time_to_live", TableName=table)["TimeToLiveDescription"]
    status = description["TimeToLiveStatus"]
    if status in ("DISABLED", "DISABLING"):
        return ""
    if status not in ("ENABLED", "ENABLING"):
        raise Unknown(f"dynamodb in {region}: whether items of {table} expire is {status}")
    return str(description["AttributeName"])


def tags(aws: Aws, region: str, arn: str) -> tuple[tuple[str, str], ...]:
    """All tags, sorted. Raises Unknown, Rejected."""
    listed = aws.pages("dynamodb", region, "list_tags_of_resource", "Tags", ResourceArn=arn)
    return tuple(sorted((each["Key"], each["Value"]) for each in listed))


def set_ttl(aws: Aws, region: str, table: str, attribute: str, *, on: bool = True) -> None:
    """Have items expire by an attribute, or no more."""
    aws.call(
        "dynamodb",
        region,
        "update_time_to_live",
        TableName=table,
        TimeToLiveSpecification={"Enabled": on, "AttributeName": attribute},
    )


def set_stream(aws: Aws, region: str, table: str, view: str) -> None:
    """Turn the stream on with a view, or off where it is empty."""
    wanted = {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
    aws.call("dynamodb", region, "update_table", TableName=table, StreamSpecification=wanted)


def protect(aws: Aws, region: str, table: str, *, on: bool = True) -> None:
    """Have the table refuse to be deleted, or no more."""
    aws.call("dynamodb", region, "update_table", TableName=table, DeletionProtectionEnabled=on)


def warm(aws: Aws, region: str, table: str, reads: int, writes: int) -> None:
    """Have a table and its replicas take so much a second at once. It can only be raised; what is added is paid."""
    wanted = {"ReadUnitsPerSecond": reads, "WriteUnitsPerSecond": writes}
    aws.call("dynamodb", region, "update_table", TableName=table, WarmThroughput=wanted)


def tag(aws: Aws, region: str, arn: str, wanted: Mapping[str, str]) -> None:
    """Set some tags; others stay."""
    aws.call(
        "dynamodb",
        region,
        "tag_resource",
        ResourceArn=arn,
        Tags=[{"Key": name, "Value": value} for name, value in wanted.items()],
    )


def untag(aws: Aws, region: str, arn: str, names: list[str]) -> None:
    """Take some tags away."""
    aws.call("dynamodb", region, "untag_resource", ResourceArn=arn, TagKeys=names)


def add_replica(aws: Aws, region: str, table: str, new_region: str, key: str = "") -> None:
    """Begin to add one replica. The table must be ACTIVE, and have a stream of both images.

    A table under a customer's KMS key needs the ARN of a key of the new region, too.
    """
    wanted = [{"Create": {"RegionName": new_region} | ({"KMSMasterKeyId": key} if key else {})}]
    aws.call("dynamodb", region, "update_table", TableName=table, ReplicaUpdates=wanted)
