"""DynamoDB: items of a global table, one region's copy at a time; its replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drcore.aws import Aws
from drcore.errors import Busy, Rejected, Unknown

Typed = Mapping[str, Mapping[str, Any]]  # an item, or a key, as DynamoDB has it
Item = Mapping[str, str | int | float]

WRITTEN_TOGETHER = 100  # so many writes a transaction may hold, by AWS's limits
_READ_AT_ONCE = 100  # keys of one BatchGetItem, by AWS's limits
_PARTS = 20  # an answer that comes in more parts than this is throttled for good
_PASSING = re.compile("TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded")


@dataclass(frozen=True, slots=True)
class Replicas:
    """A global table's version, and the status of its replica in each region. ACTIVE says nothing about lag."""

    version: str
    status: tuple[tuple[str, str], ...]


def item(aws: Aws, region: str, table: str, key: Item, *, consistent: bool = False) -> dict[str, Any] | None:
    """One item as plain values, None when there is none. Raises Rejected, Unknown."""
    found = aws.call("dynamodb", region, "get_item", TableName=table, Key=_typed(key), ConsistentRead=consistent)
    return _plain(found["Item"]) if "Item" in found else None


def items(aws: Aws, region: str, table: str) -> Iterator[dict[str, Any]]:
    """All items, page after page. Raises Rejected, Unknown; never a shorter answer."""
    return map(_plain, aws.pages("dynamodb", region, "scan", "Items", TableName=table))


def replicas(aws: Aws, region: str, table: str) -> Replicas:
    """The replicas as one region sees them, its own among them. Raises Rejected, Unknown."""
    found = aws.call("dynamodb", region, "describe_table", TableName=table)["Table"]
    status = {region: found["TableStatus"]}
    status |= {each["RegionName"]: each.get("ReplicaStatus", "") for each in found.get("Replicas", ())}
    return Replicas(found.get("GlobalTableVersion", ""), tuple(sorted(status.items())))


def typed_items(aws: Aws, region: str, table: str) -> Iterator[Typed]:
    """All items as DynamoDB has them, strongly consistent. Raises Rejected, Unknown; never a shorter answer."""
    return aws.pages("dynamodb", region, "scan", "Items", TableName=table, ConsistentRead=True)


def some(aws: Aws, region: str, table: str, keys: Sequence[Typed]) -> list[Typed]:
    """The items of some keys as DynamoDB has them, strongly consistent; those that are not there are left out.

    Raises Rejected, Unknown; Unknown too where DynamoDB goes on answering only a part.
    """
    found: list[Typed] = []
    for first in range(0, len(keys), _READ_AT_ONCE):
        asked = {table: {"Keys": list(keys[first : first + _READ_AT_ONCE]), "ConsistentRead": True}}
        for _ in range(_PARTS):
            answer = aws.call("dynamodb", region, "batch_get_item", RequestItems=asked)
            found += answer["Responses"].get(table, [])
            asked = answer.get("UnprocessedKeys") or {}
            if not asked:
                break
        else:
            raise Unknown(f"dynamodb batch_get_item in {region}: {table} goes on answering only a part")
    return found


def put(aws: Aws, region: str, table: str, item: Item) -> None:
    """Write one item whole."""
    aws.call("dynamodb", region, "put_item", TableName=table, Item=_typed(item))


def delete(aws: Aws, region: str, table: str, key: Item) -> None:
    """Delete one item; one that is gone already is no error."""
    aws.call("dynamodb", region, "delete_item", TableName=table, Key=_typed(key))


def write_together(aws: Aws, region: str, writes: Sequence[tuple[str, Mapping[str, Any]]], token: str) -> bool:
    """Up to 100 writes, all or none, each under its condition. False: one condition did not hold, nothing was written.

    `writes` are pairs such as `("Update", {…})`. Raises Busy where somebody else was writing to one of the items.
    """
    items = [{operation: dict(parameters)} for operation, parameters in writes]
    try:
        aws.call("dynamodb", region, "transact_write_items", TransactItems=items, ClientRequestToken=token)
    except Rejected as error:
        if error.code != "TransactionCanceledException":
            raise
        if "ConditionalCheckFailed" in str(error):
            return False
        raise (Busy if _PASSING.search(str(error)) else Rejected)(str(error), error.code) from error
    return True


def _typed(item: Item) -> dict[str, dict[str, str]]:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in item.items()}


def _plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: _value(next(iter(value.items()))) for name, value in item.items()}


def _value(pair: tuple[str, Any]) -> Any:
    kind, value = pair
    match kind:
        case "N":
            return float(value) if "." in value or "e" in value.lower() else int(value)
        case "M":
            return _plain(value)
        case "L":
            return [_value(next(iter(each.items()))) for each in value]
        case "NULL":
            return None
    return value
