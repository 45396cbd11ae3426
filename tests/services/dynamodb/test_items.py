"""Many items at once: those that are there, asked for again while DynamoDB leaves some out."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.errors import Unknown
from drcore.services.dynamodb import items, tables
from tests.services.conftest import Edit

EAST, TABLE = "us-east-1", "SyncWellMetadata"


def keys(count: int) -> list[dict[str, dict[str, str]]]:
    return [{"pk": {"S": f"MANY#{number:03}"}, "sk": {"S": "sync"}} for number in range(count)]


@pytest.fixture(scope="module")
def made() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def _many(aws: Aws, made: list[str]) -> None:
    if not made:
        for number in range(130):
            tables.put(aws, EAST, TABLE, {"pk": f"MANY#{number:03}", "sk": "sync"})
        made.append("all")


def test_more_than_a_hundred_are_asked_for_in_parts(aws: Aws, gate: CallGate) -> None:
    found = items.some(aws, EAST, TABLE, keys(130))
    assert {each["pk"]["S"] for each in found} == {f"MANY#{number:03}" for number in range(130)}
    asked = [call for call in gate.made if call.operation == "BatchGetItem"]
    assert [len(call.parameters["RequestItems"][TABLE]["Keys"]) for call in asked] == [100, 30]


def test_what_was_left_out_is_asked_for_again(aws: Aws, edit: Edit) -> None:
    def leave(answer: dict[str, Any]) -> None:
        found = answer["Responses"][TABLE]
        left = [{name: each[name] for name in ("pk", "sk")} for each in found[3:]]
        answer["Responses"][TABLE] = found[:3]
        answer["UnprocessedKeys"] = {TABLE: {"Keys": left}} if left else {}

    edit("dynamodb.BatchGetItem", leave)
    assert len(items.some(aws, EAST, TABLE, keys(10))) == 10


def test_what_is_left_out_for_ever_is_unknown(aws: Aws, edit: Edit) -> None:
    def leave(answer: dict[str, Any]) -> None:
        answer["Responses"] = {}
        answer["UnprocessedKeys"] = {TABLE: {"Keys": keys(2)}}

    edit("dynamodb.BatchGetItem", leave)
    with pytest.raises(Unknown, match="2 keys of SyncWellMetadata are still not answered"):
        items.some(aws, EAST, TABLE, keys(2))


def test_segments_are_the_table_each_item_in_one(aws: Aws) -> None:
    parts = [[each["pk"]["S"] for each in items.segment(aws, EAST, TABLE, number, 4)] for number in range(4)]
    together = [pk for part in parts for pk in part]
    assert len(together) == len(set(together))
    assert set(together) == {each["pk"] for each in tables.items(aws, EAST, TABLE)}
