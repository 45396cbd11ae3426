"""DynamoDB: items found otherwise than by their whole key.

A scan goes through the partitions in the order of their hashes, each segment through its own stretch of them, so
that pages and segments are complete whatever is written meanwhile. A plain scan is answered from JSON that is
kept with the items; filters and projections of a page are moto's affair. Simplified: a scan of an index is moto's, and
PartiQL is refused.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

from moto.dynamodb.comparisons import get_filter_expression

from drcore.sandbox.core.registry import AwsCall, AwsError, Ready, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.item_operations import items_in_moto, spent, usable
from drcore.sandbox.services.dynamodb.items import Filtered, Key, Stored, key_of, place
from drcore.sandbox.services.dynamodb.replica import Replica

PAGE = 1_000_000
"""Bytes of items in one page of a scan, where the real service has a mebibyte."""

_PLACES = 1 << 64
_SHAPING = (
    "FilterExpression",
    "ProjectionExpression",
    "ScanFilter",
    "AttributesToGet",
    "Select",
    "ReturnConsumedCapacity",
)


class Orders:
    """The order of the keys of each table, kept until a key comes or goes."""

    def __init__(self, _: World) -> None:
        self._kept: dict[int, tuple[int, list[tuple[int, Key]]]] = {}

    def of(self, replica: Replica) -> list[tuple[int, Key]]:
        """The places and keys of a table's items."""
        history = replica.history
        changes, order = self._kept.get(id(history), (-1, []))
        if changes != history.keys_changed:
            order = sorted((place(str(key[0])), key) for key in history.now)
            self._kept[id(history)] = (history.keys_changed, order)
        return order


@operation("dynamodb", "Scan")
def scan(call: AwsCall) -> dict[str, Any] | Ready:
    """As the API."""
    params = call.params
    replica = usable(call, params["TableName"])
    if replica is None:
        return call.forward()
    if params.get("IndexName"):
        return _with_everything(call, replica)
    items, last = _page(call, replica)
    units = ceil(sum(item.size for item in items) / 4096) * (1 if params.get("ConsistentRead") else 0.5) or 0.5
    spent(call, replica, read=units)
    more = None if last is None else {name: last[name] for name in replica.schema}
    shaping = {name for name in _SHAPING if params.get(name)}
    if shaping:
        return _shaped(call, replica, items, more, shaping)
    return _ready(items, len(items), more)


def _ready(items: list[Stored], looked_at: int, more: dict[str, Any] | None) -> Ready:
    rows = b",".join(item.text for item in items)
    tail = b"" if more is None else b',"LastEvaluatedKey":' + Stored(more).text
    return Ready(b'{"Items":[%b],"Count":%d,"ScannedCount":%d%b}' % (rows, len(items), looked_at, tail))


def _page(call: AwsCall, replica: Replica) -> tuple[list[Stored], Stored | None]:
    """The items of a page, with the last of them where more follow."""
    order, params = call.world.state(Orders).of(replica), call.params
    begin, end = _stretch(order, params.get("Segment"), params.get("TotalSegments"))
    if params.get("ExclusiveStartKey"):
        begin = max(begin, bisect_right(order, _after(replica, params["ExclusiveStartKey"])))
    limit, size = int(params.get("Limit") or len(order) + 1), 0
    items: list[Stored] = []
    if limit < 1:
        raise AwsError("ValidationException", "Limit: expected at least 1")
    for _, key in order[begin:end]:
        item = replica.history.now[key]
        size += item.size
        if len(items) == limit or (items and size > PAGE):
            return items, items[-1]
        items.append(item)
    # As the real service: a limit that is just reached is answered with a key, and an empty page follows.
    return items, items[-1] if len(items) == limit else None


def _after(replica: Replica, start: Any) -> tuple[int, Key]:
    try:
        key = key_of(start, replica.schema)
    except (KeyError, StopIteration):
        raise AwsError("ValidationException", "The provided starting key is invalid") from None
    return place(str(key[0])), key


def _stretch(order: Sequence[tuple[int, Key]], segment: int | None, total: int | None) -> tuple[int, int]:
    """The part of the order that a segment is."""
    if segment is None and total is None:
        return 0, len(order)
    if segment is None or total is None or not 0 <= segment < total:
        raise AwsError(
            "ValidationException",
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is"
            " present, and Segment must be less than TotalSegments",
        )
    first, last = _PLACES * segment // total, _PLACES * (segment + 1) // total
    return bisect_left(order, (first,)), bisect_left(order, (last,))


def _shaped(
    call: AwsCall, replica: Replica, items: list[Stored], more: dict[str, Any] | None, shaping: set[str]
) -> dict[str, Any] | Ready:
    """The page as moto filters it and cuts it; its filter is asked alone where nothing else is to be done."""
    left_out = {"ExclusiveStartKey", "Segment", "TotalSegments", "Limit"}
    params = {name: value for name, value in call.params.items() if name not in left_out}
    if shaping == {"FilterExpression"}:
        with items_in_moto([(replica, ())]):
            call.forward(params)  # refuses what is wrong with the expression
        given = (params.get("ExpressionAttributeNames"), params.get("ExpressionAttributeValues"))
        fits: Any = get_filter_expression(params["FilterExpression"], *given)
        return _ready([item for item in items if fits.expr(Filtered(item))], len(items), more)
    with items_in_moto([(replica, items)]):
        answer = call.forward(params)
    answer.pop("LastEvaluatedKey", None)
    answer["ScannedCount"] = len(items)
    return answer if more is None else answer | {"LastEvaluatedKey": more}


@operation("dynamodb", "Query")
def query(call: AwsCall) -> dict[str, Any]:
    """As the API; moto has the items whose partition is named in the call."""
    replica = usable(call, call.params["TableName"])
    if replica is None:
        return call.forward()
    if call.params.get("IndexName"):
        return _with_everything(call, replica)
    named = {str(value) for typed in _values(call) for value in typed.values() if isinstance(value, str)}
    with items_in_moto([(replica, (item for key, item in sorted(replica.items()) if key[0] in named))]):
        answer = call.forward()
    spent(call, replica, read=0.5)
    return answer


def _values(call: AwsCall) -> Iterator[dict[str, Any]]:
    """The values that a query compares with."""
    yield from (call.params.get("ExpressionAttributeValues") or {}).values()
    for condition in (call.params.get("KeyConditions") or {}).values():
        yield from condition.get("AttributeValueList") or ()


def _with_everything(call: AwsCall, replica: Replica) -> dict[str, Any]:
    with items_in_moto([(replica, (item for _, item in sorted(replica.items())))]):
        answer = call.forward()
    spent(call, replica, read=ceil(sum(item.size for _, item in replica.items()) / 4096))
    return answer


def _partiql(_: AwsCall) -> dict[str, Any]:
    """Not emulated; a caller who may not write was told so before."""
    raise AwsError("NotImplemented", "not in the sandbox: PartiQL", 501)


for _name in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
    operation("dynamodb", _name)(_partiql)
