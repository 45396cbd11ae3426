"""The sync jobs: each minute so many for each integration, whose conflicts the AI is asked to resolve.

A conflict goes to the AI endpoint or, where it is one of texts, to the LLM. Where that fails, or has not answered in
time, the engine logs the error, skips the merge and falls back to `Prioritize Source`; the job goes on. Each conflict
is a line of JSON in the log of its region, the counts of each minute are metrics.

Jobs move each half minute, as the state of the resources is in its middle. Simplified: they follow the users' demand,
whatever the workers of plan G do; a conflict asks the AI once, and a client's retries count as one call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.core.outages import HALTING, Regions
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.markets import SHARES, demand
from drcore.sandbox.syncwell.life.ai_calls import AiCalls, Resolution
from drcore.sandbox.syncwell.life.random_counts import arrivals, hits
from drcore.sandbox.syncwell.life.timeline import HISTORY
from drcore.sandbox.syncwell.life.users import UserBase

INTEGRATIONS: Mapping[str, float] = {"strideon": 0.4, "pulsewatch": 0.3, "nutrilog": 0.2, "sleepring": 0.1}
"""Of the jobs, those that sync with each partner."""
STEP = timedelta(seconds=30)
LOGGED = timedelta(minutes=40)
"""Before the doors open, lines are written for so long: of older conflicts only the counts are known."""
FAILING = 0.002
"""Of the jobs, those that fail for reasons of their own, whatever else happens."""
CONFLICTS = 0.025
"""Of the jobs, those that meet a conflict."""
NAMESPACE = "SyncWell/Sync"


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of the jobs of one integration at its partner: `held` wait and are no jobs of this minute yet."""

    done: int
    failed: int = 0
    held: int = 0


AtPartner = Callable[[str, str, int, datetime, Random], Reached]
"""Region, integration, jobs, the moment, chance: what becomes of them at the partner."""


@dataclass(slots=True)
class JobsMinute:
    """The jobs of one region since the last full minute, by integration; the conflicts among them."""

    jobs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(INTEGRATIONS, 0))
    failed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(INTEGRATIONS, 0))
    conflicts: int = 0
    fallbacks: int = 0
    timeouts: int = 0


@dataclass(slots=True)
class JobsTotal:
    """All that happened since it was begun to be counted; for the truth."""

    jobs: int = 0
    failed: int = 0
    conflicts: int = 0
    merges: int = 0
    fallbacks: int = 0
    unresolved: int = 0
    """Conflicts whose fallback failed too, so that their job did."""


class SyncJobs:
    """The jobs of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._regions, self._users = world, world.state(Regions), world.state(UserBase)
        self._stores, self._logs = world.state(CloudWatch).stores, world.state(Logs)
        self._ai = world.state(AiCalls)
        self._minutes = {region: JobsMinute() for region in world.regions}
        self.at_partner: AtPartner = lambda region, integration, jobs, at, stream: Reached(jobs)
        """What the partners do to the jobs; while nobody says otherwise, nothing."""
        self.fallback_fails = 0.0
        """Of the fallbacks, those that fail, and their jobs with them."""
        self.total = JobsTotal()

    def tick(self, at: datetime) -> None:
        """Each half minute, work off what came since; at each full minute, publish."""
        if at.second % int(STEP.total_seconds()):
            return
        for region in self._world.regions:
            self._work(region, at, STEP)
            if not at.second:
                self._publish(region, epoch(at) - MINUTE)

    def remember(self) -> None:
        """Live through the quiet time before now."""
        minute, end = timedelta(minutes=1), self._world.clock.now()
        at = end - HISTORY
        while at < end:
            at += minute
            for region in self._world.regions:
                self._work(region, at, minute, logged=at > end - LOGGED)
                self._publish(region, epoch(at) - MINUTE)
        self.total = JobsTotal()

    def _work(self, region: str, at: datetime, lasted: timedelta, *, logged: bool = True) -> None:
        middle = at - lasted / 2
        if self._regions.out(region, middle, HALTING):
            return
        stream = self._world.rng("sync jobs", region, epoch(at))
        wanted = demand(region, middle) * SHARES["syncwell-worker"] * self._users.load(region)
        wanted *= lasted.total_seconds()
        minute, met = self._minutes[region], list[str]()
        for integration, share in INTEGRATIONS.items():
            reached = self.at_partner(region, integration, arrivals(stream, wanted * share), middle, stream)
            ended = reached.done + reached.failed
            minute.jobs[integration] += ended
            minute.failed[integration] += reached.failed + hits(stream, reached.done, FAILING)
            met += [integration] * hits(stream, reached.done, CONFLICTS)
        if not logged:
            minute.conflicts += len(met)
            minute.fallbacks += hits(stream, len(met), FAILING)
            return
        with self._world.clock.at(middle):
            resolved = self._ai.resolve(region, len(met), stream)
        stream.shuffle(resolved)
        for integration, resolution in zip(met, resolved, strict=True):
            self._note(region, integration, resolution, middle + lasted * (stream.random() - 0.5), stream)

    def _note(self, region: str, integration: str, resolution: Resolution, at: datetime, stream: Random) -> None:
        """Count one conflict, and write its line."""
        minute, total = self._minutes[region], self.total
        minute.conflicts += 1
        total.conflicts += 1
        fails = bool(resolution.error) and stream.random() < self.fallback_fails
        if resolution.error:
            minute.fallbacks += 1
            minute.timeouts += resolution.reason == "ai_timeout"
        if fails:
            minute.failed[integration] += 1
            total.unresolved += 1
        elif resolution.error:
            total.fallbacks += 1
        else:
            total.merges += 1
        job, user = stream.getrandbits(40), int(stream.random() * self._world.users)
        text = (
            f'{{"event":"conflict_resolution","job":"{job:010x}","user":"USER#{user:05d}","integration":"{integration}"'
            f',"service":"{resolution.service}","attempts":{resolution.attempts},"ms":{resolution.ms:.0f}'
        )
        if not resolution.error:
            text += ',"strategy":"AiMerge"}'
        else:
            text += (
                f',"strategy":"{"none" if fails else "PrioritizeSource"}","reason":"{resolution.reason}"'
                f',"error":"{resolution.error}","merge":"skipped","job_failed":{"true" if fails else "false"}}}'
            )
        self._logs.write(region, names.SYNC_LOGS, at, text, "jobs")

    def _publish(self, region: str, begin: int) -> None:
        minute, store = self._minutes[region], self._stores[region]
        self._minutes[region] = JobsMinute()
        jobs, failed = sum(minute.jobs.values()), sum(minute.failed.values())
        self.total.jobs += jobs
        self.total.failed += failed
        for integration, count in minute.jobs.items():
            if count:
                samples = MinuteSamples.share(min(count, minute.failed[integration]), count)
                store.record(_BY_INTEGRATION[integration], begin, samples)
        if jobs:
            store.record(_FAILED, begin, MinuteSamples.share(min(jobs, failed), jobs))
        if minute.conflicts:
            store.record(_FALLBACKS, begin, MinuteSamples.share(minute.fallbacks, minute.conflicts))
            store.record(_TIMEOUTS, begin, MinuteSamples.share(minute.timeouts, minute.conflicts))


_FAILED = MetricName(NAMESPACE, "JobErrors")
_BY_INTEGRATION = {name: MetricName(NAMESPACE, "JobErrors", (("Integration", name),)) for name in INTEGRATIONS}
_FALLBACKS, _TIMEOUTS = (MetricName(NAMESPACE, name) for name in ("Fallbacks", "AiTimeouts"))
