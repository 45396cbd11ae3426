"""DynamoDB: the operations on items.

What an operation does is moto's affair, and so are conditions, updates and filters: moto has the items that a
call is about, and what it made of them goes into the table's history and on its way to the other replicas.
Simplified: an error carries no item.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from json import dumps
from math import ceil
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.table import Table

from drcore.sandbox.core.registry import AwsCall, AwsError, Ready, operation
from drcore.sandbox.services.dynamodb.items import Key, Stored, emulated, key_of, plain
from drcore.sandbox.services.dynamodb.replica import Replica
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.services.dynamodb.usage import Usage, units

LARGEST = 400 * 1024
"""Bytes of an item."""
# moto adds the old and the new value of an attribute, and so refuses a large change that AWS takes.
type.__setattr__(LimitedSizeDict, "__setitem__", dict.__setitem__)
LARGEST_TRANSACTION = 4 * 1024 * 1024
"""Bytes of the items of one transaction, each as it was or as it will be, whichever is more."""
LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of items in one answer of BatchGetItem; the keys of the others come back as not processed."""
BATCH = 100
"""Keys of one BatchGetItem."""
TOKEN_LASTS = timedelta(minutes=10)
"""How long a transaction's token is remembered."""


@dataclass(frozen=True, slots=True)
class Touched:
    """An item that a call is about."""

    table: str
    key: Mapping[str, Any]
    writes: bool = True


class Tokens:
    """The transactions that were carried out, by their tokens."""

    def __init__(self, _: object) -> None:
        self._known: dict[tuple[str, str], tuple[datetime, str]] = {}

    def done(self, call: AwsCall, token: str) -> bool:
        """Whether the same transaction has been done. Raises AwsError if the token was that of another."""
        known = self._known.get((call.region, token))
        if known is None or call.world.clock.now() - known[0] > TOKEN_LASTS:
            return False
        if known[1] != _asked(call):
            raise AwsError(
                "IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request.",
            )
        return True

    def note(self, call: AwsCall, token: str) -> None:
        """The transaction has been done."""
        self._known[call.region, token] = (call.world.clock.now(), _asked(call))


def _asked(call: AwsCall) -> str:
    return repr({name: value for name, value in call.params.items() if name != "ReturnConsumedCapacity"})


def tables(call: AwsCall) -> Tables:
    """The tables, with everything that has happened until now."""
    known = call.world.state(Tables)
    known.catch_up(call.world.clock.now())
    return known


def usable(call: AwsCall, name: str) -> Replica | None:
    """A table whose items may be asked for; None if it is moto's alone. Raises AwsError while it is being made."""
    replica = tables(call).find(call.region, name)
    if replica and replica.status(call.world.clock.now()) == "CREATING":
        raise AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {replica.name} not found")
    return replica


@contextmanager
def items_in_moto(items: Iterable[tuple[Replica, Iterable[Stored]]]) -> Iterator[None]:
    """Let moto have these items while it answers, in this order.

    It copies a table once for each act of a transaction, to put it back if one fails; here nothing need be put back.
    """
    given = [(replica, some, replica.table) for replica, some in items]
    for replica, some, table in given:
        rows: dict[DynamoType, Any] = table.items  # of items, or of items by their sort key
        vars(table)["__deepcopy__"] = partial(_same, table)
        for item in some:
            made = emulated(item, replica.schema)
            if made.range_key is None:
                rows[made.hash_key] = made
            else:
                rows[made.hash_key][made.range_key] = made
    try:
        yield
    finally:
        for _, _, table in given:
            table.items.clear()
            del vars(table)["__deepcopy__"]


def _same(table: Table, _: object) -> Table:
    return table


def taken(replica: Replica) -> dict[Key, Stored]:
    """What moto has of a table after it answered."""
    items = [plain(item) for item in replica.table.all_items()]
    return {key_of(item, replica.schema): item for item in items}


def _read(call: AwsCall) -> dict[str, Any] | Ready:
    """As the API, with what has been replicated until now."""
    wanted: dict[Replica, list[Stored]] = {}
    for touched in _touched(call):
        replica = usable(call, touched.table)
        if replica:
            mine, item = wanted.setdefault(replica, []), replica.get(_key(replica, touched.key))
            if item:
                mine.append(item)
    asked = call.params.get("RequestItems") if call.operation == "BatchGetItem" else None
    if asked and {replica.name for replica in wanted} == set(asked) and all(map(_whole, asked.values())):
        answer: dict[str, Any] | Ready = _ready(wanted, asked)
    else:
        with items_in_moto(wanted.items()):
            answer = call.forward()
    for replica, items in wanted.items():
        spent(call, replica, read=sum(ceil(item.size / 4096) for item in items) / 2 or 0.5)
    return answer


def _whole(asked: Mapping[str, Any]) -> bool:
    """Whether a batch asks for whole items, each of them once: moto takes a second for a hundred."""
    keys = [str(sorted((name, str(value)) for name, value in key.items())) for key in asked["Keys"]]
    return set(asked) <= {"Keys", "ConsistentRead"} and len(set(keys)) == len(keys) <= BATCH


