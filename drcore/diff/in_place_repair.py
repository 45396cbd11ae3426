"""Putting corrupted items back in place, with nothing lost that was written since.

Each write holds only as long as the item is still exactly the bad one. DynamoDB has no condition that says "and no
attribute more", so a write for a corrupted item is an update that names the differing attributes only: an attribute
that somebody has added since is neither known to the condition nor touched by the update. Everything that a comparison
saw is in the condition: equal to what it was, and absent where the good image has an attribute that the bad one lacks.
Type counts too: in DynamoDB S "1" is not N "1", sets have no order, 1.0 is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drcore.diff.items import Item, binary, canonical, pair, users
from drcore.diff.policy import Class
from drcore.diff.report import Difference
from drcore.errors import BadInput

_LONGEST = 4096  # bytes of one expression
_OPERATORS = 300  # in one expression
Write = tuple[str, dict[str, Any]]


def restorable(difference: Difference) -> bool:
    """Whether the good image may be put back without asking: corrupted or deleted, and small enough to be guarded.

    An item of more than some 200 attributes does not fit into one condition. It is for a person.
    """
    if difference.kind is Class.DELETED:
        return True
    return difference.kind is Class.CORRUPTED and _fits(_update(difference, difference.live, difference.restored))


def write_for(difference: Difference, table: str = "") -> Write:
    """The operation with its parameters, for TransactWriteItems, that puts the good image back.

    Corrupted: an Update, if the item is still exactly the bad one. Deleted: a Put, if it is still absent.
    """
    if difference.kind is Class.DELETED:
        assert difference.restored is not None
        name = next(iter(difference.key))
        absent = {"ConditionExpression": "attribute_not_exists(#k)", "ExpressionAttributeNames": {"#k": name}}
        return "Put", _at(table) | {"Item": for_boto(users(difference.restored))} | absent
    if difference.kind is not Class.CORRUPTED:
        raise BadInput(f"expected a corrupted or a deleted item, seen a {difference.kind} one: {difference.key}")
    return "Update", _at(table) | _update(difference, difference.live, difference.restored)


def inverse_for(difference: Difference, table: str = "") -> Write:
    """The operation that undoes `write_for`, if nobody has touched the item since.

    For a deleted item it is a Delete; an attribute that was added since, with all others left alone, goes with it.
    """
    if difference.kind is Class.DELETED:
        return "Delete", _at(table) | {"Key": for_boto(difference.key)} | _still(difference, difference.restored, None)
    if difference.kind is not Class.CORRUPTED:
        raise BadInput(f"expected a corrupted or a deleted item, seen a {difference.kind} one: {difference.key}")
    return "Update", _at(table) | _update(difference, difference.restored, difference.live)


def for_boto(item: Item) -> dict[str, Any]:
    """A typed item as boto3 takes it: binary values as bytes."""
    return {name: _for_boto(value) for name, value in item.items()}


def _for_boto(value: Mapping[str, Any]) -> dict[str, Any]:
    kind, content = pair(value)
    match kind:
        case "B":
            return {kind: binary(content)}
        case "BS":
            return {kind: [binary(each) for each in content]}
        case "M":
            return {kind: for_boto(content)}
        case "L":
            return {kind: [_for_boto(each) for each in content]}
    return {kind: content}


def _update(difference: Difference, now: Item | None, wanted: Item | None) -> dict[str, Any]:
    """From one image to the other, attribute by attribute, if the item is still the one image."""
    assert now is not None
    assert wanted is not None
    one, other = canonical(now), canonical(wanted)
    guard = _still(difference, now, wanted)
    names = guard["ExpressionAttributeNames"]
    values = guard["ExpressionAttributeValues"]
    placeholder = {name: short for short, name in names.items()}
    sets, removes = [], []
    for name in [name for name in other if one.get(name) != other[name]]:
        short = placeholder[name]
        values[f":n{short[2:]}"] = _for_boto(wanted[name])
        sets.append(f"{short} = :n{short[2:]}")
    removes = [placeholder[name] for name in one if name not in other]
    parts = [f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removes)}"] * bool(removes)
    return {"Key": for_boto(difference.key), "UpdateExpression": " ".join(parts)} | guard


def _still(difference: Difference, now: Item | None, wanted: Item | None) -> dict[str, Any]:
    """The condition that an item is exactly `now`, and has nothing that `wanted` would add."""
    assert now is not None
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    parts = []
    now, wanted = users(now), users(wanted or {})  # what DynamoDB writes itself changes whenever it likes
    for index, name in enumerate([*now, *(name for name in wanted if name not in now)]):
        names[f"#a{index}"] = name
        if name in now:
            values[f":a{index}"] = _for_boto(now[name])
            parts.append(f"#a{index} = :a{index}")
        else:
            parts.append(f"attribute_not_exists(#a{index})")
    return {
        "ConditionExpression": " AND ".join(parts),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _fits(write: Mapping[str, Any]) -> bool:
    condition, update = write["ConditionExpression"], write["UpdateExpression"]
    operators = 2 * condition.count(" AND ") + 1
    return max(len(condition), len(update)) <= _LONGEST and operators <= _OPERATORS


def _at(table: str) -> dict[str, Any]:
    return {"TableName": table} if table else {}
