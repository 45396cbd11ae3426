"""DynamoDB: the operations on items of a global table, so that a write reaches the other replica.

What an operation does is moto's affair; that a write is replicated, and that a reader finds what has arrived by now,
is added. Simplified: PartiQL writes are not replicated; an error carries no item.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from drcore.sandbox.layer import Call, operation
from drcore.sandbox.services.dynamodb_replication import GlobalTable, Key
from drcore.sandbox.world import World


@operation("dynamodb", "DescribeTable")
def describe_table(call: Call) -> dict[str, Any]:
    """As the API; a replica says ACTIVE whether its region can be reached or not, as on AWS."""
    shared, answer = call.world.shelf(GlobalTable), call.forward()
    if _plain(call.params["TableName"]) == shared.name:
        others = [region for region in World.regions if region != call.region]
        answer["Table"] |= {
            "GlobalTableVersion": "2019.11.21",
            "MultiRegionConsistency": "EVENTUAL",
            "Replicas": [{"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in others],
        }
    return answer


def _read(call: Call) -> dict[str, Any]:
    """As the API, with what has been replicated until now."""
    call.world.shelf(GlobalTable).catch_up(call.world.clock.now())
    return call.forward()


def _write(call: Call) -> dict[str, Any]:
    """As the API; what it changed goes on its way to the other replica."""
    shared, now = call.world.shelf(GlobalTable), call.world.clock.now()
    shared.catch_up(now)
    keys = list(dict.fromkeys(_keys(call, shared.name)))
    before = {key: shared.get(call.region, key) for key in keys}
    answer = call.forward()
    for key in keys:
        after = shared.get(call.region, key)
        if after != before[key] or call.operation == "PutItem":
            shared.ask(call.region, key, after, now)
    return answer


@operation("dynamodb", "Scan")
def scan(call: Call) -> dict[str, Any]:
    """As the API; answered here in one page where it asks for all items or for those with an attribute >= a value.

    moto takes a millisecond an item to write an answer.
    """
    shared, params = call.world.shelf(GlobalTable), call.params
    shared.catch_up(call.world.clock.now())
    least = _least(params)
    if _plain(params["TableName"]) != shared.name or least is None:
        return call.forward()
    (name, value), items = least, shared.items(call.region)
    found = [item for item in items if not name or str(item.get(name, {}).get("S", "")) >= value]
    return {"Items": found, "Count": len(found), "ScannedCount": len(items)}


_AT_LEAST = re.compile(r"\s*(#\w+)\s*>=\s*(:\w+)\s*")


def _least(params: Mapping[str, Any]) -> tuple[str, str] | None:
    """The attribute that a scan filters by with the least value (both empty: none); None for any other scan."""
    given = {name for name, value in params.items() if value} - {"TableName"}
    if not given:
        return "", ""
    if given != {"FilterExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}:
        return None
    form = _AT_LEAST.fullmatch(params["FilterExpression"])
    value = params["ExpressionAttributeValues"].get(form[2], {}).get("S") if form else None
    return (params["ExpressionAttributeNames"][form[1]], value) if form and value else None


for _name in ("GetItem", "BatchGetItem", "Query", "TransactGetItems", "ExecuteStatement"):
    operation("dynamodb", _name)(_read)
for _name in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"):
    operation("dynamodb", _name)(_write)


def _keys(call: Call, table: str) -> Iterable[Key]:
    """The keys in the table that a call may write."""
    params = call.params
    match call.operation:
        case "PutItem":
            written = [(params["TableName"], params["Item"])]
        case "BatchWriteItem":
            written = [
                (name, (each.get("PutRequest") or {}).get("Item") or each["DeleteRequest"]["Key"])
                for name, requests in params["RequestItems"].items()
                for each in requests
            ]
        case "TransactWriteItems":
            acts = [(kind, act) for each in params["TransactItems"] for kind, act in each.items() if act]
            written = [
                (act["TableName"], act.get("Item") or act["Key"]) for kind, act in acts if kind != "ConditionCheck"
            ]
        case _:
            written = [(params["TableName"], params["Key"])]
    return [(item["pk"]["S"], item["sk"]["S"]) for name, item in written if _plain(name) == table]


def _plain(table: str) -> str:
    """A table's name, from its name or its ARN."""
    return table.rpartition("/")[2]
