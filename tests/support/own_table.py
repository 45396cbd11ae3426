"""A table of its own beside SyncWell's: how it is made, written, read whole."""

from datetime import timedelta
from typing import Any

from drcore.sandbox.services.dynamodb.replica import Replica
from drcore.sandbox.services.dynamodb.tables import Tables
from tests.support.syncwell_world import EAST, SyncWellWorld

TABLE = "Keeping"
Typed = dict[str, dict[str, Any]]


def key(pk: str, sk: str = "0") -> Typed:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def item(pk: str, **attributes: str) -> Typed:
    return key(pk) | {name: {"S": value} for name, value in attributes.items()}


def own_table(world: SyncWellWorld, *regions: str, **settings: Any) -> Replica:
    """The table `Keeping` in those regions; its copy in the first."""
    tables = world.sandbox.world.state(Tables)
    tables.create(TABLE, regions or (EAST,), **({"protected": False} | settings))
    return tables[(regions or (EAST,))[0], TABLE]


def seeded(world: SyncWellWorld, number: int, **attributes: str) -> None:
    """That many items, `USER#00000` and so on, there since long ago."""
    stamp = (world.now - timedelta(days=40), EAST)
    users = [(item(f"USER#{index:05d}", **attributes), stamp) for index in range(number)]
    world.sandbox.world.state(Tables).seed(TABLE, users)


def scanned(
    world: SyncWellWorld, table: str = TABLE, region: str = EAST, **params: Any
) -> dict[tuple[str, str], Typed]:
    """All items of a table, page by page; an item that comes twice fails."""
    found: dict[tuple[str, str], Typed] = {}
    for page in world.client("dynamodb", region).get_paginator("scan").paginate(TableName=table, **params):
        for each in page["Items"]:
            where = (each["pk"]["S"], each["sk"]["S"])
            assert where not in found
            found[where] = each
    return found


def active(world: SyncWellWorld, table: str, region: str = EAST) -> dict[str, Any]:
    """The table, when it has become ACTIVE."""
    for _ in range(60):
        told: dict[str, Any] = world.client("dynamodb", region).describe_table(TableName=table)["Table"]
        if told["TableStatus"] == "ACTIVE":
            return told
        world.sleep(20)
    raise AssertionError(f"{table} never became ACTIVE")