def _ready(wanted: Mapping[Replica, list[Stored]], asked: Mapping[str, Mapping[str, Any]]) -> Ready:
    rows, left, room = [], {}, LARGEST_ANSWER
    for replica, items in wanted.items():
        taken_up = list(accumulate(item.size for item in items))
        fit = bisect_right(taken_up, room)
        room -= taken_up[fit - 1] if fit else 0
        rows.append(b"%b:[%b]" % (dumps(replica.name).encode(), b",".join(item.text for item in items[:fit])))
        if items[fit:]:
            room = 0  # what comes behind an item that has no place is left out, too
            keys = [{name: item[name] for name in replica.schema} for item in items[fit:]]
            left[replica.name] = dict(asked[replica.name]) | {"Keys": keys}
    return Ready(b'{"Responses":{%b},"UnprocessedKeys":%b}' % (b",".join(rows), dumps(left).encode()))


def _write(call: AwsCall) -> dict[str, Any]:
    """As the API; what it changed goes on its way to the other replicas."""
    store, now = tables(call), call.world.clock.now()
    touched = [(replica, each) for each in _touched(call) if (replica := usable(call, each.table))]
    if call.operation == "TransactWriteItems" and any(replica.settings.strong for replica, _ in touched):
        raise AwsError("ValidationException", "Transactions are not supported on MRSC global tables")
    token = call.params.get("ClientRequestToken") if call.operation == "TransactWriteItems" else None
    if token and call.world.state(Tokens).done(call, token):
        return {}
    keys: dict[Replica, dict[Key, None]] = {}
    for replica, table in touched:
        keys.setdefault(replica, {})[_key(replica, table.key)] = None
    with items_in_moto((replica, filter(None, map(replica.get, mine))) for replica, mine in keys.items()):
        answer = call.forward()
        after = {replica: taken(replica) for replica in keys}
    if any(item.size > LARGEST for some in after.values() for item in some.values()):
        raise AwsError("ValidationException", "Item size has exceeded the maximum allowed size")
    if call.operation == "TransactWriteItems":
        _fits(keys, after)
    written = {(replica, _key(replica, each.key)) for replica, each in touched if each.writes}
    for replica, mine in keys.items():
        for key in mine:
            if (replica, key) in written:
                store.asked(replica, key, after[replica].get(key), now)
        size = sum(map(units, after[replica].values())) or 1
        spent(call, replica, write=size * (2 if call.operation == "TransactWriteItems" else 1))
    if token:
        call.world.state(Tokens).note(call, token)
    return answer


def _fits(keys: Mapping[Replica, Iterable[Key]], after: Mapping[Replica, Mapping[Key, Stored]]) -> None:
    """Refuse a transaction whose items are too large together."""
    images = (
        [image.size for image in (replica.get(key), after[replica].get(key)) if image]
        for replica, mine in keys.items()
        for key in mine
    )
    if sum(max(sizes, default=0) for sizes in images) > LARGEST_TRANSACTION:
        raise AwsError("ValidationException", "The aggregate size of the items in the transaction exceeds 4 MB")


def spent(call: AwsCall, replica: Replica, *, read: float = 0, write: float = 0) -> None:
    """Count a request that succeeded, with the capacity units that it took."""
    usage, now = call.world.state(Usage), call.world.clock.now()
    usage.request(replica.region, replica.name, call.operation, now)
    for kind, taken_units in (("Read", read), ("Write", write)):
        if taken_units:
            usage.units(replica.region, replica.name, kind, now, taken_units)


for _name in ("GetItem", "BatchGetItem", "TransactGetItems"):
    operation("dynamodb", _name)(_read)
for _name in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"):
    operation("dynamodb", _name)(_write)


def _key(replica: Replica, item: Mapping[str, Any]) -> Key:
    try:
        return key_of(item, replica.schema)
    except (KeyError, StopIteration):
        raise AwsError("ValidationException", "The provided key element does not match the schema") from None


def _touched(call: AwsCall) -> Iterator[Touched]:
    """The items that a call is about."""
    params = call.params
    match call.operation:
        case "GetItem":
            yield Touched(params["TableName"], params["Key"], writes=False)
        case "BatchGetItem":
            for name, wanted in params["RequestItems"].items():
                yield from (Touched(name, key, writes=False) for key in wanted["Keys"])
        case "TransactGetItems":
            for item in params["TransactItems"]:
                yield Touched(item["Get"]["TableName"], item["Get"]["Key"], writes=False)
        case "BatchWriteItem":
            for name, requests in params["RequestItems"].items():
                for request in requests:
                    put = request.get("PutRequest")
                    yield Touched(name, put["Item"] if put else request["DeleteRequest"]["Key"])
        case "TransactWriteItems":
            for kind, act in ((kind, act) for each in params["TransactItems"] for kind, act in each.items() if act):
                yield Touched(act["TableName"], act.get("Item") or act["Key"], writes=kind != "ConditionCheck")
        case "PutItem":
            yield Touched(params["TableName"], params["Item"])
        case _:
            yield Touched(params["TableName"], params["Key"])
