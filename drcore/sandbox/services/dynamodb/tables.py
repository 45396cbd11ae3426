"""DynamoDB: the tables of the account, one copy in each region that has a replica.

A table's items live here; moto has the table without them, and gets the few that a call is about. Simplified:
a table made by CreateTable is moto's alone: no write log, no replicas, no exports.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.dynamodb.agenda import Agenda
from drcore.sandbox.services.dynamodb.history import LoggedWrite
from drcore.sandbox.services.dynamodb.items import Attributes, Key, Stamp, Stored
from drcore.sandbox.services.dynamodb.replica import Replica, ReplicaSettings, role_arn
from drcore.sandbox.services.dynamodb.replication import Deliveries
from drcore.sandbox.services.dynamodb.usage import Usage, units

GROWN_WARM = {"ReadUnitsPerSecond": 24_000, "WriteUnitsPerSecond": 9_000, "Status": "ACTIVE"}
"""What a table takes at once that has had as much traffic; a new one on demand takes half of it."""
FOUNDED = timedelta(days=300)
"""How long before the doors open the first tables were made: longer than any recovery window."""


class Tables:
    """All tables, with the agenda of what happens to them."""

    def __init__(self, world: World) -> None:
        self._world, self.account = world, world.account
        self._replicas: dict[tuple[str, str], Replica] = {}
        self._agenda = Agenda()
        self.later, self.catch_up = self._agenda.later, self._agenda.catch_up
        self._first = ""
        self.usage = world.state(Usage)
        self.deliveries = Deliveries(world, self._agenda, self.find)
        world.add_to_dump("dynamodb", self._state)
        world.add_to_dump("dynamodb settings", self._state_of_settings)

    def __getitem__(self, where: tuple[str, str]) -> Replica:
        """The copy of a table in a region; one that is not there is empty and takes no write."""
        return self._replicas.get(where) or self._replica(*where, ("pk", "sk"))

    def __iter__(self) -> Iterator[Replica]:
        return iter(list(self._replicas.values()))

    def find(self, region: str, name: str) -> Replica | None:
        """The copy of a table in a region, by its name or its ARN; None if there is none."""
        return self._replicas.get((region, name.rpartition("/")[2]))

    def backend(self, region: str) -> DynamoDBBackend:
        """The tables of a region as moto has them."""
        return backends.dynamodb(self.account, region)

    def create(
        self,
        name: str,
        replicas: Iterable[str] = ("us-east-1",),
        *,
        ttl: str = "",
        tags: Mapping[str, str] | None = None,
        recovery: bool = True,
        streams: bool = True,
        protected: bool = True,
    ) -> None:
        """An empty on-demand table with the key `pk`, `sk` (S), there since long ago; global with several replicas."""
        members, created = set(replicas), self._world.clock.now() - FOUNDED
        self._first = self._first or name
        for region in replicas:
            with self._world.clock.at(created):
                shape = {
                    "schema": [
                        {"AttributeName": "pk", "KeyType": "HASH"},
                        {"AttributeName": "sk", "KeyType": "RANGE"},
                    ],
                    "attr": [{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
                    "billing_mode": "PAY_PER_REQUEST",
                    "deletion_protection_enabled": protected,
                    "warm_throughput": dict(GROWN_WARM),
                }
                made = self.add(region, name, shape, ("pk", "sk"))
            made.members = members
            made.settings = ReplicaSettings(created if recovery else None, ttl=ttl, tags=dict(tags or {}))
            if streams:
                self.stream(made, True)

    def add(self, region: str, name: str, shape: Mapping[str, Any], schema: tuple[str, ...]) -> Replica:
        """A new empty table in a region; `shape` is what moto keeps of it."""
        given: dict[str, Any] = {
            "throughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
            "global_indexes": [],
            "indexes": [],
            "streams": {},
            "sse_specification": {},
            "tags": [],
            "deletion_protection_enabled": False,
            "warm_throughput": None,
        }
        self.backend(region).create_table(name, **(given | dict(shape)))
        return self.take_over(region, name, schema)

    def take_over(self, region: str, name: str, schema: tuple[str, ...]) -> Replica:
        """From now on a table that moto has made lives here."""
        made = self._replicas[region, name] = self._replica(region, name, schema)
        made.there = True
        return made

    def _replica(self, region: str, name: str, schema: tuple[str, ...]) -> Replica:
        return Replica(self.account, region, name, schema, self._world.clock.now(), self._written)

    def remove(self, replica: Replica) -> None:
        """The table is gone."""
        del self._replicas[replica.region, replica.name]
        replica.there = False
        self.backend(replica.region).tables.pop(replica.name, None)
        replica.members.discard(replica.region)

    def stream(self, replica: Replica, on: bool, view: str = "NEW_AND_OLD_IMAGES") -> None:
        """Switch a stream on or off. Simplified: nothing can be read from it."""
        table = replica.table
        table.stream_specification = {"StreamEnabled": True, "StreamViewType": view} if on else {"StreamEnabled": False}
        if on:
            table.latest_stream_label = f"{self._world.clock.now():%Y-%m-%dT%H:%M:%S.000}"

    def seed(self, name: str, items: Iterable[tuple[Attributes, Stamp]]) -> None:
        """Items that are at all replicas since long ago."""
        copies = [each for each in self._replicas.values() if each.name == name]
        for item, stamp in items:
            kept = Stored(item)
            for replica in copies:
                replica.seed(kept, stamp)

    def rewind(self, since: datetime) -> None:
        """Go back to `since`: what actors wrote after it is forgotten, and what was to happen.

        What was written through the API happens again in its time.
        """
        self._agenda.clear()
        self.deliveries.rewind()
        self.usage.rewind()
        for replica in self._replicas.values():
            for entry in replica.history.forget(since):
                if entry.by is None and not entry.replicated:
                    self.later(entry.at, partial(self._again, replica, entry))

    def _again(self, replica: Replica, entry: LoggedWrite, at: datetime) -> None:
        self.asked(replica, entry.key, entry.after, at)

    def tick(self, at: datetime) -> None:
        """Catch up, and publish what is to be measured."""
        self.catch_up(at)
        self.deliveries.tick(at)
        self.usage.tick(at)

    def role_arn(self, role: str) -> str:
        """The ARN of a role of this account."""
        return role_arn(self.account, role)

    def _written(self, replica: Replica, entry: LoggedWrite, operation: str, lag: float | None) -> None:
        """An actor has written."""
        self.usage.request(replica.region, replica.name, operation, entry.at)
        self.usage.units(replica.region, replica.name, "Write", entry.at, units(entry.after))
        self.deliveries.send(replica, entry, lag)

    def asked(self, replica: Replica, key: Key, item: Stored | None, at: datetime) -> None:
        """A write that came through the API and has been done; a deletion of nothing is none."""
        if item is None and replica.get(key) is None:
            return
        entry = replica.history.record(at, key, item, (at, replica.region))
        assert entry is not None  # only a replicated write can lose
        for region in replica.members:
            self[region, replica.name].written.pop(key, None)
        replica.written[key] = item
        self.deliveries.send(replica, entry, None)

    def _state(self) -> dict[str, Any]:
        """What was written through the API, by region; that of tables beside the first under the table's name."""
        shown: dict[str, Any] = {region: {} for region in self._world.regions}
        for replica in self._replicas.values():
            written = {"/".join(key): item for key, item in sorted(replica.written.items())}
            shown[replica.region] |= written if replica.name == self._first else {replica.name: written}
        return shown

    def _state_of_settings(self) -> dict[str, Any]:
        return {f"{each.region}/{each.name}": each.state() for each in self._replicas.values()}
