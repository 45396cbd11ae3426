"""Route 53: health checks, each seen by sixteen checkers.

Simplified: each checker probes in its own second of the interval and never errs; what an endpoint answers is asked
of the world, not sent over the wire. Types: HTTP(S), TCP, CALCULATED, CLOUDWATCH_METRIC, RECOVERY_CONTROL.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples

HEALTHY_SHARE = 0.18
"""An endpoint is healthy when more than this share of the checkers see it healthy."""

CHECKER_REGIONS = (
    *("ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1"),
    *("sa-east-1", "us-east-1", "us-west-1", "us-west-2"),
)
"""Two checkers in each."""

HOME = "us-east-1"
"""Where Route 53's metrics are, and nowhere else."""

Probe = Callable[[Mapping[str, Any], datetime], int | None]
"""The HTTP status that an endpoint (HealthCheckConfig) answers a checker at a moment; None is no answer."""


@dataclass(slots=True)
class Checker:
    """One checker: `phase` is its second in the interval, `streak` how often in a row it saw `seen`."""

    region: str
    address: str
    phase: float
    healthy: bool = True
    seen: bool = True
    streak: int = 0
    report: str = "Success: HTTP Status Code 200, OK"

    def probe(self, status: int | None, threshold: int) -> bool:
        """Take in one probe; returns whether the checker changed its mind."""
        good = status is not None and 200 <= status < 400
        self.streak = self.streak + 1 if good == self.seen else 1
        self.seen, self.report = good, _report(status)
        if good == self.healthy or self.streak < threshold:
            return False
        self.healthy = good
        return True

    def last_look(self, at: datetime, interval: int) -> datetime:
        """The moment of its last probe before `at`."""
        return at - timedelta(seconds=(at.timestamp() - self.phase) % interval)


@dataclass(slots=True)
class HealthCheckState:
    """One health check; `config` as the API's HealthCheckConfig."""

    id: str
    reference: str
    config: dict[str, Any]
    checkers: tuple[Checker, ...] = ()
    version: int = 1
    looked: datetime | None = None
    """Until when it has been probed."""
    met: int | None = 200
    """The status that all checkers met in their last probes; they agree that it is so."""
    reports: list[tuple[datetime, datetime, bool]] = field(default_factory=list)
    """(decided, known to the name servers, healthy) of each change of status."""

    def share(self) -> float:
        """The share of the checkers that see the endpoint healthy."""
        return sum(checker.healthy for checker in self.checkers) / len(self.checkers)

    def agreed(self, threshold: int) -> bool:
        """Whether every checker has seen what it says, and `met`, often enough."""
        report = _report(self.met)
        return all(c.streak >= threshold and c.seen == c.healthy and c.report == report for c in self.checkers)


