"""DynamoDB: point-in-time recovery, its window, what was restored from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown

LONGEST = 35  # days that a table can be restored to; AWS's own choice where none is named


@dataclass(frozen=True, slots=True)
class RecoveryWindow:
    """Between which seconds a table can be restored, in one region. Both None: recovery is off there.

    `days`: how long what was written can be restored, at the most.
    """

    earliest: datetime | None = None
    latest: datetime | None = None
    days: int = LONGEST

    def holds(self, moment: datetime) -> bool:
        return bool(self.earliest and self.latest and self.earliest <= moment <= self.latest)


@dataclass(frozen=True, slots=True)
class Restored:
    """A table that may have been restored: from which ARN, as of when. An empty status: there is no such table."""

    status: str = ""
    source: str = field(default="", metadata={"label": "restored from"})
    at: datetime | None = field(default=None, metadata={"label": "as of"})
    in_progress: bool = field(default=False, compare=False)


def window(aws: Aws, region: str, table: str) -> RecoveryWindow:
    """Raises Rejected when there is no table, Unknown."""
    answer = aws.call("dynamodb", region, "describe_continuous_backups", TableName=table)
    description = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    status = description["PointInTimeRecoveryStatus"]
    if status == "DISABLED":
        return RecoveryWindow()
    if status != "ENABLED":
        raise Unknown(f"dynamodb in {region}: point-in-time recovery of {table} is {status}")
    return RecoveryWindow(
        _utc(description["EarliestRestorableDateTime"]),
        _utc(description["LatestRestorableDateTime"]),
        description.get("RecoveryPeriodInDays", LONGEST),
    )


def restored(aws: Aws, region: str, table: str) -> Restored:
    """Raises Unknown, Rejected."""
    try:
        table_now = aws.call("dynamodb", region, "describe_table", TableName=table)["Table"]
    except Rejected as error:
        if error.code == "ResourceNotFoundException":
            return Restored()
        raise
    description = table_now.get("RestoreSummary", {})
    at = _utc(description["RestoreDateTime"]) if "RestoreDateTime" in description else None
    return Restored(
        table_now["TableStatus"], description.get("SourceTableArn", ""), at, description.get("RestoreInProgress", False)
    )


def turn(aws: Aws, region: str, table: str, *, on: bool, days: int = LONGEST) -> None:
    """Turn recovery on, for so many days, or off.

    What was written while it was off, or before it was turned off, cannot be restored.
    """
    wanted: dict[str, object] = {"PointInTimeRecoveryEnabled": on} | ({"RecoveryPeriodInDays": days} if on else {})
    aws.call(
        "dynamodb",
        region,
        "update_continuous_backups",
        TableName=table,
        PointInTimeRecoverySpecification=wanted,
    )


def restore(aws: Aws, region: str, source_arn: str, table: str, at: datetime) -> None:
    """Restore into a new table, on demand whatever the source is: provisioned, without scaling, it gets no replica.

    The name is the only guard: there is no client token.
    """
    aws.call(
        "dynamodb",
        region,
        "restore_table_to_point_in_time",
        SourceTableArn=source_arn,
        TargetTableName=table,
        RestoreDateTime=at,
        BillingModeOverride="PAY_PER_REQUEST",
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
