"""Scans and queries: complete across pages and segments, whatever is written meanwhile."""

from typing import Any

import pytest

from drcore.sandbox.services.dynamodb.items import Stored
from tests.support.own_table import TABLE, item, key, own_table, scanned, seeded
from tests.support.syncwell_world import EAST, SyncWellWorld, refused


@pytest.mark.parametrize("total", [1, 2, 3, 7])
@pytest.mark.parametrize("limit", [None, 1, 13])
def test_segments_should_share_the_items_and_miss_none(total: int, limit: int | None) -> None:
    world = SyncWellWorld()
    own_table(world)
    seeded(world, 60)
    paging: dict[str, Any] = {"Limit": limit} if limit else {}
    parts = [scanned(world, Segment=index, TotalSegments=total, **paging) for index in range(total)]
    assert sum(map(len, parts)) == 60
    assert len({where for part in parts for where in part}) == 60


def test_a_page_should_end_at_a_megabyte_and_the_next_begin_behind_it() -> None:
    world = SyncWellWorld()
    own_table(world)
    seeded(world, 30, said="x" * 90_000)
    first = world.client("dynamodb").scan(TableName=TABLE)
    assert first["Count"] == first["ScannedCount"] == 11
    assert first["LastEvaluatedKey"] == {name: first["Items"][-1][name] for name in ("pk", "sk")}
    assert len(scanned(world)) == 30


def test_a_scan_should_go_on_behind_a_key_that_was_deleted_meanwhile() -> None:
    world = SyncWellWorld()
    own_table(world)
    seeded(world, 20)
    client = world.client("dynamodb")
    first = client.scan(TableName=TABLE, Limit=7)
    client.delete_item(TableName=TABLE, Key=first["LastEvaluatedKey"])
    client.put_item(TableName=TABLE, Item=item("ADDED"))
    rest = client.scan(TableName=TABLE, ExclusiveStartKey=first["LastEvaluatedKey"])["Items"]
    assert len({each["pk"]["S"] for each in [*first["Items"], *rest]} - {"ADDED"}) == 20


def test_items_of_every_type_should_come_back_as_they_were_written() -> None:
    world = SyncWellWorld()
    own_table(world)
    written = key("TYPES") | {
        "S": {"S": "ünï\u2028"},
        "N": {"N": "1.50"},
        "B": {"B": b"\x00\xff"},
        "SS": {"SS": ["b", "a"]},
        "NS": {"NS": ["2", "1"]},
        "BS": {"BS": [b"1"]},
        "M": {"M": {"a": {"L": [{"B": b"\x01"}, {"NULL": True}]}}},
        "L": {"L": [{"BOOL": False}, {"M": {}}]},
        "E": {"S": ""},
    }
    client = world.client("dynamodb")
    client.put_item(TableName=TABLE, Item=written)
    for found in (
        client.get_item(TableName=TABLE, Key=key("TYPES"))["Item"],
        client.scan(TableName=TABLE)["Items"][0],
    ):
        for name in ("SS", "NS"):
            found[name][name] = sorted(found[name][name], reverse=True)
        assert found == written


def test_a_filter_and_a_projection_should_cut_a_page_and_not_the_table() -> None:
    world = SyncWellWorld()
    own_table(world)
    seeded(world, 40, said="no")
    client = world.client("dynamodb")
    for number in (3, 33):
        client.put_item(TableName=TABLE, Item=item(f"USER#{number:05d}", said="yes", more="…"))
    shaping: dict[str, Any] = {
        "FilterExpression": "said = :yes",
        "ProjectionExpression": "pk, sk, more",
        "ExpressionAttributeValues": {":yes": {"S": "yes"}},
    }
    page = client.scan(TableName=TABLE, Limit=10, **shaping)
    assert page["ScannedCount"] == 10
    assert page["LastEvaluatedKey"]
    assert scanned(world, Limit=10, **shaping) == {
        (f"USER#{number:05d}", "0"): item(f"USER#{number:05d}", more="…") for number in (3, 33)
    }
    assert sum(client.scan(TableName=TABLE, Select="COUNT", Segment=i, TotalSegments=2)["Count"] for i in (0, 1)) == 40


def test_a_query_should_find_the_items_of_its_partition() -> None:
    world = SyncWellWorld()
    replica = own_table(world)
    seeded(world, 5)
    for sort in ("b", "a", "c"):
        replica.seed(Stored(key("MANY", sort)), (world.now, EAST))
    client = world.client("dynamodb")
    named = {"ExpressionAttributeValues": {":pk": {"S": "MANY"}, ":sk": {"S": "b"}}}
    found = client.query(TableName=TABLE, KeyConditionExpression="pk = :pk AND sk >= :sk", **named)["Items"]
    assert [each["sk"]["S"] for each in found] == ["b", "c"]


def test_a_segment_that_does_not_exist_should_be_refused() -> None:
    world = SyncWellWorld()
    own_table(world)
    scan = world.client("dynamodb").scan
    refused("ValidationException", scan, TableName=TABLE, Segment=2, TotalSegments=2)
    refused("ResourceNotFoundException", scan, TableName="Nothing")
