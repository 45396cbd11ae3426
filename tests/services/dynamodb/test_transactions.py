"""Writes that happen together or not at all: which of them were refused, and once only for a token."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Busy, Rejected
from drcore.services.dynamodb import tables
from drcore.services.dynamodb.transactions import write_together

EAST, TABLE = "us-east-1", "SyncWellMetadata"


def put(number: int, *, new: bool = True) -> tuple[str, dict[str, Any]]:
    item = {"pk": {"S": f"TOGETHER#{number}"}, "sk": {"S": "sync"}}
    condition = {"ConditionExpression": "attribute_not_exists(pk)"} if new else {}
    return "Put", {"TableName": TABLE, "Item": item, **condition}


def count(aws: Aws, number: int) -> dict[str, Any]:
    key = {"pk": {"S": f"TOGETHER#{number}"}, "sk": {"S": "sync"}}
    values = {":one": {"N": "1"}}
    return {"TableName": TABLE, "Key": key, "UpdateExpression": "ADD seq :one", "ExpressionAttributeValues": values}


def found(aws: Aws, number: int) -> dict[str, Any] | None:
    return tables.item(aws, EAST, TABLE, {"pk": f"TOGETHER#{number}", "sk": "sync"}, consistent=True)


def test_all_are_written_or_none_and_it_is_said_which_was_refused(aws: Aws) -> None:
    assert write_together(aws, EAST, [put(1), put(2)], "first") == ()
    assert write_together(aws, EAST, [put(3), put(2), put(4), put(1)], "second") == (1, 3)
    assert found(aws, 3) is None and found(aws, 4) is None


def test_the_same_token_writes_once(aws: Aws) -> None:
    write_together(aws, EAST, [put(5)], "made")
    for _ in range(3):
        assert write_together(aws, EAST, [("Update", count(aws, 5))], "counted") == ()
    item = found(aws, 5)
    assert item and item["seq"] == 1


@pytest.mark.parametrize("reason", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_write_that_is_never_taken_is_named(aws: Aws, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    def cancelled(*_: Any, **__: Any) -> Any:
        raise Rejected(f"cancelled, for specific reasons [None, {reason}]", "TransactionCanceledException")

    monkeypatch.setattr(Aws, "call", cancelled)
    assert write_together(aws, EAST, [put(1), put(2)], "never") == (1,)


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        ("None, TransactionConflict", Busy),
        ("ThrottlingError", Busy),
        ("ProvisionedThroughputExceeded, None", Busy),
        ("SomethingNew", Rejected),
    ],
)
def test_what_passes_is_busy_and_what_does_not_is_rejected(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, reasons: str, error: type[Rejected]
) -> None:
    text = f"dynamodb transact_write_items: Transaction cancelled, please refer … for specific reasons [{reasons}]"

    def cancelled(*_: Any, **__: Any) -> Any:
        raise Rejected(text, "TransactionCanceledException")

    monkeypatch.setattr(Aws, "call", cancelled)
    with pytest.raises(Rejected) as refused:
        write_together(aws, EAST, [put(6)], "third")
    assert type(refused.value) is error
