"""DynamoDB: the first global table of the account, as its writers see it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.items import Attributes, Key, Stamp, key_of
from drcore.sandbox.services.dynamodb.replication import LONGEST_LAG, SHORTEST_LAG
from drcore.sandbox.services.dynamodb.tables import Tables

__all__ = ["LONGEST_LAG", "SHORTEST_LAG", "Attributes", "GlobalTable", "Stamp"]


class GlobalTable:
    """A table with a replica in each region."""

    def __init__(self, world: World) -> None:
        self._world, self._tables = world, world.state(Tables)
        self._deliveries = deliveries = self._tables.deliveries
        self.name = ""
        self.pending, self.overwritten, self.lost_at = deliveries.pending, deliveries.overwritten, deliveries.lost_at
        self.at, self.catch_up, self.tick = self._tables.later, self._tables.catch_up, self._tables.tick

    def create(self, name: str, *, ttl: str = "", tags: Mapping[str, str] | None = None) -> None:
        """The empty table with a replica in each region."""
        self.name = name
        self._tables.create(name, self._world.regions, ttl=ttl, tags=tags)

    def seed(self, items: Iterable[tuple[Attributes, Stamp]]) -> None:
        """Items that are at all replicas since long ago."""
        self._tables.seed(self.name, items)

    def publish(self, source: str, target: str, minute: int, values: list[float]) -> None:
        """Some milliseconds of lag in a minute; no value is no point."""
        self._deliveries.publish(self.name, source, target, minute, values)

    def write(self, region: str, item: Attributes, at: datetime, lag: float) -> None:
        """An actor's write, `lag` seconds away from the other replica."""
        self._tables[region, self.name].write(key_of(item, ("pk", "sk")), item, at, lag=lag)

    def get(self, region: str, key: Key) -> Attributes | None:
        """An item as that replica has it."""
        return self._tables[region, self.name].get(key)
