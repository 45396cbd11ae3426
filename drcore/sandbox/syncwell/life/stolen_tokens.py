"""Who uses tokens that were stolen: an attacker, through SyncWell in both regions, until they are refused.

Each use is a JSON line in the log group of security, with the user and the answer, never the token; each minute two
metrics count them: SyncWell StolenTokenUsesAccepted and StolenTokenUsesRefused, by region, zeros while nobody does.
"""

import json
from datetime import datetime, timedelta

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.outages import Regions
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.findings import ReportedFinding, SecurityDesk
from drcore.sandbox.syncwell.life.service_mode import NORMAL, ServiceMode
from drcore.sandbox.syncwell.life.tokens import ISSUERS, OauthTokens

ACCEPTED, REFUSED = MetricName("SyncWell", "StolenTokenUsesAccepted"), MetricName("SyncWell", "StolenTokenUsesRefused")
STOLEN = 0.02
"""The share of all tokens that were stolen."""
USES = 4
"""Uses of stolen tokens in ten seconds and a region."""
_DOES = ("read activities", "read activities", "read heart rate", "read profile")
SOURCES = ("203.0.113.7", "203.0.113.52", "203.0.113.81")


class Attacker:
    """Somebody with stolen tokens, if there is one; what became of his uses; since when all is well."""

    def __init__(self, world: World) -> None:
        self._world, self._tokens, self._mode = world, world.state(OauthTokens), world.state(ServiceMode)
        self._logs, self._stores = world.state(Logs), world.state(CloudWatch).stores
        self._desk, self._regions = world.state(SecurityDesk), world.state(Regions)
        self.finding: ReportedFinding | None = None
        self.at_work = False
        self.healthy_since: datetime | None = None
        self.last_accepted: dict[str, datetime | None] = dict.fromkeys(world.regions)
        self.uses = {region: [0, 0] for region in world.regions}
        self._minute = {region: [0, 0] for region in world.regions}

    def begin(self, finding: ReportedFinding, now: datetime, *, steals: bool) -> None:
        """Let a finding be there, and tokens be stolen by it since it began; the past until now is told."""
        self.finding, self.at_work, self.healthy_since = finding, steals, None
        self._desk.findings.append(finding)
        at = finding.began.replace(second=0, microsecond=0)
        while steals and at + timedelta(minutes=1) <= now:
            at += timedelta(minutes=1)
            with self._world.clock.at(at):
                self._use(at, timedelta(minutes=1))
                self._publish(at)
        self._note(now)

    def remember(self, since: datetime) -> None:
        """The zeros of a quiet history until now."""
        at, end = since, self._world.clock.now()
        while at < end:
            at += timedelta(minutes=1)
            with self._world.clock.at(at):
                self._publish(at)

    def tick(self, at: datetime) -> None:
        """Use what still is taken; at a full minute, publish."""
        if self.at_work:
            self._use(at, TICK)
        if at.second == 0:
            self._publish(at)
        if self.finding is not None:
            self._note(at)

    def any_accepted(self, region: str, at: datetime) -> bool:
        """Whether SyncWell's workers in a region would take any stolen token."""
        stolen = max(len(ISSUERS), int(self._tokens.count * STOLEN))
        return any(self._tokens.accepted(region, number, at) for number in range(stolen))

    def _use(self, at: datetime, lasted: timedelta) -> None:
        stolen = max(len(ISSUERS), int(self._tokens.count * STOLEN))
        for region in self._world.regions:
            if self._regions.out(region, at):
                continue
            stream = self._world.rng("attacker", region, epoch(at))
            for _ in range(USES * lasted.seconds // TICK.seconds):
                number, moment = stream.randrange(stolen), at - lasted * stream.random()
                taken = self._tokens.accepted(region, number, at)
                self.uses[region][not taken] += 1
                self._minute[region][not taken] += 1
                if taken:
                    self.last_accepted[region] = at
                line = {
                    "event": "stolen-token-use",
                    "user": f"u{number:05d}",
                    "issuer": self._tokens.issuer(number).name,
                    "source": stream.choice(SOURCES),
                    "does": stream.choice(_DOES),
                    "answer": "accepted" if taken else "refused",
                }
                self._logs.write(region, names.SECURITY_LOGS, moment, json.dumps(line))

    def _publish(self, at: datetime) -> None:
        begin = epoch(at) - MINUTE
        for region in self._world.regions:
            if not self._regions.out(region, at):
                for metric, count in zip((ACCEPTED, REFUSED), self._minute[region], strict=True):
                    point = MinuteSamples(1, count, count, count, ((float(count), 1),))
                    self._stores[region].record(metric, begin, point)
            self._minute[region] = [0, 0]

    def _note(self, at: datetime) -> None:
        """Since when all is well: no region shows the hole, or takes a stolen token, or refuses its users' writes."""
        well = self.finding is not None and not any(
            (self.at_work and (self._desk.shows(self.finding, region) or self.any_accepted(region, at)))
            or self._mode.level(region) != NORMAL
            for region in self._world.regions
        )
        self.healthy_since = (self.healthy_since or at) if well else None


def set_up(world: World) -> None:
    """Make the log group."""
    for region in world.regions:
        world.state(Logs).create(region, names.SECURITY_LOGS, retention=400)
