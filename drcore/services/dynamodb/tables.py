"""DynamoDB: items of a global table, one region's copy at a time; its replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from drcore.calls.aws import Aws
from drcore.errors import Unknown

_SEGMENT, _AT_ONCE = 64 << 20, 16  # bytes of a table that a reader has, readers at most

Typed = Mapping[str, Mapping[str, Any]]
Item = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class TableSample:
    """Items of a range of the keys' hash; `whole`: there are no others."""

    items: tuple[Mapping[str, Any], ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Replicas:
    """A global table's version, and the status of its replica in each region. ACTIVE says nothing about lag."""

    version: str
    status: tuple[tuple[str, str], ...]


def item(aws: Aws, region: str, table: str, key: Item, *, consistent: bool = False) -> dict[str, Any] | None:
    """One item as plain values, None when there is none. Raises Rejected, Unknown."""
    answer = aws.call("dynamodb", region, "get_item", TableName=table, Key=_typed(key), ConsistentRead=consistent)
    return _plain(answer["Item"]) if "Item" in answer else None


def items(aws: Aws, region: str, table: str, *, since: tuple[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """All items, or those whose attribute is not less than a value (`since`).

    The whole table is read either way, and the others are left behind there: not where users wait for it (`sample`).
    A large table is read by segments, side by side. Read past boto3's parser, which takes ten times as long; binary
    values stay base64. Raises Rejected, Unknown; never a shorter answer.
    """
    segments = _segments(aws, region, table)

    def read(segment: int) -> list[dict[str, Any]]:
        # Half the price of a consistent read; what is behind is asked for again.
        pages = aws.scan_raw(region, table, segment, segments, page, consistent=False, **_narrowed(since))
        return [_plain(item) for items in pages for item in items]

    if segments == 1:
        yield from read(0)
        return
    with ThreadPoolExecutor(segments) as pool:
        for items in pool.map(read, range(segments)):
            yield from items


def sample(aws: Aws, region: str, table: str, pages: int, *, since: tuple[str, str] | None = None) -> TableSample:
    """The items of the first pages of a table (of at most 1 MiB each), narrowed as `items` are; the same each time.

    A table of any size costs so many requests at most. Raises Rejected, Unknown.
    """
    more = False

    def read(body: bytes) -> tuple[list[Typed], dict[str, Any]]:
        nonlocal more
        items, left = page(body)
        more = bool(left.get("LastEvaluatedKey"))
        return items, left

    parts = aws.scan_raw(region, table, 0, 1, read, consistent=False, **_narrowed(since))
    items = tuple(_plain(item) for items in islice(parts, pages) for item in items)
    return TableSample(items, not more)


def _segments(aws: Aws, region: str, table: str) -> int:
    """In how many segments a table is read, by its size, which AWS measures every six hours or so."""
    try:
        size = int(aws.call("dynamodb", region, "describe_table", TableName=table)["Table"].get("TableSizeBytes", 0))
    except Unknown:  # the control plane, which knows it, is silent
        return _AT_ONCE
    return min(_AT_ONCE, 1 + max(0, size) // _SEGMENT)


def _narrowed(since: tuple[str, str] | None) -> dict[str, Any]:
    if since is None:
        return {}
    return {
        "FilterExpression": "#attribute >= :least",
        "ExpressionAttributeNames": {"#attribute": since[0]},
        "ExpressionAttributeValues": _typed({":least": since[1]}),
    }


def page(body: bytes) -> tuple[list[Typed], dict[str, Any]]:
    """The items of a scan's page, and the answer without them. Raises ValueError where it is none."""
    answer = orjson.loads(body)
    if "Items" not in answer:
        raise ValueError("a page of a scan without its items")
    return answer.pop("Items"), answer | {"Items": []}


def replicas(aws: Aws, region: str, table: str) -> Replicas:
    """The replicas as one region sees them, its own among them. Raises Rejected, Unknown."""
    description = aws.call("dynamodb", region, "describe_table", TableName=table)["Table"]
    status = {region: description["TableStatus"]}
    status |= {each["RegionName"]: each.get("ReplicaStatus", "") for each in description.get("Replicas", ())}
    return Replicas(description.get("GlobalTableVersion", ""), tuple(sorted(status.items())))


def put(aws: Aws, region: str, table: str, item: Item) -> None:
    """Write one item whole."""
    aws.call("dynamodb", region, "put_item", TableName=table, Item=_typed(item))


def delete(aws: Aws, region: str, table: str, key: Item) -> None:
    """Delete one item; one that is gone already is no error."""
    aws.call("dynamodb", region, "delete_item", TableName=table, Key=_typed(key))


def _typed(item: Item) -> dict[str, dict[str, str]]:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in item.items()}


def _plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: _value(value) for name, value in item.items()}


def _value(typed: Mapping[str, Any]) -> Any:
    if len(typed) != 1:
        raise Unknown(f"dynamodb: expected an attribute of one type, seen {list(typed)}")
    kind, value = next(iter(typed.items()))
    match kind:
        case "N":
            try:
                return float(value) if "." in value or "e" in value.lower() else int(value)
            except ValueError:
                raise Unknown(f"dynamodb: expected a number, seen {value!r}") from None
        case "M":
            return _plain(value)
        case "L":
            return [_value(each) for each in value]
        case "NULL":
            return None
    return value
