"""The global table: its replicas follow each other, hold what cannot be sent, and agree in the end."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

TABLE = "SyncWellMetadata"


def _key(pk: str, sk: str = "0") -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _get(world: SyncWellWorld, region: str, pk: str, sk: str = "0") -> dict[str, Any] | None:
    found: dict[str, Any] | None = (
        world.client("dynamodb", region).get_item(TableName=TABLE, Key=_key(pk, sk)).get("Item")
    )
    return found


def _put(world: SyncWellWorld, region: str, pk: str, said: str) -> None:
    world.client("dynamodb", region).put_item(TableName=TABLE, Item=_key(pk) | {"said": {"S": said}})


def _said(world: SyncWellWorld, region: str, pk: str) -> str | None:
    item = _get(world, region, pk)
    return None if item is None else item["said"]["S"]


def _scan(world: SyncWellWorld, region: str) -> dict[str, dict[str, Any]]:
    pages = world.client("dynamodb", region).get_paginator("scan").paginate(TableName=TABLE)
    return {f"{item['pk']['S']}/{item['sk']['S']}": item for page in pages for item in page["Items"]}


def _latency(world: SyncWellWorld, source: str, target: str, minutes: int = 3) -> list[float]:
    dimensions = [{"Name": "TableName", "Value": TABLE}, {"Name": "ReceivingRegion", "Value": target}]
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ReplicationLatency", "Dimensions": dimensions}
    query = [{"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}]
    values: list[float] = world.data(query, minutes=minutes, region=source)["MetricDataResults"][0]["Values"]
    return values


@pytest.mark.usefixtures("all_users")
def test_the_table_should_be_global_and_say_active_even_while_the_other_region_is_out() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST)
    table = world.client("dynamodb", WEST).describe_table(TableName=TABLE)["Table"]
    assert table["Replicas"] == [{"RegionName": EAST, "ReplicaStatus": "ACTIVE"}]
    assert table["GlobalTableVersion"] == "2019.11.21"
    assert len(_scan(world, WEST)) == 5002


@pytest.mark.parametrize(("here", "there"), [(EAST, WEST), (WEST, EAST)])
def test_a_write_should_arrive_in_the_other_region_within_its_lag(here: str, there: str) -> None:
    world = SyncWellWorld()
    _put(world, here, "PROBE", "hello")
    assert _said(world, here, "PROBE") == "hello"
    assert _said(world, there, "PROBE") is None
    world.sleep(1.2)
    assert _said(world, there, "PROBE") == "hello"


def test_every_way_to_write_should_be_replicated() -> None:
    world = SyncWellWorld()
    client = world.client("dynamodb", EAST)
    _put(world, EAST, "UPDATED", "old")
    _put(world, EAST, "DELETED", "old")
    client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": _key("BATCH")}}]})
    client.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": _key("TRANSACTION")}}])
    world.sleep(3)
    client.update_item(
        TableName=TABLE,
        Key=_key("UPDATED"),
        UpdateExpression="SET said = :said",
        ExpressionAttributeValues={":said": {"S": "new"}},
    )
    client.delete_item(TableName=TABLE, Key=_key("DELETED"))
    world.sleep(3)
    assert _said(world, WEST, "UPDATED") == "new"
    assert _get(world, WEST, "DELETED") is None
    assert _get(world, WEST, "BATCH")
    assert _get(world, WEST, "TRANSACTION")


def test_a_write_that_was_refused_should_not_be_replicated() -> None:
    world = SyncWellWorld()
    _put(world, EAST, "LOCK", "mine")
    world.sleep(2)
    condition = {"TableName": TABLE, "ConditionExpression": "attribute_not_exists(pk)"}
    refused(
        "ConditionalCheckFailedException",
        world.client("dynamodb", EAST).put_item,
        Item=_key("LOCK") | {"said": {"S": "yours"}},
        **condition,
    )
    world.sleep(2)
    assert (_said(world, EAST, "LOCK"), _said(world, WEST, "LOCK")) == ("mine", "mine")


def test_the_later_write_should_win_in_both_regions() -> None:
    world = SyncWellWorld()
    _put(world, EAST, "BOTH", "first")
    _put(world, WEST, "BOTH", "second")
    world.sleep(3)
    assert (_said(world, EAST, "BOTH"), _said(world, WEST, "BOTH")) == ("second", "second")


def test_each_region_should_write_its_canary_each_half_second() -> None:
    world = SyncWellWorld()
    world.sleep(20)
    for region, reader in ((EAST, WEST), (WEST, EAST)):
        first = _get(world, reader, f"CANARY#{region}")
        world.sleep(10)
        second = _get(world, reader, f"CANARY#{region}")
        assert first and second
        passed = datetime.fromisoformat(second["ts"]["S"]) - datetime.fromisoformat(first["ts"]["S"])
        assert passed / 0.5 == timedelta(seconds=int(second["seq"]["N"]) - int(first["seq"]["N"]))
        assert timedelta(seconds=8.5) <= passed <= timedelta(seconds=11.5)


def test_the_canary_of_a_region_should_stop_at_the_fault_and_bound_what_was_lost() -> None:
    world = SyncWellWorld()
    world.sleep(33)
    fault = world.now
    world.broken("region-outage", region=EAST)
    world.sleep(60)
    canary = _get(world, WEST, f"CANARY#{EAST}")
    assert canary is not None
    bound = (fault - datetime.fromisoformat(canary["ts"]["S"])).total_seconds()
    assert 0 <= bound <= 1.7
    assert 0 <= world.truth["replication"]["rpo_seconds"][EAST] <= 1.2


def test_writes_should_be_held_while_a_region_is_away_and_arrive_when_it_is_back() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, duration=5)
    world.sleep(60)
    _put(world, WEST, "HELD", "from the healthy side")
    world.sleep(200)
    truth = world.truth["replication"]
    assert truth["pending"] > truth["lost_if_never_back"] > 0
    world.sleep(70)
    assert _said(world, EAST, "HELD") == "from the healthy side"
    truth = world.truth["replication"]
    assert truth["lost_if_never_back"] == 0
    world.sleep(1.3)
    here, there = _scan(world, WEST), _scan(world, EAST)
    differing = {name for name in here if here[name] != there[name]}
    assert len(differing) <= 4  # what was written in the last second


def test_clearing_the_fault_should_let_the_held_writes_go() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST)
    world.sleep(120)
    assert world.truth["replication"]["pending"] > 20
    world.sandbox.request("DELETE", "/_sandbox/faults")
    world.sleep(25)
    assert world.truth["replication"]["pending"] < 10


def test_held_writes_should_use_the_time_in_which_a_flapping_region_is_back() -> None:
    world = SyncWellWorld().broken("region-flapping", region=EAST, period=120)
    world.sleep(55)
    assert world.truth["replication"]["lost_if_never_back"] > 0
    world.sleep(30)
    assert world.truth["region"]["down"] == []
    assert world.truth["replication"]["pending"] < 10


@pytest.mark.usefixtures("all_users")
def test_late_writes_of_the_region_should_win_over_some_newer_decisions_and_the_truth_should_name_them() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, duration=5)
    fault = "2026-01-05T09:00:00"
    world.sleep(298)
    before = _scan(world, WEST)
    world.sleep(30)
    after = _scan(world, WEST)
    lost = {
        after[name]["pk"]["S"]
        for name in before.keys() & after.keys()
        if name.startswith("USER#")
        and before[name]["Region"]["S"] == WEST
        and before[name]["UpdatedAt"]["S"] > fault
        and after[name]["Region"]["S"] == EAST
        and after[name]["UpdatedAt"]["S"] < "2026-01-05T09:05:00"
    }
    assert lost
    assert lost == set(world.truth["replication"]["overwritten"])


def test_lambda_and_sqs_alone_should_not_stop_replication() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, kind="lambda-sqs")
    _put(world, EAST, "PROBE", "still here")
    world.sleep(1.2)
    assert _said(world, WEST, "PROBE") == "still here"


def test_replication_latency_should_be_published_at_the_source_and_be_silent_when_nothing_is_replicated() -> None:
    world = SyncWellWorld()
    world.sleep(180)
    assert all(300 <= value <= 1200 for value in _latency(world, WEST, EAST))
    assert _latency(world, EAST, EAST) == []
    world.broken("region-outage", region=EAST, duration=6)
    world.sleep(5 * 60)
    assert _latency(world, WEST, EAST) == []
    world.sleep(150)
    assert max(_latency(world, WEST, EAST)) > 30_000  # the late writes, with what they waited


def test_the_state_should_hold_what_was_written_by_hand_and_not_the_life_of_the_table() -> None:
    world = SyncWellWorld()
    before = world.sandbox.request("GET", "/_sandbox/state")[1]
    world.sleep(60)
    assert world.sandbox.request("GET", "/_sandbox/state")[1] == before
    _put(world, EAST, "PROBE", "hello")
    assert world.sandbox.request("GET", "/_sandbox/state")[1]["own"]["dynamodb"][EAST]["PROBE/0"]


@pytest.mark.parametrize("size", [390 * 1024, 400 * 1024])
def test_an_item_should_have_400_kilobytes_at_most(size: int) -> None:
    """Its names count, too."""
    world, item = SyncWellWorld(), _key("LARGE") | {"said": {"S": "x" * (size - 14)}}
    if size < 400 * 1024:
        world.client("dynamodb").put_item(TableName=TABLE, Item=item)
    else:
        item |= {"more": {"S": "y" * 100}}
        refused("ValidationException", world.client("dynamodb").put_item, TableName=TABLE, Item=item)
    assert (_get(world, EAST, "LARGE") is not None) is (size < 400 * 1024)


def test_a_transaction_should_have_four_megabytes_at_most() -> None:
    world = SyncWellWorld()
    items = [_key(f"LARGE#{number}") | {"said": {"S": "x" * 399_000}} for number in range(11)]
    writes = [{"Put": {"TableName": TABLE, "Item": item}} for item in items]
    refused("ValidationException", world.client("dynamodb").transact_write_items, TransactItems=writes)
    assert _get(world, EAST, "LARGE#0") is None
    world.client("dynamodb").transact_write_items(TransactItems=writes[:10])
    assert _get(world, EAST, "LARGE#9") is not None


def test_a_batch_should_leave_out_what_is_more_than_sixteen_megabytes() -> None:
    world = SyncWellWorld()
    client = world.client("dynamodb")
    for number in range(43):
        _put(world, EAST, f"LARGE#{number:02}", "x" * 399_000)
    wanted = {"Keys": [_key(f"LARGE#{number:02}") for number in range(43)], "ConsistentRead": True}
    answer = client.batch_get_item(RequestItems={TABLE: wanted})
    assert len(answer["Responses"][TABLE]) == 42
    assert answer["UnprocessedKeys"] == {TABLE: {"Keys": [_key("LARGE#42")], "ConsistentRead": True}}
    rest = client.batch_get_item(RequestItems=answer["UnprocessedKeys"])
    assert [item["pk"]["S"] for item in rest["Responses"][TABLE]] == ["LARGE#42"]
