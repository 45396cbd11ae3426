"""Items as plain values, a table's copies by region."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.sandbox.services.dynamodb import scan_operations
from drcore.services.dynamodb import tables
from tests.services.conftest import Edit

EAST, TABLE = "us-east-1", "SyncWellMetadata"


def test_an_item_is_written_read_and_deleted(aws: Aws) -> None:
    key = {"pk": "OURS#1", "sk": "sync"}
    tables.put(aws, EAST, TABLE, {**key, "seq": 7, "lag": 0.5})
    assert tables.item(aws, EAST, TABLE, key, consistent=True) == {**key, "seq": 7, "lag": 0.5}
    for _ in range(2):  # one that is gone already is no error
        tables.delete(aws, EAST, TABLE, key)
    assert tables.item(aws, EAST, TABLE, key, consistent=True) is None


def test_every_kind_of_value_is_plain(aws: Aws) -> None:
    item = {
        "pk": {"S": "OURS#2"},
        "sk": {"S": "sync"},
        "whole": {"N": "12345678901234567890"},
        "part": {"N": "1.5"},
        "tiny": {"N": "1E-7"},
        "flag": {"BOOL": False},
        "none": {"NULL": True},
        "map": {"M": {"list": {"L": [{"N": "1"}, {"NULL": True}]}}},
        "set": {"SS": ["a", "b"]},
    }
    aws.call("dynamodb", EAST, "put_item", TableName=TABLE, Item=item)
    found = tables.item(aws, EAST, TABLE, {"pk": "OURS#2", "sk": "sync"}, consistent=True)
    assert found is not None
    assert {name: found[name] for name in item if name not in ("pk", "sk")} == {
        "whole": 12345678901234567890,
        "part": 1.5,
        "tiny": 1e-07,
        "flag": False,
        "none": None,
        "map": {"list": [1, None]},
        "set": ["a", "b"],
    }


def test_items_since_a_time_are_those_not_less(aws: Aws) -> None:
    everything = [each for each in tables.items(aws, EAST, TABLE) if "UpdatedAt" in each]
    middle = sorted(each["UpdatedAt"] for each in everything)[len(everything) // 2]
    found = list(tables.items(aws, EAST, TABLE, since=("UpdatedAt", middle)))
    assert 0 < len(found) < len(everything)
    assert {each["pk"] for each in found} == {each["pk"] for each in everything if each["UpdatedAt"] >= middle}


def test_a_sample_is_of_so_many_pages_and_says_whether_there_are_more(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {each["pk"] for each in tables.items(aws, EAST, TABLE)}
    whole = tables.sample(aws, EAST, TABLE, 8)
    assert whole.whole and {each["pk"] for each in whole.items} == everything
    monkeypatch.setattr(scan_operations, "PAGE", 1000)
    part = tables.sample(aws, EAST, TABLE, 2)
    assert not part.whole and 0 < len(part.items) < len(everything)


@pytest.mark.parametrize("size", [10**9, 10**12])
def test_a_large_table_is_read_by_segments_side_by_side(aws: Aws, edit: Edit, size: int) -> None:
    asked: list[Any] = []
    aws.session.events.register("provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params))
    everything = {each["pk"] for each in tables.items(aws, EAST, TABLE)}
    assert [each.get("TotalSegments") for each in asked] == [None]
    edit("dynamodb.DescribeTable", lambda answer: answer["Table"].update(TableSizeBytes=size))
    asked.clear()
    assert {each["pk"] for each in tables.items(aws, EAST, TABLE)} == everything
    assert sorted(each["Segment"] for each in asked) == list(range(15 if size == 10**9 else 16))


def test_a_replica_that_is_not_said_to_be_active_is_not(aws: Aws, edit: Edit) -> None:
    assert dict(tables.replicas(aws, EAST, TABLE).status) == {"us-east-1": "ACTIVE", "us-west-2": "ACTIVE"}

    def forget(answer: dict[str, Any]) -> None:
        for each in answer["Table"]["Replicas"]:
            each.pop("ReplicaStatus", None)

    edit("dynamodb.DescribeTable", forget)
    assert dict(tables.replicas(aws, EAST, TABLE).status)["us-west-2"] == ""
