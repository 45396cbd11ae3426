"""Who writes to SyncWell's metadata: each region's canary, its users, its nightly tidy-up.

Each half second a region writes its canary, each five seconds some users' metadata. A region that is isolated writes
no canary; for a minute its workers still finish what they had begun, mostly for users who by then have decided anew
elsewhere, and do not know of it: their late writes are the ones that win against a newer decision.
"""

from datetime import datetime, timedelta
from functools import partial
from random import Random

from drcore.sandbox.core.outages import ISOLATING, Regions
from drcore.sandbox.core.timestamps import epoch, precise
from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.replication_view import LONGEST_LAG, SHORTEST_LAG
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.releases import STABLE
from drcore.sandbox.syncwell.life.configurations import Item, booked, key, long_known
from drcore.sandbox.syncwell.life.service_mode import ServiceMode
from drcore.sandbox.syncwell.life.table_bindings import TableBindings
from drcore.sandbox.syncwell.life.timeline import HISTORY
from drcore.sandbox.syncwell.life.user_edits import SIGN_UPS, Edits, new_user

__all__ = ["IN_FLIGHT", "SLOT", "TableWriters"]

SLOT = timedelta(seconds=5)
CANARY = timedelta(seconds=0.5)
"""So often that the newest one elsewhere, with the longest lag, is younger than the recovery point of two seconds."""
IN_FLIGHT = timedelta(minutes=1)
"""So long after its region was isolated a worker may still write."""
TIDIED = 100
"""So many items a tidy-up looks at, one each six seconds."""
_ARCHIVED = {"BOOL": True}


class TableWriters:
    """The writers of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._regions, self._tables = world, world.state(Regions), world.state(Tables)
        self._bindings, self._edits = world.state(TableBindings), world.state(Edits)
        self._mode = world.state(ServiceMode)
        self._moved: dict[str, list[int]] = {region: [] for region in world.regions}
        """By region that is isolated: the users who have been written elsewhere since."""
        self._lags = world.rng("canaries")
        """One stream, as the canaries go in the order of time whatever else happens."""

    def begin(self) -> None:
        """Seed the table and write from now on."""
        now, stream, regions = self._world.clock.now(), self._world.rng("metadata"), self._world.regions
        writer = f"api/{STABLE}"
        seeded: list[tuple[Item, tuple[datetime, str]]] = []
        for number in range(self._world.users):
            at = now - HISTORY - timedelta(seconds=int(stream.random() * 86_400 * 30))
            region = regions[int(stream.random() * len(regions))]
            seeded.append((long_known(number, region, at, writer, stream), (at, region)))
        for region in regions:
            seeded.append((_canary(region, now), (now, region)))
        self._tables.seed(names.TABLE, seeded)
        self.go(now)

    def go(self, since: datetime) -> None:
        """Write from that moment on."""
        self._tables.later(since + CANARY, self._beat)
        self._tables.later(since + SLOT, self._slot)
        for region, (hour, minute) in names.TIDY_AT.items():
            first = since.replace(hour=hour, minute=minute, second=0, microsecond=0)
            first += timedelta(days=first <= since)
            self._tables.later(first, partial(self._tidy, region))

    def _beat(self, at: datetime) -> None:
        for region in self._world.regions:
            if not self._regions.out(region, at) and self._bindings.ruled(region, names.CANARY_RULE):
                lag = self._lags.uniform(SHORTEST_LAG, LONGEST_LAG)
                item, table = _canary(region, at), self._tables[region, self._bindings.named(region)]
                table.write((item["pk"]["S"], item["sk"]["S"]), item, at, by=names.EVENTS_ROLE, lag=lag)
        self._tables.later(at + CANARY, self._beat)

    def _slot(self, at: datetime) -> None:
        for number, region in enumerate(self._world.regions):
            self._work(region, at, number)
            if not self._regions.out(region, at):
                self._edits.work_off(region, at)
        self._tables.later(at + SLOT, self._slot)

    def _work(self, region: str, at: datetime, index: int) -> None:
        stream = self._world.rng("writes", region, epoch(at))
        alone, other = self._regions.out(region, at, ISOLATING), self._other(region)
        if not alone:
            self._moved[region].clear()
        for _ in range(2):
            moved = self._moved[region] if stream.random() < 0.7 else ()
            number = stream.choice(moved) if moved else stream.randrange(self._world.users)
            if not alone and stream.random() < SIGN_UPS:
                number = new_user(at, index)
            if self._regions.out(other, at, ISOLATING):
                self._moved[other].append(number)
            moment = at + timedelta(seconds=stream.uniform(0.01, 4.99))
            self._write_at(moment, region, number, stream)

    def _other(self, region: str) -> str:
        return next(other for other in self._world.regions if other != region)

    def _write_at(self, moment: datetime, region: str, number: int, stream: Random) -> None:
        def write(due: datetime) -> None:
            if not self._regions.out(region, due) or self._finishes(region, due):
                self._edits.edit(region, number, due, stream, stream.uniform(SHORTEST_LAG, LONGEST_LAG))

        self._tables.later(moment, write)

    def _finishes(self, region: str, at: datetime) -> bool:
        """Whether a worker still goes on, as its region was isolated less than IN_FLIGHT ago."""
        return self._regions.out(region, at, ISOLATING) and not self._regions.out(region, at - IN_FLIGHT, ISOLATING)

    def _tidy(self, region: str, at: datetime, looked_at: int = 0) -> None:
        """Mark one item of a user who has left as put away, then the next."""
        if looked_at == 0:
            self._tables.later(at + timedelta(days=1), lambda due: self._tidy(region, due))
        if self._regions.out(region, at) or not self._bindings.ruled(region, names.TIDY_RULE):
            return
        if not self._mode.takes(region, "scheduled"):
            return
        stream, table = self._world.rng("tidy", region, epoch(at)), self._tables[region, self._bindings.named(region)]
        start = stream.randrange(self._world.users)
        users = self._world.users
        items = (table.get(key((start + each) % users)) for each in range(users))
        item = next((each for each in items if each and "DeletedAt" in each and "Archived" not in each), None)
        if item is not None:
            done = booked(item, {"Archived": _ARCHIVED}, region, at, f"tidy/{STABLE}")
            table.write((item["pk"]["S"], item["sk"]["S"]), done, at, by=names.EVENTS_ROLE)
        if looked_at + 1 < TIDIED:
            self._tables.later(at + timedelta(seconds=6), lambda due: self._tidy(region, due, looked_at + 1))


def _canary(region: str, at: datetime) -> Item:
    return {
        "pk": {"S": f"CANARY#{region}"},
        "sk": {"S": "0"},
        "seq": {"N": str(int(at.timestamp() / CANARY.total_seconds()))},
        "ts": {"S": precise(at)},
    }
