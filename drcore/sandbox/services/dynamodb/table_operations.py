"""DynamoDB: what a table is beside its items: its status, replicas, stream, protection, time to live, tags.

Simplified: a table that is made with provisioned capacity or indexes is moto's alone, a table is deleted at once, an
item whose time to live is over stays, the contents of a stream cannot be read, indexes of a table that lives here
cannot be changed, and a table whose capacity is scaled has the same all the time.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.services.applicationautoscaling import writes_scale
from drcore.sandbox.services.dynamodb.item_operations import tables
from drcore.sandbox.services.dynamodb.replica import Replica, ReplicaSettings
from drcore.sandbox.services.dynamodb.tables import Tables

STREAM_TAKES = timedelta(seconds=5)
WARM_TAKES = timedelta(minutes=4)
TTL_TAKES = timedelta(minutes=1)
CREATION_TAKES = (5.0, 10.0)
REPLICA_TAKES = (150.0, 270.0)
"""Virtual seconds until a new replica is ACTIVE, from … to …"""
_KEYS = ("HASH", "RANGE")
SOURCE_KEPT = timedelta(hours=24)
"""How long the table that a replica was made from cannot be deleted."""


@operation("dynamodb", "DescribeTable")
def describe_table(call: AwsCall) -> dict[str, Any]:
    """As the API; a replica says ACTIVE whether its region can be reached or not, as on AWS."""
    store = tables(call)
    replica = store.find(call.region, call.params["TableName"])
    return call.forward() if replica is None else {"Table": description(store, replica, call.world.clock.now())}


def description(store: Tables, replica: Replica, now: datetime) -> dict[str, Any]:
    """A table as DescribeTable tells it."""
    fields = dict(replica.table.describe()["TableDescription"])
    fields |= {
        "TableStatus": replica.status(now),
        "ItemCount": replica.counted(now),
        "TableSizeBytes": replica.history.size,
        "CreationDateTime": aware(fields["CreationDateTime"]),
        "TableId": replica.id,
    }
    if replica.origin:
        fields["RestoreSummary"] = {
            "SourceTableArn": replica.origin.source_arn,
            "RestoreDateTime": replica.origin.moment,
            "RestoreInProgress": fields["TableStatus"] == "CREATING",
        }
    if replica.settings.storage != "STANDARD":
        fields["TableClassSummary"] = {"TableClass": replica.settings.storage}
    others = [store[region, replica.name] for region in sorted(replica.members - {replica.region})]
    if others:
        fields |= {
            "GlobalTableVersion": "2019.11.21",
            "MultiRegionConsistency": "STRONG" if replica.settings.strong else "EVENTUAL",
            "Replicas": [_member(other, now) for other in others],
        }
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _member(other: Replica, now: datetime) -> dict[str, Any]:
    status = other.status(now)
    return {"RegionName": other.region, "ReplicaStatus": status if status in ("CREATING", "DELETING") else "ACTIVE"}


@operation("dynamodb", "CreateTable")
def create_table(call: AwsCall) -> dict[str, Any]:
    """As the API; it is CREATING for some seconds."""
    params, store, now = call.params, tables(call), call.world.clock.now()
    answer: dict[str, Any] = call.forward()
    indexed = params.get("GlobalSecondaryIndexes") or params.get("LocalSecondaryIndexes")
    if params.get("BillingMode") != "PAY_PER_REQUEST" or indexed:
        return answer
    keys = {each["KeyType"]: each["AttributeName"] for each in params["KeySchema"]}
    made = store.take_over(call.region, params["TableName"], tuple(keys[kind] for kind in _KEYS if kind in keys))
    made.settings.tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    takes = call.world.rng("table", call.region, made.name, now).uniform(*CREATION_TAKES)
    made.busy = ("CREATING", now + timedelta(seconds=takes))
    return {"TableDescription": description(store, made, now)}


@operation("dynamodb", "UpdateTable")
def update_table(call: AwsCall) -> dict[str, Any]:
    """As the API: a table that is still at a change takes no other; one replica at a time."""
    replica = settled(call, call.params["TableName"])
    if replica is None:
        return call.forward()
    params, store = call.params, tables(call)
    if params.get("GlobalSecondaryIndexUpdates") or params.get("AttributeDefinitions"):
        raise AwsError("NotImplemented", "not in the sandbox: changes of indexes", 501)
    table, updates = replica.table, params.get("ReplicaUpdates") or []
    kinds = (
        updates,
        params.get("StreamSpecification"),
        params.get("BillingMode") or params.get("ProvisionedThroughput"),
    )
    if len(updates) > 1 or sum(map(bool, kinds)) > 1:
        raise AwsError("ValidationException", "UpdateTable makes one change of replicas, stream or capacity at a time")
    for update in updates:
        _update_replica(call, replica, update)
    if params.get("StreamSpecification"):
        _update_stream(call, replica, params["StreamSpecification"])
    if "DeletionProtectionEnabled" in params:
        table.deletion_protection_enabled = bool(params["DeletionProtectionEnabled"])
    if params.get("TableClass"):
        replica.settings.storage = params["TableClass"]
    if params.get("SSESpecification"):
        table.sse_specification = dict(params["SSESpecification"])
    if params.get("BillingMode"):
        table.billing_mode = params["BillingMode"]
    if params.get("ProvisionedThroughput"):
        table.throughput = dict(params["ProvisionedThroughput"]) | {"NumberOfDecreasesToday": 0}
    if params.get("WarmThroughput"):
        _warm(call, replica, params["WarmThroughput"])
    return {"TableDescription": description(store, replica, call.world.clock.now())}


def _warm(call: AwsCall, replica: Replica, wanted: Mapping[str, Any]) -> None:
    """For all replicas; it takes a while, and is never lowered."""
    store, now = tables(call), call.world.clock.now()
    has = replica.table.warm_throughput
    if any(int(value) < has[name] for name, value in wanted.items()):
        raise AwsError("ValidationException", "Requested WarmThroughput is lower than the current one of the table")
    for region in replica.members:
        member = store[region, replica.name]
        member.table.warm_throughput |= dict(wanted)
        member.busy = ("UPDATING", now + WARM_TAKES)


def _update_stream(call: AwsCall, replica: Replica, wanted: Mapping[str, Any]) -> None:
    on, now = bool(wanted["StreamEnabled"]), call.world.clock.now()
    if on == streams(replica):
        state = "already has an enabled stream" if on else "has no stream to disable"
        raise AwsError("ValidationException", f"Table {state}: TableName: {replica.name}")
    if not on and len(replica.members) > 1:
        raise AwsError("ValidationException", "The stream of a table with replicas cannot be disabled")
    tables(call).stream(replica, on, wanted.get("StreamViewType", ""))
    replica.busy = ("UPDATING", now + STREAM_TAKES)


def streams(replica: Replica) -> bool:
    """Whether the table has a stream."""
    return bool((replica.table.stream_specification or {}).get("StreamEnabled"))


def _update_replica(call: AwsCall, replica: Replica, update: Mapping[str, Any]) -> None:
    if update.get("Create"):
        _create_replica(call, replica, update["Create"]["RegionName"], update["Create"].get("KMSMasterKeyId", ""))
    elif update.get("Delete"):
        _delete_replica(call, replica, update["Delete"]["RegionName"])


def _create_replica(call: AwsCall, replica: Replica, region: str, key: str) -> None:
    """Make the copy: it has the items at once, and is CREATING while a real one would be filled."""
    store, now = tables(call), call.world.clock.now()
    if region in replica.members or region not in call.world.regions:
        raise AwsError("ValidationException", f"Failed to create a the new replica of table in region {region}")
    if replica.name in store.backend(region).tables:
        raise AwsError("ValidationException", f"Table {replica.name} already exists in region {region}")
    if replica.table.billing_mode == "PROVISIONED" and not writes_scale(call, replica.name):
        raise AwsError("ValidationException", "Table write capacity should either be Pay-Per-Request or AutoScaled.")
    view = (replica.table.stream_specification or {}).get("StreamViewType")
    if view != "NEW_AND_OLD_IMAGES":
        raise AwsError("ValidationException", "Table must have streams enabled with StreamViewType NEW_AND_OLD_IMAGES")
    shape = replica.shape() | {"warm_throughput": dict(replica.table.warm_throughput)}
    if (shape["sse_specification"] or {}).get("KMSMasterKeyId"):
        if not key:
            raise AwsError("ValidationException", "KMSMasterKeyId must be specified for each replica.")
        shape["sse_specification"] |= {"KMSMasterKeyId": key}
    made = store.add(region, replica.name, shape, replica.schema)
    made.history.open_with(dict(replica.history.now), (now, replica.region))
    made.settings = ReplicaSettings(ttl=replica.settings.ttl, ttl_settled=replica.settings.ttl_settled)
    store.stream(made, True)
    ready = now + timedelta(seconds=call.world.rng("replica", replica.name, region, now).uniform(*REPLICA_TAKES))
    made.busy, replica.busy, replica.replicated_at = ("CREATING", ready), ("UPDATING", ready), now
    replica.members.add(region)
    made.members = replica.members


def _delete_replica(call: AwsCall, replica: Replica, region: str) -> None:
    store, now = tables(call), call.world.clock.now()
    if region not in replica.members or region == replica.region:
        raise AwsError("ReplicaNotFoundException", f"Table {replica.name} has no replica in region {region}")
    _remove(store, store[region, replica.name], now)
    replica.busy = ("UPDATING", now + STREAM_TAKES)


def _remove(store: Tables, replica: Replica, now: datetime) -> None:
    if replica.table.deletion_protection_enabled:
        raise AwsError(
            "ValidationException",
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection"
            " first.",
        )
    if replica.replicated_at and now - replica.replicated_at < SOURCE_KEPT:
        raise AwsError(
            "ValidationException",
            "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the"
            " table in the last 24 hours",
        )
    store.remove(replica)


@operation("dynamodb", "DeleteTable")
def delete_table(call: AwsCall) -> dict[str, Any]:
    """As the API; of a global table, this region's replica."""
    replica = settled(call, call.params["TableName"])
    if replica is None:
        return call.forward()
    store, now = tables(call), call.world.clock.now()
    fields = description(store, replica, now) | {"TableStatus": "DELETING"}
    _remove(store, replica, now)
    return {"TableDescription": fields}


