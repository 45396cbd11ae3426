"""DynamoDB: the tables of the account, one copy in each region that has a replica.

A table's items live here; moto has the table without them, and is lent the few that a call is about. Simplified:
a table made by CreateTable is moto's alone: no write log, no replicas, no exports.
"""

import heapq
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import md5
from itertools import count
from typing import Any
from uuid import UUID

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.history import Entry, History
from drcore.sandbox.services.dynamodb.items import Attributes, Key, Stamp, Stored, key_of
from drcore.sandbox.services.dynamodb.policy import Policy, refuses
from drcore.sandbox.services.dynamodb.replication import Deliveries
from drcore.sandbox.services.dynamodb.usage import Usage, units

FOUNDED = timedelta(days=300)
"""How long before the doors open the first tables were made: longer than any recovery window."""


@dataclass(slots=True)
class Settings:
    """What a table has beside its items; none of it comes along with a restore."""

    recovery_since: datetime | None = None
    """Since when point-in-time recovery is on; None: it is off."""
    recovery_days: int = 35
    ttl: str = ""
    """The attribute with the time to live; empty: it is off."""
    ttl_settled: datetime | None = None
    """When the last change of it has come into force."""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Origin:
    """Where a restored table comes from."""

    source_arn: str
    moment: datetime


class Replica:
    """One region's copy of a table."""

    def __init__(self, tables: "Tables", region: str, name: str, schema: tuple[str, ...], created: datetime) -> None:
        self._tables = tables
        self.region, self.name, self.schema, self.created = region, name, schema, created
        self.history = History()
        self.settings = Settings()
        self.origin: Origin | None = None
        self.busy: tuple[str, datetime] | None = None
        """The status that the table has until a moment, after which it is ACTIVE."""
        self.policies: list[Policy] = []
        """The resource policies that the table has had, oldest first."""
        self.replicated_at: datetime | None = None
        """When the last replica was made from this one."""
        self.members: set[str] = {region}
        """The regions with a replica of this table; the same set at each of them."""
        self.written: dict[Key, Stored | None] = {}
        """What was last written through the API here: the state of the account; actors' writes are its life."""

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self._tables.account}:table/{self.name}"

    @property
    def id(self) -> str:
        """The id that AWS gives a table, which a later one of the same name does not have."""
        return str(UUID(bytes=md5(f"{self.arn}:{self.created}".encode(), usedforsecurity=False).digest()))

    def shape(self) -> dict[str, Any]:
        """What a table that is made from this one has of it: keys, indexes, billing and encryption."""
        table = self.table
        index = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")
        return {
            "schema": deepcopy(table.schema),
            "attr": deepcopy(table.attr),
            "billing_mode": table.billing_mode,
            "throughput": {name: table.throughput[name] for name in ("ReadCapacityUnits", "WriteCapacityUnits")},
            "global_indexes": [{n: deepcopy(each.describe()[n]) for n in index} for each in table.global_indexes],
            "indexes": [{n: deepcopy(each.describe()[n]) for n in index[:3]} for each in table.indexes],
            "sse_specification": deepcopy(table.sse_specification),
        }

    @property
    def there(self) -> bool:
        """Whether the table exists."""
        return self._tables.find(self.region, self.name) is self

    @property
    def table(self) -> Table:
        """The table as moto has it, without its items."""
        return self._tables.backend(self.region).tables[self.name]

    @property
    def log(self) -> list[Entry]:
        """Every write since the beginning, oldest first."""
        return self.history.entries

    def status(self, now: datetime) -> str:
        """CREATING, UPDATING or ACTIVE."""
        return self.busy[0] if self.busy and now < self.busy[1] else "ACTIVE"

    def denies(self, principal: str, operation: str, at: datetime) -> bool:
        """Whether the policy in force at a moment denies an operation to a role."""
        in_force = next((policy for policy in reversed(self.policies) if policy.since <= at), None)
        return in_force is not None and refuses(in_force.text, principal, f"dynamodb:{operation}", self.arn)

    def state(self) -> dict[str, Any]:
        """What the table is beside its items, without what time alone changes."""
        return {
            "recovery_since": self.settings.recovery_since,
            "recovery_days": self.settings.recovery_days,
            "ttl": self.settings.ttl,
            "tags": self.settings.tags,
            "origin": self.origin,
            "members": self.members,
            "policy": self.policies[-1].text if self.policies else "",
        }

    def get(self, key: Key, at: datetime | None = None) -> Stored | None:
        """An item as this copy has it, or had it at a moment; not to be changed."""
        return self.history.now.get(key) if at is None else self.history.image(key, at)

    def items(self) -> ItemsView[Key, Stored]:
        """Keys with items as this copy has them; not to be changed."""
        return self.history.now.items()

    def at(self, moment: datetime) -> dict[Key, Stored]:
        """The items at a moment: with every write whose time is not after it."""
        return self.history.at(moment)

    def seed(self, item: Attributes, stamp: Stamp) -> None:
        """An item that is here since long ago."""
        self.history.begin(key_of(item, self.schema), item, stamp)

    def write(
        self,
        key: Key,
        item: Attributes | None,
        at: datetime,
        by: str | None = None,
        lag: float | None = None,
        replicate: bool = True,
        operation: str = "",
    ) -> bool:
        """An actor's write (None deletes) at a moment that is now or past, as role `by`.

        Returns False where the table is not there or its policy denies it. `lag`: seconds to the other replicas.
        """
        return self._tables.write(self, key, item, at, by, lag, replicate, operation)


