"""Syncs with partners: the calls that the sync jobs make, the work that waits.

A job calls its partner with the credential that lies in Secrets Manager. One that fails waits and is tried again; one
whose integration is switched off for its user waits until it is on again. Workers make at most so many calls a minute
to a partner as its flag says, what comes new first. Nothing is lost: work waits as long as it must.

Simplified: a job reads once and writes half of the time; one in ten renews a token before.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from random import Random

from drcore.sandbox.core.timestamps import MINUTE, epoch, floor
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples, Store
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.partner_accounts import PACE
from drcore.sandbox.syncwell.life.app_flags import ENTITIES, AppFlags
from drcore.sandbox.syncwell.life.minute_metrics import times
from drcore.sandbox.syncwell.life.random_counts import hits
from drcore.sandbox.syncwell.life.sync_jobs import STEP, Reached, SyncJobs
from drcore.sandbox.vendors.partners.state import OPERATIONS, PartnerCalls, Partners

CALLS = {"read-activities": 1.0, "write-activities": 0.5, "refresh-token": 0.1}
"""Calls of each operation for one job."""
GIVES_UP = 10_000.0
"""Milliseconds after which a worker waits no longer."""
SPACE = "SyncWell/Partner"
_SPREAD, _WORKERS = 0.4, 4
_SOME = 0.05
"""The share of the jobs from which on their failing is trouble."""


@dataclass(slots=True)
class Work:
    """The work of one integration in one region: what waits now; what ever had to wait, was done, was lost."""

    waiting: int = 0
    delayed: int = 0
    done: int = 0
    lost: int = 0
    asked: datetime | None = None
    """When it was worked off last."""


@dataclass(slots=True)
class CallTally:
    """The calls of one operation in one minute; `times` counts them by the median that they took."""

    calls: int = 0
    failed: int = 0
    times: Counter[float] = field(default_factory=Counter)


@dataclass(slots=True)
class PartnerMinute:
    """One integration in one region in one minute: its calls by operation, what waits at its end."""

    operations: dict[str, CallTally] = field(default_factory=lambda: {each: CallTally() for each in OPERATIONS})
    refused: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    delayed: int = 0


class PartnerSyncs:
    """The jobs of all integrations in both regions, as far as their partners go."""

    def __init__(self, world: World) -> None:
        self._world, self._partners, self._flags = world, world.state(Partners), world.state(AppFlags)
        self._stores = world.state(CloudWatch).stores
        self.work = {(region, name): Work() for region in world.regions for name in names.PARTNERS}
        self._minutes: dict[int, dict[tuple[str, str], PartnerMinute]] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._met = False
        self.watched: tuple[str, ...] = ()
        """The partners that a fault is about: whether users are well is asked of these."""
        self.healthy_since: datetime | None = None
        self.contained_at: datetime | None = None
        """Since when no job of theirs met trouble, for the first time since the fault."""
        world.state(SyncJobs).at_partner = self.at_partner

    def tick(self, at: datetime) -> None:
        """After the jobs of half a minute: whether those that are watched met trouble; at a full minute, publish."""
        if at.second % int(STEP.total_seconds()):
            return
        if not at.second:
            self.publish()
            self._keys.clear()
        if self.watched and self._met:
            self.healthy_since = None
        elif self.watched and self.healthy_since is None:
            self.healthy_since = at
            self.contained_at = self.contained_at or at
        self._met = False

    def begin(self, *partners: str, harmless: bool = False) -> None:
        """From now on trouble with these counts; where the fault is harmless, there is none."""
        self.watched, self.healthy_since, self.contained_at = partners, None, None
        if harmless:
            self.healthy_since = self.contained_at = self._world.clock.now()

    def at_partner(self, region: str, name: str, jobs: int, at: datetime, _: Random) -> Reached:
        """What becomes of new jobs at their partner, and of those that wait there."""
        stream = self._world.rng("partner jobs", region, name, epoch(at))
        with self._world.clock.at(at):
            return self._work(region, name, jobs, stream)

    def _work(self, region: str, name: str, new: int, stream: Random) -> Reached:
        now, work = self._world.clock.now(), self.work[region, name]
        minute = self._minutes.setdefault(floor(now), {}).setdefault((region, name), PartnerMinute())
        lasted = min(now - work.asked, timedelta(minutes=1)) if work.asked else STEP
        work.asked = now
        flag = names.integration_flag(name)
        share = self._flags.share(region, flag)
        fresh = hits(stream, new, share)
        pace = int(self._flags.of(region, ENTITIES[0]).get(flag, {}).get("calls_a_minute") or PACE)
        room = max(0, int(pace * lasted.total_seconds() / MINUTE / sum(CALLS.values())) - fresh)
        again = min(round(work.waiting * share), room)
        tried = fresh + again
        answers = [self._call(region, name, each, round(tried * CALLS[each]), minute, stream) for each in OPERATIONS]
        failed = min(tried, max(each.failed for each in answers))
        delayed = new - fresh + min(fresh, failed)
        work.delayed, minute.delayed = work.delayed + delayed, minute.delayed + delayed
        work.waiting += new - fresh - again + failed
        minute.waiting = work.waiting
        work.done += tried - failed
        self._met |= name in self.watched and failed > _SOME * tried
        return Reached(tried - failed, failed, new - fresh)

    def _call(
        self, region: str, name: str, operation: str, count: int, minute: PartnerMinute, stream: Random
    ) -> PartnerCalls:
        done = self._partners.call(name, operation, count, stream, self._key(region, name))
        tally = minute.operations[operation]
        tally.calls += count
        tally.failed += done.failed
        minute.refused.update(Unauthorized=done.unauthorized, Throttled=done.throttled)
        median = self._partners.known[name].health(operation, self._world.clock.now()).latency_ms
        tally.times[median] += count - done.timeouts
        tally.times[GIVES_UP] += done.timeouts
        return done

    def _key(self, region: str, name: str) -> str:
        """The credential as it lies in the region's Secrets Manager; workers read it anew each minute."""
        if (region, name) not in self._keys:
            secret = backends.secretsmanager(self._world.account, region).secrets.get(names.partner_secret(name))
            current = [v for v in secret.versions.values() if "AWSCURRENT" in v["version_stages"]] if secret else []
            self._keys[region, name] = str(current[0]["secret_string"]) if current else ""
        return self._keys[region, name]

    def publish(self) -> None:
        """Make metrics of the minutes that are over."""
        for begin in [each for each in self._minutes if each + MINUTE <= epoch(self._world.clock.now())]:
            for (region, name), minute in self._minutes.pop(begin).items():
                _publish(self._stores[region], begin, name, minute)