def settled(call: AwsCall, name: str) -> Replica | None:
    """A table that can be changed; None if it is moto's alone. Raises AwsError while a change is under way."""
    replica = tables(call).find(call.region, name)
    status = replica.status(call.world.clock.now()) if replica else "ACTIVE"
    if replica and status != "ACTIVE":
        doing = "created" if status == "CREATING" else "updated"
        raise AwsError(
            "ResourceInUseException",
            f"Attempt to change a resource which is still in use: Table is being {doing}: {replica.name}",
        )
    return replica


@operation("dynamodb", "UpdateTimeToLive")
def update_time_to_live(call: AwsCall) -> dict[str, Any]:
    """As the API, for all replicas; the change is in force a minute later."""
    replica, wanted = settled(call, call.params["TableName"]), call.params["TimeToLiveSpecification"]
    if replica is None:
        return call.forward()
    now = call.world.clock.now()
    if replica.settings.ttl_settled and now < replica.settings.ttl_settled:
        raise AwsError("ValidationException", "Time to live has been modified multiple times within a fixed interval")
    if bool(wanted["Enabled"]) == bool(replica.settings.ttl):
        state = "enabled" if wanted["Enabled"] else "disabled"
        raise AwsError("ValidationException", f"TimeToLive is already {state}")
    for region in replica.members:
        settings = tables(call)[region, replica.name].settings
        settings.ttl = wanted["AttributeName"] if wanted["Enabled"] else ""
        settings.ttl_settled = now + TTL_TAKES
    return {"TimeToLiveSpecification": dict(wanted)}


