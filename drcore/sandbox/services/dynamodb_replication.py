"""DynamoDB: a global table, whose replicas follow each other with a lag.

Each write goes to the other replicas 0.3 to 1.2 seconds later; the later write of an item wins, by its time, then by
its region. From or to a region that is isolated nothing goes: it is held, and delivered within seconds after the
region is back. Simplified: eventual consistency only (MREC), whole items, one pair of regions.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from drcore.sandbox.regions import ISOLATING, Outage, Regions
from drcore.sandbox.services.cloudwatch import CloudWatch
from drcore.sandbox.services.cloudwatch_metrics import Metric, Point
from drcore.sandbox.services.times import floor
from drcore.sandbox.world import World

Attributes = dict[str, dict[str, Any]]
"""An item as the API has it: `{"pk": {"S": "…"}}`."""

Key = tuple[str, str]
Stamp = tuple[datetime, str]
"""When and where an item was written: the greater one wins."""


SHORTEST_LAG, LONGEST_LAG = 0.3, 1.2
"""Seconds, with nothing in the way."""

LONGEST_DRAIN = 20.0
"""Seconds after a region is back within which the last held write arrives."""


@dataclass(slots=True)
class Write:
    """A write on its way from `source` to `target`; `item` None is a deletion."""

    key: Key
    item: Attributes | None
    at: datetime
    source: str
    target: str


class GlobalTable:
    """The global table of the account. Its life goes on in `catch_up`, event by event in the order of time."""

    def __init__(self, world: World) -> None:
        self._world, self._regions = world, world.shelf(Regions)
        self._watch = world.shelf(CloudWatch)
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._number = count()
        self._stamps: dict[tuple[str, Key], Stamp] = {}
        self._latencies: dict[tuple[str, str, int], list[float]] = {}
        self._tables: dict[str, Table] = {}
        self.name = ""
        self.pending: dict[int, Write] = {}
        self.overwritten: list[Key] = []
        self.lost_at: dict[str, float] = {}
        """The recovery point by region: seconds of age of its oldest write on its way when its last outage began."""
        self._held: set[int] = set()
        self._written: set[Key] = set()
        """Keys that somebody wrote through the API: the state of the account, where the actors' writes are its life."""
        self._regions.on_beginning(self._begin)
        self._regions.on_ending(self._end)
        world.state_of("dynamodb", self._state)

    def create(self, name: str) -> None:
        """The empty table with a replica in each region."""
        self.name = name
        for region in self._world.regions:
            self._tables[region] = dynamodb_backends[self._world.account][region].create_table(
                name,
                schema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                throughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
                attr=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
                global_indexes=[],
                indexes=[],
                streams={},
                billing_mode="PAY_PER_REQUEST",
                sse_specification={},
                tags=[],
                deletion_protection_enabled=True,
                warm_throughput=None,
            )
            self._world.lives(self._tables[region].items)

    def seed(self, items: list[tuple[Attributes, Stamp]]) -> None:
        """Items that are at all replicas since long ago."""
        for item, stamp in items:
            for region in self._world.regions:
                self._store(region, _key(item), item, stamp)

    def at(self, moment: datetime, fn: Callable[[datetime], None]) -> None:
        """Let `fn(moment)` happen."""
        heapq.heappush(self._agenda, (moment, next(self._number), fn))

    def catch_up(self, now: datetime) -> None:
        """Let everything happen that is due until `now`."""
        while self._agenda and self._agenda[0][0] <= now:
            moment, _, fn = heapq.heappop(self._agenda)
            fn(moment)

    def tick(self, at: datetime) -> None:
        """Catch up; at a full minute, publish ReplicationLatency at the source of what has been replicated."""
        self.catch_up(at)
        if at.second == 0:
            for (source, target, minute), values in self._latencies.items():
                self.publish(source, target, minute, values)
            self._latencies.clear()

    def publish(self, source: str, target: str, minute: int, values: list[float]) -> None:
        """Some milliseconds of lag in a minute; no value is no point."""
        dimensions = (("ReceivingRegion", target), ("TableName", self.name))
        point = Point.of(tuple((value, 1.0) for value in values))
        metric = Metric("AWS/DynamoDB", "ReplicationLatency", dimensions)
        self._watch.stores[source].record(metric, minute, point, "Milliseconds")

    def write(self, region: str, item: Attributes, at: datetime, lag: float) -> None:
        """An actor's write, `lag` seconds away from the other replica."""
        self._store(region, _key(item), item, (at, region))
        self.send(region, _key(item), item, at, lag)

    def ask(self, source: str, key: Key, item: Attributes | None, at: datetime) -> None:
        """Put a write that came through the API on its way."""
        self._written.add(key)
        lag = self._world.rng("replication", source, key, at).uniform(SHORTEST_LAG, LONGEST_LAG)
        self.send(source, key, item, at, lag)

    def get(self, region: str, key: Key) -> Attributes | None:
        """An item as that replica has it."""
        found = self._tables[region].items.get(DynamoType({"S": key[0]}), {}).get(DynamoType({"S": key[1]}))
        return None if found is None else {n: v.to_json() for n, v in found.attrs.items()}

    def items(self, region: str) -> list[Attributes]:
        """All items as that replica has them."""
        rows = self._tables[region].items.values()
        return [{n: v.to_json() for n, v in item.attrs.items()} for row in rows for item in row.values()]

    def send(self, source: str, key: Key, item: Attributes | None, at: datetime, lag: float) -> None:
        """Put a write of a replica on its way to the others."""
        self._stamps[source, key] = (at, source)
        for target in self._world.regions:
            if target != source:
                number = next(self._number)
                self.pending[number] = Write(key, item, at, source, target)
                self._deliver_at(at + timedelta(seconds=lag), number)

    def _deliver_at(self, due: datetime, number: int) -> None:
        self.at(due, lambda at: self._deliver(number, at))

    def _deliver(self, number: int, due: datetime) -> None:
        write = self.pending.get(number)
        if write is None:
            return  # delivered already, as the region was back earlier than it was known
        back = self._both_back(write, due)
        if back is None or back > due:
            self._held.add(number)
            if back is not None:
                self._drain(number, back)
            return
        del self.pending[number]
        self._held.discard(number)
        lag = (due - write.at).total_seconds() * 1000
        self._latencies.setdefault((write.source, write.target, floor(due)), []).append(lag)
        known, stamp = self._stamps.get((write.target, write.key)), (write.at, write.source)
        if known is not None and known > stamp:
            return
        if known is not None and known[1] == write.target and self._alone(write.source, known[0], write.at):
            self.overwritten.append(write.key)  # decided here, and the writer could not know of it
        self._store(write.target, write.key, write.item, stamp)

    def _drain(self, number: int, back: datetime) -> None:
        """A held write arrives soon after everybody is back."""
        write = self.pending[number]
        wait = self._world.rng("held", write.source, write.key, write.at).uniform(0.5, LONGEST_DRAIN)
        self._deliver_at(back + timedelta(seconds=wait), number)

    def _both_back(self, write: Write, at: datetime) -> datetime | None:
        """When both ends are there, None if one does not know; `at` itself if they are."""
        ends = [self._regions.back_at(region, at, ISOLATING) for region in (write.source, write.target)]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    def _alone(self, region: str, *moments: datetime) -> bool:
        return all(self._regions.out(region, moment, ISOLATING) for moment in moments)

    def _begin(self, outage: Outage) -> None:
        self.catch_up(outage.since)
        if outage.kind in ISOLATING:
            ages = [(outage.since - w.at).total_seconds() for w in self.pending.values() if w.source == outage.region]
            self.lost_at[outage.region] = max(ages, default=0.0)

    def _end(self, outage: Outage) -> None:
        now = self._world.clock.now()
        self.catch_up(now)
        for number in sorted(self._held):
            self._drain(number, now)

    def _state(self) -> dict[str, Any]:
        return {
            region: {"/".join(key): self.get(region, key) for key in sorted(self._written)} for region in self._tables
        }

    def _store(self, region: str, key: Key, item: Attributes | None, stamp: Stamp) -> None:
        """Put an item straight into a replica: what a writer's own call costs is paid by nobody here."""
        row, hash_key, range_key = self._tables[region].items, _text(key[0]), _text(key[1])
        if item is not None:
            made = row[hash_key][range_key] = Item(hash_key, range_key, {})
            values = {name: value for name, value in item.items() if name not in ("pk", "sk")}
            typed = {"pk": hash_key, "sk": range_key, **{n: DynamoType(value) for n, value in values.items()}}
            dict.update(made.attrs, typed)  # unchecked: its size is known
        elif hash_key in row:
            row[hash_key].pop(range_key, None)
        self._stamps[region, key] = stamp


@cache
def _text(value: str) -> DynamoType:
    """A part of a key, made once: canaries write the same keys again and again."""
    return DynamoType({"S": value})


def _key(item: Mapping[str, Any]) -> Key:
    return str(item["pk"]["S"]), str(item["sk"]["S"])
