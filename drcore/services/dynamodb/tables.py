"""DynamoDB: items of a global table, one region's copy at a time; its replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from drcore.calls.aws import Aws

Typed = Mapping[str, Mapping[str, Any]]
Item = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Replicas:
    """A global table's version, and the status of its replica in each region. ACTIVE says nothing about lag."""

    version: str
    status: tuple[tuple[str, str], ...]


def item(aws: Aws, region: str, table: str, key: Item, *, consistent: bool = False) -> dict[str, Any] | None:
    """One item as plain values, None when there is none. Raises Rejected, Unknown."""
    found = aws.call("dynamodb", region, "get_item", TableName=table, Key=_typed(key), ConsistentRead=consistent)
    return _plain(found["Item"]) if "Item" in found else None


def items(aws: Aws, region: str, table: str, *, since: tuple[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """All items, page after page, or those whose attribute is not less than a value (`since`).

    The whole table is read either way, and the others are left behind there. Read past boto3's parser, which takes
    ten times as long; binary values stay base64. Raises Rejected, Unknown; never a shorter answer.
    """
    narrowed: dict[str, Any] = {}
    if since:
        narrowed["FilterExpression"] = "#attribute >= :least"
        narrowed["ExpressionAttributeNames"] = {"#attribute": since[0]}
        narrowed["ExpressionAttributeValues"] = _typed({":least": since[1]})
    # Half the price of a consistent read; what is behind is asked for again.
    for found in aws.scan_raw(region, table, 0, 1, page, consistent=False, **narrowed):
        yield from map(_plain, found)


def page(body: bytes) -> tuple[list[Typed], dict[str, Any]]:
    """The items of a scan's page, and the answer without them. Raises ValueError where it is none."""
    answer = orjson.loads(body)
    if "Items" not in answer:
        raise ValueError("a page of a scan without its items")
    return answer.pop("Items"), answer | {"Items": []}


def replicas(aws: Aws, region: str, table: str) -> Replicas:
    """The replicas as one region sees them, its own among them. Raises Rejected, Unknown."""
    found = aws.call("dynamodb", region, "describe_table", TableName=table)["Table"]
    status = {region: found["TableStatus"]}
    status |= {each["RegionName"]: each.get("ReplicaStatus", "") for each in found.get("Replicas", ())}
    return Replicas(found.get("GlobalTableVersion", ""), tuple(sorted(status.items())))


def put(aws: Aws, region: str, table: str, item: Item) -> None:
    """Write one item whole."""
    aws.call("dynamodb", region, "put_item", TableName=table, Item=_typed(item))


def delete(aws: Aws, region: str, table: str, key: Item) -> None:
    """Delete one item; one that is gone already is no error."""
    aws.call("dynamodb", region, "delete_item", TableName=table, Key=_typed(key))


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