class Tables:
    """All tables, and the agenda of what happens to them: in `catch_up`, event by event in the order of time."""

    def __init__(self, world: World) -> None:
        self._world, self.account = world, world.account
        self._replicas: dict[tuple[str, str], Replica] = {}
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._number = count()
        self._first = ""
        self.usage = world.shelf(Usage)
        self.deliveries = Deliveries(world, self)
        world.state_of("dynamodb", self._state)
        world.state_of("dynamodb settings", self._state_of_settings)

    def __getitem__(self, where: tuple[str, str]) -> Replica:
        """The copy of a table in a region; one that is not there is empty and takes no write."""
        return self._replicas.get(where) or Replica(self, *where, ("pk", "sk"), self._world.clock.now())

    def __iter__(self) -> Iterator[Replica]:
        return iter(list(self._replicas.values()))

    def find(self, region: str, name: str) -> Replica | None:
        """The copy of a table in a region, by its name or its ARN; None if there is none."""
        return self._replicas.get((region, name.rpartition("/")[2]))

    def backend(self, region: str) -> DynamoDBBackend:
        """The tables of a region as moto has them."""
        return dynamodb_backends[self.account][region]

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
                }
                made = self.add(region, name, shape, ("pk", "sk"))
            made.members = members
            made.settings = Settings(created if recovery else None, ttl=ttl, tags=dict(tags or {}))
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
        made = self._replicas[region, name] = Replica(self, region, name, schema, self._world.clock.now())
        return made

    def remove(self, replica: Replica) -> None:
        """The table is gone."""
        del self._replicas[replica.region, replica.name]
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

    def later(self, moment: datetime, fn: Callable[[datetime], None]) -> None:
        """Let `fn(moment)` happen."""
        heapq.heappush(self._agenda, (moment, next(self._number), fn))

    def catch_up(self, now: datetime) -> None:
        """Let everything happen that is due until `now`."""
        while self._agenda and self._agenda[0][0] <= now:
            moment, _, fn = heapq.heappop(self._agenda)
            fn(moment)

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

    def _again(self, replica: Replica, entry: Entry, at: datetime) -> None:
        self.asked(replica, entry.key, entry.after, at)

    def tick(self, at: datetime) -> None:
        """Catch up, and publish what is to be measured."""
        self.catch_up(at)
        self.deliveries.tick(at)
        self.usage.tick(at)

    def role_arn(self, role: str) -> str:
        """The ARN of a role of this account."""
        return f"arn:aws:iam::{self.account}:role/{role}"

    def write(
        self,
        replica: Replica,
        key: Key,
        item: Attributes | None,
        at: datetime,
        by: str | None,
        lag: float | None,
        replicate: bool,
        operation: str = "",
    ) -> bool:
        """See Replica.write."""
        operation = operation or ("DeleteItem" if item is None else "PutItem")
        if not replica.there or replica.status(at) in ("CREATING", "DELETING"):
            return False
        if by is not None and replica.denies(self.role_arn(by), operation, at):
            return False
        entry = replica.history.record(at, key, item, (at, replica.region), by)
        assert entry is not None  # only a replicated write can lose
        self.usage.request(replica.region, replica.name, operation, at)
        self.usage.units(replica.region, replica.name, "Write", at, units(entry.after))
        if replicate:
            self.deliveries.send(replica, entry, lag)
        return True

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
