"""Who reads the users' configurations: each request to the API, each job, from the table that was taken up."""

from datetime import datetime, timedelta

from drcore.sandbox.core.outages import Regions
from drcore.sandbox.core.timestamps import MINUTE
from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.markets import SHARES, demand
from drcore.sandbox.syncwell.life.table_bindings import TableBindings
from drcore.sandbox.syncwell.life.users import UserBase

JOBS = 0.5
"""Reads a second of a worker of ECS, for the jobs that it looks after."""


class TableReaders:
    """The reads of both regions, counted once a minute. Simplified: each is one small item, eventually consistent."""

    def __init__(self, world: World) -> None:
        self._world, self._regions, self._tables = world, world.state(Regions), world.state(Tables)
        self._bindings, self._users = world.state(TableBindings), world.state(UserBase)

    def tick(self, at: datetime) -> None:
        """At a full minute, count those of the minute before."""
        if at.second:
            return
        for region in self._world.regions:
            if not self._regions.out(region, at):
                for table, reads in self._by_table(region, at).items():
                    self._count(region, table, at, round(reads))

    def _by_table(self, region: str, at: datetime) -> dict[str, float]:
        requests_by_table: dict[str, float] = {}
        requests = demand(region, at) * MINUTE * self._users.load(region)
        for name in names.FUNCTIONS:
            if self._bindings.open(region, name) and self._fed(region, name):
                for bound in self._bindings.function(region, name):
                    requests_by_table[bound.table] = (
                        requests_by_table.get(bound.table, 0.0) + requests * SHARES[name] * bound.share
                    )
        for bound in self._bindings.tasks(region):
            requests_by_table[bound.table] = requests_by_table.get(bound.table, 0.0) + JOBS * MINUTE
        return requests_by_table

    def _fed(self, region: str, name: str) -> bool:
        return name != names.WORKER_FUNCTION or self._bindings.polling(region)

    def _count(self, region: str, table: str, at: datetime, reads: int) -> None:
        minute = at - timedelta(seconds=MINUTE)
        if reads and self._tables[region, table].there:
            self._tables.usage.request(region, table, "GetItem", minute, reads)
            self._tables.usage.units(region, table, "Read", minute, reads / 2)
