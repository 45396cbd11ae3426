"""SyncWell's users by market, each in the region that DNS gave it.

A market is forty cohorts; each asks DNS, keeps the answer for its TTL, goes where it says. Three in ten keep long-lived
connections: these go on where they are, while that works, for some minutes after DNS has changed. One in forty holds an
answer for three times its TTL, as bad resolvers do.

Simplified: a cohort's draw never changes, so equal weights mean equal shares; a survivor has room for everybody, and is
slower for a while; plan F's own metrics follow through `load`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.outages import ISOLATING, Regions
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples, Store
from drcore.sandbox.services.route53.operations import Route53
from drcore.sandbox.services.route53.zones import Record, Shares, Zone, chosen
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.markets import Market
from drcore.sandbox.syncwell.life.minute_metrics import shape
from drcore.sandbox.syncwell.life.random_counts import arrivals, hits
from drcore.sandbox.syncwell.life.serving import error_rate

MARKETS = (
    Market("na", "", 34.0, 21.0),
    Market("eu", "", 26.0, 17.0),
    Market("apac", "", 12.0, 6.0),
)
COHORTS = 40
STAY, STAY_IN_TROUBLE = (100.0, 480.0), (25.0, 90.0)
"""Seconds, mean and longest, that a long-lived connection goes on after DNS has changed; shorter if it gets errors."""
RESPONSE = 0.11
"""Median seconds of an answer at the load balancer."""
SETTLING = timedelta(minutes=3)
"""For so long a region that has just taken over is slower."""


@dataclass(slots=True)
class Cohort:
    """A fortieth of a market: goes to `region` until `leaves` at the latest, asks DNS again at `resolves`."""

    draw: float
    region: str
    resolves: datetime
    long_lived: bool
    patient: bool
    leaves: datetime | None = None
    target: str = ""


@dataclass(slots=True)
class Minute:
    """What happened since the last full minute."""

    requests: dict[str, int]
    errors: dict[str, int]
    asked: dict[str, int]
    failed: dict[str, int]


class UserBase:
    """The users of all markets."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._regions, self._watch = world.state(Regions), world.state(CloudWatch)
        self._zone: Zone = world.state(Route53).zones[names.ZONE_ID]
        self._began = {region: world.clock.now() - timedelta(days=1) for region in world.regions}
        self._usual = True
        self._minute = self._new_minute()
        self._errors: dict[str, float] = {}
        self.cohorts = {market.name: self._cohorts(market.name) for market in MARKETS}
        self.failover_at: datetime | None = None
        self.last_moved: datetime | None = None
        self._left: dict[str, datetime] = {}
        self._answered = frozenset(world.regions)

    def tick(self, at: datetime) -> None:
        """Let the users of the ten seconds before `at` ask DNS, then the service; at a full minute, publish."""
        self._resolve(at)
        self.serve(at, TICK)

    def serve(self, at: datetime, lasted: timedelta) -> None:
        """Send the requests of the time before `at`, which lies in one minute."""
        middle = at - lasted / 2
        stream = self._world.rng("users", epoch(at))
        if at.second % 30 == 0 or not self._errors:
            self._errors = {r: error_rate(self._world, r) for r in self._world.regions}
        error = {r: self._error(r, middle) for r in self._world.regions}
        for market in MARKETS:
            left = arrivals(stream, market.demand(middle) * lasted.total_seconds())
            remaining = 1.0
            for region, share in self.shares(market.name).items():
                requests = hits(stream, left, min(1.0, share / remaining))
                left, remaining = left - requests, max(1e-9, remaining - share)
                self._ask(market.name, region, requests, error[region], stream)
        if at.second == 0:
            self._publish(at)

    def shares(self, market: str) -> dict[str, float]:
        """The share of a market's users that go to each region."""
        where = [cohort.region for cohort in self.cohorts[market]]
        return {region: where.count(region) / len(where) for region in self._world.regions}

    def load(self, region: str) -> float:
        """How much of its usual share a region gets: exactly 1 while everything is as usual."""
        if self._usual:
            return 1.0
        total = sum(market.rate for market in MARKETS)
        return 2 * sum(market.rate * self.shares(market.name)[region] for market in MARKETS) / total

    def last_client_moved(self) -> datetime | None:
        """When the last client left the region that failed last; None while one is still there."""
        return self.last_moved

    def answered(self, at: datetime) -> dict[str, float]:
        """The share of the DNS answers that each region is."""
        shares = {_region(record): share for record, share in self._answers(at)}
        return {region: shares.get(region, 0.0) for region in self._world.regions}

    def _answers(self, at: datetime) -> Shares:
        return self._zone.answers(names.RECORD, "A", at)

    def _resolve(self, at: datetime) -> None:
        for cohorts in self.cohorts.values():
            for cohort in cohorts:
                if cohort.resolves <= at:
                    self._ask_dns(cohort)
                if cohort.leaves is not None and (cohort.leaves <= at or not self._reachable(cohort.region, at)):
                    self._move(cohort, cohort.target, min(cohort.leaves, at))
        self._note(at)

    def _ask_dns(self, cohort: Cohort) -> None:
        moment = cohort.resolves
        record = chosen(self._answers(moment), cohort.draw)
        ttl = int(record.get("TTL", names.TTL)) if record else names.TTL
        cohort.resolves = moment + timedelta(seconds=ttl * (3 if cohort.patient else 1))
        target = _region(record) if record else cohort.region
        if target in ("", cohort.region):
            cohort.leaves = None
        elif not cohort.long_lived or not self._reachable(cohort.region, moment):
            self._move(cohort, target, moment)
        elif cohort.leaves is None or cohort.target != target:
            cohort.target, cohort.leaves = target, moment + self._stay(cohort, moment)

    def _stay(self, cohort: Cohort, at: datetime) -> timedelta:
        mean, longest = STAY_IN_TROUBLE if self._regions.out(cohort.region, at) else STAY
        stay = self._world.rng("connection", cohort.draw, at).expovariate(1 / mean)
        return timedelta(seconds=min(stay, longest))

    def _move(self, cohort: Cohort, target: str, at: datetime) -> None:
        self._left[cohort.region] = at if cohort.region not in self._left else max(at, self._left[cohort.region])
        if self.load(target) < 1.3:
            self._began[target] = at
        cohort.region, cohort.leaves = target, None
        self._usual = False
        self._usual = all(abs(share - 0.5) < 1e-9 for m in MARKETS for share in self.shares(m.name).values())

    def _note(self, at: datetime) -> None:
        """Take down a failover: when DNS stopped to name a region, when its last client had left."""
        answered = frozenset(region for region, share in self.answered(at).items() if share)
        gone = self._answered - answered
        if gone:
            self.failover_at, self.last_moved = self._since(at), None
            for region in gone:
                self._left.pop(region, None)
        self._answered = answered
        if self.failover_at and self.last_moved is None:
            out = [region for region in self._world.regions if region not in answered]
            if out and not any(c.region in out for cohorts in self.cohorts.values() for c in cohorts):
                self.last_moved = max((self._left[r] for r in out if r in self._left), default=self.failover_at)

    def _since(self, at: datetime) -> datetime:
        """The moment, in the ten seconds before `at`, at which DNS began to answer as it does at `at`."""
        now, moment = self.answered(at), at
        while moment > at - TICK and self.answered(moment - timedelta(seconds=0.5)) == now:
            moment -= timedelta(seconds=0.5)
        return moment

    def _reachable(self, region: str, at: datetime) -> bool:
        return not self._regions.out(region, at, ISOLATING)

    def _error(self, region: str, at: datetime) -> float | None:
        """The share of requests that the region answers with 5xx; None if it answers nothing."""
        if not self._reachable(region, at):
            return None
        return 1.0 if self._regions.out(region, at) else self._errors[region]

    def _ask(self, market: str, region: str, requests: int, error: float | None, stream: Random) -> None:
        minute = self._minute
        failed = requests if error is None else hits(stream, requests, error)
        minute.asked[market] += requests
        minute.failed[market] += failed
        if error is not None:
            minute.requests[region] += requests
            minute.errors[region] += failed

    def _publish(self, at: datetime) -> None:
        """The minute's metrics: the load balancers' in their regions, the external prober's where it can write."""
        minute, begin = self._minute, epoch(at) - MINUTE
        for region in self._world.regions:
            if self._reachable(region, at):
                store = self._watch.stores[region]
                if minute.requests[region]:
                    self._balancer(store, region, begin, at)
                for market, asked in minute.asked.items():
                    failure = _percent(minute.failed[market], asked)
                    store.record(_PROBES[market], begin, failure, "Percent")
        self._minute = self._new_minute()

    def _balancer(self, store: Store, region: str, begin: int, at: datetime) -> None:
        requests = self._minute.requests[region]
        settling = not self._usual and at - self._began[region] < SETTLING
        median = RESPONSE * (1 + 0.15 * max(0.0, self.load(region) - 1)) * (1.5 if settling else 1.0)
        median *= self._world.rng("response", region, begin).gauss(1.0, 0.02)
        times = MinuteSamples.of(tuple((median * factor, weight * requests) for factor, weight in shape(0.45)))
        counted = _BALANCERS[region]
        store.record(counted["RequestCount"], begin, MinuteSamples(requests, requests, 1.0, 1.0, ((1.0, requests),)))
        store.record(
            counted["HTTPCode_ELB_5XX_Count"], begin, MinuteSamples.share(self._minute.errors[region], requests)
        )
        store.record(counted["TargetResponseTime"], begin, times, "Seconds")

    def _cohorts(self, market: str) -> list[Cohort]:
        stream, now = self._world.rng("cohorts", market), self._world.clock.now()
        cohorts = []
        for number in range(COHORTS):
            draw = (number + 0.5) / COHORTS
            record = chosen(self._answers(now), draw)
            region = _region(record) if record else self._world.regions[0]
            resolves = now + timedelta(seconds=stream.uniform(0, names.TTL))
            cohorts.append(Cohort(draw, region, resolves, stream.random() < 0.3, number % COHORTS == COHORTS // 4))
        return cohorts

    def _new_minute(self) -> Minute:
        regions, markets = self._world.regions, [market.name for market in MARKETS]
        return Minute(*(dict.fromkeys(keys, 0) for keys in (regions, regions, markets, markets)))


def _region(record: Record) -> str:
    """The region that a record of the service sends to."""
    if "AliasTarget" in record:
        host = record["AliasTarget"]["DNSName"].rstrip(".")
        return next((region for region, name in names.BALANCER_HOSTS.items() if name == host), "")
    first = record["ResourceRecords"][0]["Value"]
    return next((region for region, nodes in names.NODES.items() if first in nodes), "")


def _percent(hit: int, samples: int) -> MinuteSamples:
    return MinuteSamples.of(((0.0, samples - hit), (100.0, hit))) if samples else MinuteSamples.of(((0.0, 1.0),))


_PROBES = {market.name: MetricName("SyncWell/Probe", "UserFailure", (("Market", market.name),)) for market in MARKETS}
_BALANCERS = {
    region: {
        name: MetricName("AWS/ApplicationELB", name, (("LoadBalancer", names.load_balancer(region)),))
        for name in ("RequestCount", "HTTPCode_ELB_5XX_Count", "TargetResponseTime")
    }
    for region in World.regions
}
