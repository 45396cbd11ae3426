"""The users' requests: counted each ten seconds from the state of the resources, emitted each full minute."""

from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.outages import ISOLATING, Regions
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.markets import SHARES, demand
from drcore.sandbox.syncwell.life.minute_metrics import Counts, Tally
from drcore.sandbox.syncwell.life.random_counts import arrivals, hits
from drcore.sandbox.syncwell.life.serving import ServedVersion, definitions, served
from drcore.sandbox.syncwell.life.users import UserBase

COLD_SHARE = 0.06
"""Requests that meet a cold start while provisioned concurrency is being allocated; else RARELY_COLD."""
RARELY_COLD = 0.001
COLD_START = 900.0
"""Milliseconds on top."""
CLIENT_ERRORS = 0.012
"""Requests to the API that are the client's fault, whatever we do."""


class MarketTraffic:
    """The requests of both markets, and since when none of them met a bad release."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stores = world.state(CloudWatch).stores
        self._regions, self._users = world.state(Regions), world.state(UserBase)
        self._tallies = {region: Tally() for region in world.regions}
        self.bad_release: str | None = None
        self.healthy_since: datetime | None = None

    def tick(self, at: datetime) -> None:
        """Serve the ten seconds before `at`; at a full minute, emit it."""
        self.serve(at, TICK)

    def serve(self, at: datetime, lasted: timedelta) -> None:
        """Serve the time before `at`, which lies in one minute, with the resources as they are now."""
        met_bad = False
        for region in self._world.regions:
            met_bad |= self._serve(region, at, lasted)
            if at.second == 0:
                minute = epoch(at) - MINUTE
                stream = self._world.rng("minute", region, minute)
                self._tallies[region].emit(self._stores[region], minute, stream)
                self._tallies[region] = Tally()
        if met_bad:
            self.healthy_since = None
        elif self.healthy_since is None:
            self.healthy_since = at

    def restart(self) -> None:
        """Forget the minute that has begun."""
        self._tallies = {region: Tally() for region in self._world.regions}

    def _serve(self, region: str, at: datetime, lasted: timedelta) -> bool:
        stream = self._world.rng("traffic", region, epoch(at))
        middle = at - lasted / 2
        tally = self._tallies[region]
        if self._regions.out(region, middle, ISOLATING):
            return False
        wanted = demand(region, middle) * self._users.load(region) * lasted.total_seconds()
        if self._regions.out(region, middle):
            lost = arrivals(stream, wanted)
            tally.requests, tally.server_errors = tally.requests + lost, tally.server_errors + lost
            return False
        met_bad = self.bad_release is not None and self.bad_release in definitions(self._world, region)
        left: dict[str, int] = {name: arrivals(stream, wanted * SHARES[name]) for name in names.FUNCTIONS}
        rows = served(self._world, region)
        remaining = dict.fromkeys(names.FUNCTIONS, 1.0)
        for row in rows:
            requests = hits(stream, left[row.function], min(1.0, row.share / remaining[row.function]))
            left[row.function] -= requests
            remaining[row.function] = max(1e-9, remaining[row.function] - row.share)
            _count(tally, row, requests, stream)
            met_bad |= row.code.bad and requests > 0
        return met_bad


def _count(tally: Tally, row: ServedVersion, requests: int, stream: Random) -> None:
    counts = tally.of(row.function, row.version)
    throttled = requests if row.throttled else 0
    counts.throttles += throttled
    ran = requests - throttled
    errors = hits(stream, ran, row.code.errors)
    counts.invocations += ran
    counts.errors += errors
    _time(counts, row, ran, stream)
    if row.function in names.API_FUNCTIONS:
        handled = hits(stream, ran - errors, row.code.refused)
        handled += hits(stream, ran - errors - handled, row.mismatched)
        tally.requests += requests
        tally.server_errors += errors + handled
        tally.client_errors += throttled  # answered with 429
        tally.client_errors += hits(stream, ran - errors - handled, CLIENT_ERRORS)


def _time(counts: Counts, row: ServedVersion, ran: int, stream: Random) -> None:
    code = row.code
    slow = hits(stream, ran, code.slow)
    cold = hits(stream, ran - slow, COLD_SHARE if row.cold else RARELY_COLD)
    counts.add((code.slow_median, 0.3), slow)
    counts.add((code.median + COLD_START, 0.2), cold)
    counts.add((code.median, code.spread), ran - slow - cold)
