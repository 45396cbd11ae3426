"""A world whose workers have corrupted the users' data, and what a test asks of it."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

from drcore.sandbox.services.dynamodb.tables import Tables
from tests.support.syncwell_world import EAST, SyncWellWorld

TABLE, FAULT, FAULTY = "SyncWellMetadata", "data-corruption", "worker/2026.01.2"
ROLES = ("syncwell-lambda", "syncwell-worker", "syncwell-events")


def corrupted(seed: int = 7, **options: object) -> SyncWellWorld:
    return SyncWellWorld(seed).broken(FAULT, **options)


def truth_of(world: SyncWellWorld) -> dict[str, Any]:
    document: dict[str, Any] = world.truth["corruption"]
    return document


def items_of(world: SyncWellWorld, region: str = EAST, table: str = TABLE) -> dict[str, dict[str, Any]]:
    tables = world.sandbox.world.state(Tables)
    tables.catch_up(world.now)
    return {"/".join(key): item for key, item in tables[region, table].items()}


def writes_since(world: SyncWellWorld, since: datetime, region: str = EAST, table: str = TABLE) -> Counter[str]:
    """The writes of a region itself since then, by who signed them, or by role where nobody signed."""
    entries = world.sandbox.world.state(Tables)[region, table].log
    mine = [entry for entry in entries if entry.at > since and not entry.replicated]
    return Counter(_signature(entry.before, entry.after) or entry.by or "" for entry in mine)


def _signature(before: Any, after: Any) -> str:
    if after is None or "Writers" not in after or (before or {}).get("Revision") == after.get("Revision"):
        return ""
    return str(after["Writers"]["L"][-1]["S"]).partition("/")[0]


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def minute_values(
    world: SyncWellWorld, namespace: str, metric: str, stat: str, minutes: int, region: str = EAST, **named: str
) -> list[float]:
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    query = {"Id": "asked", "MetricStat": {"Metric": wanted, "Period": 60, "Stat": stat}}
    values: list[float] = world.data([query], minutes=minutes, region=region)["MetricDataResults"][0]["Values"]
    return values


def scale(world: SyncWellWorld, region: str, desired: int) -> None:
    world.client("application-autoscaling", region).register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/syncwell/syncwell-worker",
        ScalableDimension="ecs:service:DesiredCount",
        SuspendedState=dict.fromkeys(
            ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), True
        ),
    )
    world.client("ecs", region).update_service(cluster="syncwell", service="syncwell-worker", desiredCount=desired)


def deny(world: SyncWellWorld, region: str, roles: tuple[str, ...] = ROLES) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": [f"arn:aws:iam::123456789012:role/{role}" for role in roles]},
        "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
        "Resource": f"arn:aws:dynamodb:{region}:123456789012:table/{TABLE}",
    }
    world.client("dynamodb", region).put_resource_policy(
        ResourceArn=f"arn:aws:dynamodb:{region}:123456789012:table/{TABLE}",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
