"""DynamoDB: what is on its way between the replicas of global tables.

Each write goes to the other replicas 0.3 to 1.2 seconds later; the later write of an item wins, by its time, then by
its region. From or to a region that is isolated nothing goes: it is held, and delivered within seconds after the
region is back. Simplified: eventual consistency only (MREC), whole items, two regions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from drcore.sandbox.core.outages import ISOLATING, Outage, Regions
from drcore.sandbox.core.timestamps import floor
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.dynamodb.agenda import Agenda
from drcore.sandbox.services.dynamodb.history import LoggedWrite
from drcore.sandbox.services.dynamodb.items import Key, Stored
from drcore.sandbox.services.dynamodb.replica import Replica
from drcore.sandbox.services.dynamodb.usage import Usage, units

SHORTEST_LAG, LONGEST_LAG = 0.3, 1.2
"""Seconds, with nothing in the way."""

LONGEST_DRAIN = 20.0
"""Seconds after a region is back within which the last held write arrives."""


@dataclass(slots=True)
class ReplicatedWrite:
    """A write on its way from `source` to `target`; `item` None is a deletion."""

    table: str
    key: Key
    item: Stored | None
    at: datetime
    source: str
    target: str
    by: str | None


class Deliveries:
    """The writes that are on their way, those that are held, what was lost and what was overwritten."""

    def __init__(self, world: World, agenda: Agenda, find: Callable[[str, str], Replica | None]) -> None:
        self._world, self._regions, self._agenda, self._find = world, world.state(Regions), agenda, find
        self._watch, self._usage = world.state(CloudWatch), world.state(Usage)
        self._number = count()
        self._latencies: dict[tuple[str, str, str, int], list[float]] = {}
        self.pending: dict[int, ReplicatedWrite] = {}
        self.overwritten: list[Key] = []
        self.lost_at: dict[str, float] = {}
        """The recovery point by region: seconds of age of its oldest write on its way when its last outage began."""
        self._held: set[int] = set()
        self._regions.on_beginning(self._begin)
        self._regions.on_ending(self._end)

    def tick(self, at: datetime) -> None:
        """At a full minute, publish ReplicationLatency at the source of what has been replicated."""
        if at.second == 0:
            for (table, source, target, minute), values in self._latencies.items():
                self.publish(table, source, target, minute, values)
            self._latencies.clear()

    def rewind(self) -> None:
        """Forget what is on its way, and what was measured: what happened is told again."""
        for kept in (self.pending, self._held, self._latencies, self.overwritten):
            kept.clear()

    def publish(self, table: str, source: str, target: str, minute: int, values: list[float]) -> None:
        """Some milliseconds of lag in a minute; no value is no point."""
        dimensions = (("ReceivingRegion", target), ("TableName", table))
        point = MinuteSamples.of(tuple((value, 1.0) for value in values))
        metric = MetricName("AWS/DynamoDB", "ReplicationLatency", dimensions)
        self._watch.stores[source].record(metric, minute, point, "Milliseconds")

    def send(self, replica: Replica, entry: LoggedWrite, lag: float | None) -> None:
        """Put a write of a replica on its way to the others."""
        if lag is None:
            stream = self._world.rng("replication", replica.region, entry.key, entry.at)
            lag = stream.uniform(SHORTEST_LAG, LONGEST_LAG)
        for target in self._world.regions:
            if target != replica.region and target in replica.members:
                number = next(self._number)
                self.pending[number] = ReplicatedWrite(
                    replica.name, entry.key, entry.after, entry.at, replica.region, target, entry.by
                )
                self._deliver_at(entry.at + timedelta(seconds=lag), number)

    def _deliver_at(self, due: datetime, number: int) -> None:
        self._agenda.later(due, lambda at: self._deliver(number, at))

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
        replica = self._find(write.target, write.table)
        if replica is None:
            return  # it has been deleted meanwhile
        lag = (due - write.at).total_seconds() * 1000
        self._latencies.setdefault((write.table, write.source, write.target, floor(due)), []).append(lag)
        known, stamp = replica.history.stamp(write.key), (write.at, write.source)
        if replica.history.record(due, write.key, write.item, stamp, write.by, replicated=True) is None:
            return
        if known is not None and known[1] == write.target and self._alone(write.source, known[0], write.at):
            self.overwritten.append(write.key)  # decided here, and the writer could not know of it
        self._usage.units(write.target, write.table, "Write", due, units(write.item))

    def _drain(self, number: int, back: datetime) -> None:
        """A held write arrives soon after everybody is back."""
        write = self.pending[number]
        wait = self._world.rng("held", write.source, write.key, write.at).uniform(0.5, LONGEST_DRAIN)
        self._deliver_at(back + timedelta(seconds=wait), number)

    def _both_back(self, write: ReplicatedWrite, at: datetime) -> datetime | None:
        """When both ends are there, None if one does not know; `at` itself if they are."""
        if not self._regions.outages:
            return at
        ends = [self._regions.back_at(region, at, ISOLATING) for region in (write.source, write.target)]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    def _alone(self, region: str, *moments: datetime) -> bool:
        return all(self._regions.out(region, moment, ISOLATING) for moment in moments)

    def _begin(self, outage: Outage) -> None:
        self._agenda.catch_up(outage.since)
        if outage.kind in ISOLATING:
            ages = [(outage.since - w.at).total_seconds() for w in self.pending.values() if w.source == outage.region]
            self.lost_at[outage.region] = max(ages, default=0.0)

    def _end(self, outage: Outage) -> None:
        now = self._world.clock.now()
        self._agenda.catch_up(now)
        for number in sorted(self._held):
            self._drain(number, now)