def _publish(store: Store, begin: int, name: str, minute: PartnerMinute) -> None:
    counted = {
        "Unauthorized": minute.refused["Unauthorized"],
        "Throttled": minute.refused["Throttled"],
        "Waiting": minute.waiting,
        "Delayed": minute.delayed,
        "Lost": 0,
    }
    for metric, count in counted.items():
        store.record(_metric(metric, name), begin, _reported(count))
    for operation, tally in minute.operations.items():
        store.record(_metric("Calls", name, operation), begin, _reported(tally.calls))
        store.record(_metric("Errors", name, operation), begin, _reported(tally.failed))
        if tally.calls:
            values = tuple(
                [
                    (milliseconds, weight * count)
                    for median, count in tally.times.items()
                    for milliseconds, weight in (times((median, _SPREAD)) if median < GIVES_UP else ((median, 1.0),))
                ]
            )
            store.record(_metric("Latency", name, operation), begin, MinuteSamples.of(values), "Milliseconds")


@cache
def _metric(metric: str, partner: str, operation: str = "") -> MetricName:
    of_operation = (("Operation", operation),) if operation else ()
    return MetricName(SPACE, metric, (*of_operation, ("Partner", partner)))


@lru_cache(maxsize=10_000)
def _reported(count: int) -> MinuteSamples:
    """A count as the four workers of a region report it, each its part: zero is reported, too."""
    part = count / _WORKERS
    return MinuteSamples(_WORKERS, count, part, part, ((part, _WORKERS),))