class HealthChecks:
    """The health checks of the account."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._checks: dict[str, HealthCheckState] = {}
        self._stores = world.state(CloudWatch)
        self.probe: Probe = lambda config, at: None
        self.routing_control: Callable[[str], bool] = lambda arn: True

    def __iter__(self) -> Iterator[HealthCheckState]:
        return iter(self._checks.values())

    def get(self, name: str) -> HealthCheckState | None:
        """The check of that id, if there is one."""
        return self._checks.get(name)

    def add(self, name: str, reference: str, config: Mapping[str, Any]) -> HealthCheckState:
        """A new check; it is healthy (inverted: unhealthy) until its checkers know better."""
        check = HealthCheckState(name, reference, dict(config))
        if _probes(check):
            stream = self._world.rng("checkers", name)
            interval = config["RequestInterval"]
            check.checkers = tuple(
                Checker(region, f"15.177.{number * 4 + twin}.{stream.randint(2, 250)}", stream.uniform(0, interval))
                for number, region in enumerate(CHECKER_REGIONS)
                for twin in range(2)
            )
        self._checks[name] = check
        now = self._world.clock.now()
        check.reports = [(now, now - timedelta(days=1), self._status(check))]
        return check

    def delete(self, name: str) -> None:
        """Forget a check."""
        del self._checks[name]

    def tick(self, at: datetime) -> None:
        """Probe for the ten seconds before `at`, decide, publish at a full minute."""
        for check in self._checks.values():
            self._probe(check, at)
            self.decide(check, at)
            if at.second == 0:
                self.publish(check, epoch(at) - MINUTE)

    def decide(self, check: HealthCheckState, at: datetime) -> None:
        """Take down a change of status; name servers know it some seconds later."""
        healthy = self._status(check)
        if healthy != check.reports[-1][2]:
            delay = self._world.rng("route53 health", check.id, at).uniform(10, 18)
            check.reports.append((at, at + timedelta(seconds=delay), healthy))

    def healthy(self, name: str, at: datetime) -> bool:
        """Whether the name servers take the check as healthy at that moment; one that is not there is."""
        check = self._checks.get(name)
        if check is None:
            return True
        return next((healthy for _, known, healthy in reversed(check.reports) if known <= at), True)

    def publish(self, check: HealthCheckState, minute: int) -> None:
        """HealthCheckStatus and HealthCheckPercentageHealthy of one minute."""
        store, named = self._stores.stores[HOME], (("HealthCheckId", check.id),)
        status = 1.0 if check.reports[-1][2] else 0.0
        store.record(
            MetricName("AWS/Route53", "HealthCheckStatus", named), minute, MinuteSamples.of(((status, 1.0),)), "None"
        )
        if check.checkers:
            share = MinuteSamples.of(((100 * check.share(), 1.0),))
            store.record(MetricName("AWS/Route53", "HealthCheckPercentageHealthy", named), minute, share, "Percent")

    def _probe(self, check: HealthCheckState, at: datetime) -> None:
        began, check.looked = at - TICK, at
        if not check.checkers:
            return
        interval, threshold = check.config["RequestInterval"], check.config.get("FailureThreshold", 3)
        ends = [self.probe(check.config, moment) for moment in (began, began + TICK / 2, at)]
        if all(status == check.met for status in ends) and check.agreed(threshold):
            return  # nothing new for anybody, which is nearly always so
        check.met = ends[-1]
        into = began.timestamp() % interval
        in_order = sorted(check.checkers, key=lambda checker: (checker.phase - into) % interval)
        for checker in in_order:
            wait = (checker.phase - into) % interval
            moment = began + timedelta(seconds=wait)
            if wait < TICK.total_seconds() and checker.probe(self.probe(check.config, moment), threshold):
                self.decide(check, moment)

    def _status(self, check: HealthCheckState) -> bool:
        """The status by what is known now, with Disabled and Inverted."""
        config = check.config
        healthy = True if config.get("Disabled") else self._judged(check)
        return healthy != bool(config.get("Inverted"))

    def _judged(self, check: HealthCheckState) -> bool:
        config = check.config
        match config["Type"]:
            case "CALCULATED":
                named = [self._checks[name] for name in config.get("ChildHealthChecks", ()) if name in self._checks]
                return sum(child.reports[-1][2] for child in named) >= int(config.get("HealthThreshold", 0))
            case "CLOUDWATCH_METRIC":
                return self._by_alarm(check)
            case "RECOVERY_CONTROL":
                return self.routing_control(config["RoutingControlArn"])
            case _:
                return check.share() > HEALTHY_SHARE

    def _by_alarm(self, check: HealthCheckState) -> bool:
        """By the data of the alarm, not by its state: SetAlarmState does not move it."""
        named = check.config["AlarmIdentifier"]
        judged = self._stores.alarms[named["Region"]].judged(named["Name"], self._world.clock.now())
        if judged in ("OK", "ALARM"):
            return judged == "OK"
        match check.config.get("InsufficientDataHealthStatus", "LastKnownStatus"):
            case "LastKnownStatus":
                return check.reports[-1][2] if check.reports else True
            case wanted:
                return bool(wanted == "Healthy")


def _probes(check: HealthCheckState) -> bool:
    return check.config["Type"] not in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL")


def _report(status: int | None) -> str:
    if status is None:
        return "Failure: The endpoint did not respond within the time-out. The connection was not established."
    reasons = {200: "OK", 503: "Service Unavailable"}
    verb = "Success" if 200 <= status < 400 else "Failure"
    return f"{verb}: HTTP Status Code {status}, {reasons.get(status, '')}".rstrip(", ")