@operation("dynamodb", "DescribeTimeToLive")
def describe_time_to_live(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    replica = tables(call).find(call.region, call.params["TableName"])
    if replica is None:
        return call.forward()
    settings, now = replica.settings, call.world.clock.now()
    changing = settings.ttl_settled is not None and now < settings.ttl_settled
    stem = "ENABL" if settings.ttl else "DISABL"
    fields = {"TimeToLiveStatus": stem + ("ING" if changing else "ED")}
    return {"TimeToLiveDescription": fields | ({"AttributeName": settings.ttl} if settings.ttl else {})}


@operation("dynamodb", "TagResource")
def tag_resource(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    replica = settled(call, call.params["ResourceArn"])
    if replica is None:
        return call.forward()
    replica.settings.tags |= {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
    return {}


@operation("dynamodb", "UntagResource")
def untag_resource(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    replica = settled(call, call.params["ResourceArn"])
    if replica is None:
        return call.forward()
    for name in call.params["TagKeys"]:
        replica.settings.tags.pop(name, None)
    return {}


@operation("dynamodb", "ListTagsOfResource")
def list_tags_of_resource(call: AwsCall) -> dict[str, Any]:
    """As the API, on one page."""
    replica = tables(call).find(call.region, call.params["ResourceArn"])
    if replica is None:
        return call.forward()
    return {"Tags": [{"Key": name, "Value": value} for name, value in sorted(replica.settings.tags.items())]}
