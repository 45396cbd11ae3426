"""DynamoDB: point-in-time recovery, to any second of its window.

The state at a moment is every write whose time is not after it, from the write log: the restored table has what was
there then, whatever the source has become. It is CREATING for some minutes, and has of the source's settings only
its keys, indexes, billing and encryption. Simplified: its duration grows with the number of items alone.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.behaviours import Behaviours
from drcore.sandbox.core.outages import ISOLATING, Regions
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware, iso
from drcore.sandbox.identity.guard import Guard
from drcore.sandbox.services.dynamodb.item_operations import tables
from drcore.sandbox.services.dynamodb.replica import Origin, Replica
from drcore.sandbox.services.dynamodb.table_operations import description
from drcore.sandbox.services.dynamodb.tables import Tables

BEHIND = timedelta(minutes=5)
"""How far the latest restorable moment is behind."""
LONGEST = 35
"""Days."""
MOST_RESTORES = 50

_BASE, _EACH = 330.0, 0.03
"""Virtual seconds of a restore, and for each item."""
_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


def window(replica: Replica, now: datetime) -> tuple[datetime, datetime] | None:
    """The earliest and the latest restorable moment; None while point-in-time recovery is off."""
    since = replica.settings.recovery_since
    if since is None:
        return None
    earliest = max(since, now - timedelta(days=replica.settings.recovery_days))
    return _up(earliest), max(_up(earliest), (now - BEHIND).replace(microsecond=0))


def _up(moment: datetime) -> datetime:
    """The next whole second."""
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)


@operation("dynamodb", "DescribeContinuousBackups")
def describe_continuous_backups(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    replica = tables(call).find(call.region, call.params["TableName"])
    if replica is None:
        return _known(call)
    return {"ContinuousBackupsDescription": _backups(replica, call.world.clock.now())}


def _known(call: AwsCall) -> dict[str, Any]:
    try:
        return call.forward()
    except AwsError as error:
        if error.code.startswith("Resource"):
            raise AwsError("TableNotFoundException", f"Table not found: {call.params['TableName']}") from None
        raise


@operation("dynamodb", "UpdateContinuousBackups")
def update_continuous_backups(call: AwsCall) -> dict[str, Any]:
    """As the API; to switch it off and on again begins a new window."""
    replica = tables(call).find(call.region, call.params["TableName"])
    if replica is None:
        return _known(call)
    now, wanted = call.world.clock.now(), call.params["PointInTimeRecoverySpecification"]
    if replica.status(now) == "CREATING":
        raise AwsError(
            "ContinuousBackupsUnavailableException",
            f"Backups are being enabled for the table: {replica.name}. Please retry later",
        )
    days = int(wanted.get("RecoveryPeriodInDays") or LONGEST)
    if not 1 <= days <= LONGEST:
        raise AwsError("ValidationException", f"RecoveryPeriodInDays: expected 1 to {LONGEST}, saw {days}")
    settings = replica.settings
    if not wanted["PointInTimeRecoveryEnabled"]:
        settings.recovery_since = None
    elif settings.recovery_since is None:
        settings.recovery_since = now
    settings.recovery_days = days
    return {"ContinuousBackupsDescription": _backups(replica, now)}


def _backups(replica: Replica, now: datetime) -> dict[str, Any]:
    open_ = window(replica, now)
    description: dict[str, Any] = {"PointInTimeRecoveryStatus": "ENABLED" if open_ else "DISABLED"}
    if open_:
        description |= {
            "RecoveryPeriodInDays": replica.settings.recovery_days,
            "EarliestRestorableDateTime": open_[0],
            "LatestRestorableDateTime": open_[1],
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": description}


@operation("dynamodb", "RestoreTableToPointInTime")
def restore_table_to_point_in_time(call: AwsCall) -> dict[str, Any]:
    """As the API: in this region, from a table here or, by its ARN and with the encryption given, from another."""
    store, now, params = tables(call), call.world.clock.now(), call.params
    target, source = params["TargetTableName"], _source(call)
    if source is None:
        return call.forward()
    if not _NAME.fullmatch(target):
        raise AwsError("ValidationException", f"TargetTableName: expected 3 to 255 of a-zA-Z0-9_.-, saw {target!r}")
    if target in store.backend(call.region).tables:
        raise AwsError("TableAlreadyExistsException", f"Table already exists: {target}")
    moment = _moment(call, source, now)
    if sum(each.region == call.region and _restoring(each, now) for each in store) >= MOST_RESTORES:
        raise AwsError("LimitExceededException", f"Too many restores are under way: {MOST_RESTORES}")
    items = source.at(moment)
    shape = source.shape()
    if params.get("BillingModeOverride"):
        shape["billing_mode"] = params["BillingModeOverride"]
    if params.get("SSESpecificationOverride"):
        shape["sse_specification"] = dict(params["SSESpecificationOverride"])
    made = store.add(call.region, target, shape, source.schema)
    made.history.open_with(items, (moment, source.region))
    made.origin = Origin(source.arn, moment)
    takes = (_BASE + _EACH * len(items)) * call.world.rng("restore", target, call.region).uniform(0.9, 1.1)
    made.busy = ("CREATING", now + timedelta(seconds=takes))
    if call.world.state(Behaviours).word("restore-survives-its-session") == "fails":
        store.later(now + timedelta(seconds=takes / 2), lambda at: _ask_again(call, store, made))
    return {"TableDescription": description(store, made, now)}


def _ask_again(call: AwsCall, store: Tables, made: Replica) -> None:
    """A restore goes on in the name of who began it: where they may not any more, its table is gone."""
    try:
        call.world.state(Guard).admit(call)
    except AwsError:
        store.remove(made)


def _restoring(replica: Replica, now: datetime) -> bool:
    return replica.origin is not None and replica.status(now) == "CREATING"


def _source(call: AwsCall) -> Replica | None:
    """The source; None if it is moto's alone."""
    params, store = call.params, tables(call)
    if bool(params.get("SourceTableName")) == bool(params.get("SourceTableArn")):
        raise AwsError("ValidationException", "Either SourceTableName or SourceTableArn must be specified")
    named = params.get("SourceTableName") or params["SourceTableArn"]
    region = params["SourceTableArn"].split(":")[3] if params.get("SourceTableArn") else call.region
    replica = store.find(region, named)
    if replica is None:
        if region == call.region and named.rpartition("/")[2] in store.backend(region).tables:
            return None
        raise AwsError("TableNotFoundException", f"Table not found: {named}")
    if replica.status(call.world.clock.now()) == "CREATING":
        raise AwsError("TableInUseException", f"Table is being created: {replica.name}")
    if region != call.region:
        if not params.get("SSESpecificationOverride"):
            raise AwsError(
                "ValidationException", "SSESpecificationOverride must be specified for a cross-region restore"
            )
        if call.world.state(Regions).out(region, call.world.clock.now(), ISOLATING):
            raise AwsError("InternalServerError", f"The source region {region} cannot be reached", 500)
    return replica


def _moment(call: AwsCall, source: Replica, now: datetime) -> datetime:
    """The second that is wanted, inside the window."""
    params, open_ = call.params, window(source, now)
    if open_ is None:
        raise AwsError(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{source.name}'",
        )
    latest, given = bool(params.get("UseLatestRestorableTime")), params.get("RestoreDateTime")
    if latest == (given is not None):
        raise AwsError("ValidationException", "Either RestoreDateTime or UseLatestRestorableTime must be specified")
    moment = open_[1] if given is None else aware(given).replace(microsecond=0)
    if not open_[0] <= moment <= open_[1]:
        raise AwsError(
            "InvalidRestoreTimeException",
            f"RestoreDateTime {iso(moment)} is not between the earliest restorable time {iso(open_[0])} and the latest"
            f" {iso(open_[1])}",
        )
    return moment
