"""Who writes to SyncWell's metadata: each region's canary, each region's sync workers.

Each half second a region writes its canary, each five seconds some users' metadata. A region that is isolated writes
no canary; for a minute its workers still finish what they had begun, mostly for users who by then have decided anew
elsewhere, and do not know of it: their late writes are the ones that win against a newer decision.
"""

from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.regions import ISOLATING, Regions
from drcore.sandbox.services.dynamodb_replication import (
    LONGEST_LAG,
    SHORTEST_LAG,
    Attributes,
    GlobalTable,
    Stamp,
)
from drcore.sandbox.services.times import epoch
from drcore.sandbox.world import World

USERS = 300
SLOT = timedelta(seconds=5)
CANARY = timedelta(seconds=0.5)
"""So often that the newest one elsewhere, with the longest lag, is younger than the recovery point of two seconds."""
IN_FLIGHT = timedelta(minutes=1)
"""So long after its region was isolated a worker may still write."""
_SOURCES = ("fitbit", "garmin", "polar", "strava")


class Writers:
    """The writers of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._regions, self._table = world, world.shelf(Regions), world.shelf(GlobalTable)
        self._moved: dict[str, list[int]] = {region: [] for region in world.regions}
        """By region that is isolated: the users who have been written elsewhere since."""
        self._lags = world.rng("canaries")
        """One stream, as the canaries go in the order of time whatever else happens."""

    def begin(self) -> None:
        """Seed the table and write from now on."""
        now, stream = self._world.clock.now(), self._world.rng("metadata")
        seeded: list[tuple[Attributes, Stamp]] = []
        for number in range(USERS):
            at, region = now - timedelta(seconds=stream.randint(60, 86_400)), stream.choice(self._world.regions)
            seeded.append((_metadata(number, region, at, stream), (at, region)))
        for region in self._world.regions:
            seeded.append((_canary(region, now), (now, region)))
        self._table.seed(seeded)
        self._table.at(now + SLOT, self._slot)
        self._table.at(now + CANARY, self._beat)

    def _beat(self, at: datetime) -> None:
        for region in self._world.regions:
            if not self._regions.out(region, at):
                lag = self._lags.uniform(SHORTEST_LAG, LONGEST_LAG)
                self._table.write(region, _canary(region, at), at, lag)
        self._table.at(at + CANARY, self._beat)

    def _slot(self, at: datetime) -> None:
        for region in self._world.regions:
            self._work(region, at)
        self._table.at(at + SLOT, self._slot)

    def _work(self, region: str, at: datetime) -> None:
        stream = self._world.rng("writes", region, epoch(at))
        alone, other = self._regions.out(region, at, ISOLATING), self._other(region)
        if not alone:
            self._moved[region].clear()
        for _ in range(2):
            moved = self._moved[region] if stream.random() < 0.7 else ()
            number = stream.choice(moved) if moved else stream.randrange(USERS)
            if self._regions.out(other, at, ISOLATING):
                self._moved[other].append(number)
            moment = at + timedelta(seconds=stream.uniform(0.01, 4.99))
            item = _metadata(number, region, moment, stream)
            self._write_at(moment, region, item, stream.uniform(SHORTEST_LAG, LONGEST_LAG))

    def _other(self, region: str) -> str:
        return next(other for other in self._world.regions if other != region)

    def _write_at(self, moment: datetime, region: str, item: Attributes, lag: float) -> None:
        def write(due: datetime) -> None:
            if not self._regions.out(region, due) or self._finishes(region, due):
                self._table.write(region, item, due, lag)

        self._table.at(moment, write)

    def _finishes(self, region: str, at: datetime) -> bool:
        """Whether a worker still goes on, as its region was isolated less than IN_FLIGHT ago."""
        return self._regions.out(region, at, ISOLATING) and not self._regions.out(region, at - IN_FLIGHT, ISOLATING)


def _metadata(number: int, region: str, at: datetime, stream: Random) -> Attributes:
    return {
        "pk": {"S": f"USER#{number:04d}"},
        "sk": {"S": "sync"},
        "PreferredSource": {"S": stream.choice(_SOURCES)},
        "Region": {"S": region},
        "UpdatedAt": {"S": precise(at)},
    }


def _canary(region: str, at: datetime) -> Attributes:
    return {
        "pk": {"S": f"CANARY#{region}"},
        "sk": {"S": "0"},
        "seq": {"N": str(int(at.timestamp() / CANARY.total_seconds()))},
        "ts": {"S": precise(at)},
    }


def precise(at: datetime) -> str:
    """`2026-01-05T09:00:00.000Z`, to the millisecond."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
