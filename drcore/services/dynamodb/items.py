"""DynamoDB: many items of a table at once, as DynamoDB types them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.services.dynamodb.tables import Typed, page

_AT_ONCE = 100  # BatchGetItem takes so many keys


def count(aws: Aws, region: str, table: str) -> int:
    """About how many items there are: AWS counts them every six hours or so. Raises Rejected, Unknown."""
    return int(aws.call("dynamodb", region, "describe_table", TableName=table)["Table"].get("ItemCount", 0))


def segment(aws: Aws, region: str, table: str, number: int, of: int) -> Iterator[Typed]:
    """The items of one segment, a range of the keys' hash. Raises Rejected, Unknown; never a shorter answer.

    Read past boto3's parser, which takes ten times as long; binary values stay base64.
    """
    for items in aws.scan_raw(region, table, number, of, page):
        yield from items


def some(aws: Aws, region: str, table: str, keys: Sequence[Typed], *, consistent: bool = True) -> tuple[Typed, ...]:
    """The items of some keys; one that is not there is left out. Raises Rejected, Unknown."""
    items: list[Typed] = []
    for first in range(0, len(keys), _AT_ONCE):
        left: Sequence[Typed] = keys[first : first + _AT_ONCE]
        for _ in range(_AT_ONCE):  # what is left is asked for again: an answer may hold a part, never nothing for long
            asked = {table: {"Keys": list(left), "ConsistentRead": consistent}}
            answer = aws.call("dynamodb", region, "batch_get_item", RequestItems=asked)
            items += answer["Responses"].get(table, ())
            left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ())
            if not left:
                break
        else:
            raise Unknown(f"dynamodb batch_get_item in {region}: {len(left)} keys of {table} are still not answered")
    return tuple(items)
