"""SyncWell region by region: its core services as they answer, its users as they are served.

A region that does not answer is not read as quiet: what could not be asked is kept apart from what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.metric_minutes import ONE as _ONE
from drcore.engine.metric_minutes import minute_of
from drcore.errors import Unknown
from drcore.plans.a.facts import ARun
from drcore.plans.shared.good_minutes import GoodMinutes, judge, to_judge
from drcore.services import sqs
from drcore.services.cloudwatch import Metric, Points
from drcore.services.dynamodb import tables


@dataclass(frozen=True, slots=True)
class Probe:
    """Requests of our own to a region's public API: how many, how many of them were answered well."""

    sent: int
    good: int

    def describe(self) -> str:
        return f"{self.good} of {self.sent} answered"


@dataclass(frozen=True, slots=True)
class Load:
    """What a region's load balancer did over some minutes. None: nothing was measured."""

    requests: int
    error_percent: float | None
    p99_ms: float | None

    def describe(self) -> Mapping[str, object]:
        return {
            "requests": self.requests,
            "errors": _with_unit(self.error_percent, "%"),
            "p99": _with_unit(self.p99_ms, "ms"),
        }


@dataclass(frozen=True, slots=True)
class RegionSignals:
    """What a region shows. `silent` are the services that gave no answer when asked, each with why.

    `unread` says why its metrics could not be read, `control` why its control plane did not answer; empty where it
    did. `queue_age_s` is the age of the oldest job, `calls` what Lambda was asked to do; None: nothing was measured.
    """

    probe: Probe
    silent: tuple[str, ...]
    unread: str
    control: str
    load: Load
    queue_age_s: float | None
    calls: int | None

    def describe(self) -> Mapping[str, object]:
        silent = {"no answer from": self.silent, "metrics": self.unread, "control plane": self.control}
        return {
            "probes": self.probe,
            **{name: why for name, why in silent.items() if why},
            **self.load.describe(),
            "oldest job": _with_unit(self.queue_age_s, "s"),
            "Lambda calls": "not measured" if self.calls is None else self.calls,
        }


@dataclass(frozen=True, slots=True)
class UserFailures:
    """How users are served, by the external probe in each market: percent that got no good answer.

    `percent` is of the worst of the last whole minutes that were asked for, None for a market of which one was not
    measured. Of the last hour, `last_client` is when the last minute ended in which anybody failed more than usual:
    then the last client has moved.
    """

    percent: tuple[tuple[str, float | None], ...]
    last_client: datetime | None = field(default=None, compare=False)

    def describe(self) -> Mapping[str, object]:
        return {"failing users": tuple((market, _with_unit(value, "%")) for market, value in self.percent)}


def _with_unit(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def read_signals(run: ARun, region: str, minutes: float, *, patient: bool = True) -> RegionSignals:
    """All signals of one region over the last whole minutes. Raises Rejected; a silence is a signal.

    Not `patient`: where the first of our requests is not answered well, nothing more is asked.
    """
    since, until = run.metrics.last(minutes)
    probe = send_probe(run, region, patient=patient)
    if not probe.good and not patient:
        return RegionSignals(probe, (), "not asked", "", Load(0, None, None), None, None)
    silent = tuple(_silent(run, region))
    control = "" if silent else _control(run, region)
    try:
        requests, errors, p99, age, calls = run.metrics.read(region, metrics(run, region), since, until)
    except Unknown as error:
        return RegionSignals(probe, silent, str(error), control, Load(0, None, None), None, None)
    return RegionSignals(
        probe,
        silent,
        "",
        control,
        _load(requests, errors, p99),
        age.highest,
        None if calls.total is None else int(calls.total),
    )


def _silent(run: ARun, region: str) -> Iterator[str]:
    """The core services whose data plane gives no answer."""
    canary = {"pk": f"{run.facts.canary.key_prefix}{region}", "sk": "0"}
    asked: dict[str, Callable[[], object]] = {
        "SQS": lambda: sqs.ask(run.aws, region, run.facts.queue),
        "DynamoDB": lambda: tables.item(run.aws, region, run.facts.table, canary),
    }
    for name, ask in asked.items():
        try:
            ask()
        except Unknown as error:
            yield f"{name}: {error}"


def _control(run: ARun, region: str) -> str:
    """Why the region's control plane does not answer, asked by one call that needs it; empty where it does."""
    try:
        tables.replicas(run.aws, region, run.facts.table)
    except Unknown as error:
        return str(error)
    return ""


def read_load(run: ARun, region: str, minutes: float) -> Load:
    """What the region's load balancer did over the last whole minutes. Raises Unknown, Rejected."""
    return _load(*run.metrics.read(region, metrics(run, region)[:3], run.metrics.last(minutes)[0]))


def read_served(run: ARun, region: str, before: GoodMinutes | None) -> tuple[UserFailures, Load, GoodMinutes]:
    """How users are served, and a region's load balancer, in the last whole minute; which minutes were good.

    `before` is what the look before has found of them. Raises Unknown, Rejected.
    """
    since, until = span = to_judge(run, before)
    markets = tuple(run.facts.markets)
    balancer = run.metrics.read(region, metrics(run, region)[:3], since, until)
    failures = run.metrics.read(region, [user_failure(market) for market in markets], since, until)

    def load(minute: datetime) -> Load:
        return _load(*(points.within(minute, minute + _ONE) for points in balancer))

    def users(minute: datetime) -> UserFailures:
        failed = zip(markets, (points.by_time.get(minute) for points in failures), strict=True)
        return UserFailures(tuple(failed), _ended(failures, run.facts.thresholds.user_noise_percent))

    def is_good(minute: datetime) -> bool:
        seen, carried = users(minute), load(minute)
        measured = all(value is not None for _, value in seen.percent) and carried.requests >= run.facts.minimum_sample
        return measured and not failing(run, seen) and not too_high(run, carried)

    return users(until - _ONE), load(until - _ONE), judge(span, is_good, before)


def read_concurrency(run: ARun, region: str, before: datetime) -> tuple[float | None, int]:
    """Twice the most that ran at once in the hour before a moment (None: not measured), and what was throttled lately.

    What runs at once is requests a second times how long each takes (AWS, "Understanding Lambda function scaling").
    """
    asked = [
        Metric("AWS/Lambda", name, stat, (("FunctionName", function),))
        for function in run.facts.functions
        for name, stat in (("Invocations", "Sum"), ("Duration", "Average"), ("Throttles", "Sum"))
    ]
    read = run.metrics.read(region, asked, minute_of(before) - timedelta(minutes=60))
    at_once: dict[datetime, float] = {}
    (lately, _), throttled = run.metrics.last(run.facts.window_minutes), 0.0
    for calls, took, refused in zip(read[::3], read[1::3], read[2::3], strict=True):
        for time in (time for time in calls.times if time < before and time in took.by_time):
            at_once[time] = at_once.get(time, 0) + calls.by_time[time] / 60 * took.by_time[time] / 1000
        throttled += sum(value for time, value in refused.by_time.items() if time >= lately)
    return (round(2 * max(at_once.values()), 1) if at_once else None), int(throttled)


def send_probe(run: ARun, region: str, *, patient: bool) -> Probe:
    """A few requests to the region's API. Where one gets no answer at all, the others are not waited for.

    What takes more than twice the p99 that users may have is no answer: a region that is silent costs no more than that
    a look, however long its return is waited for.
    """
    asked, within = run.facts.synthetic, 2 * run.facts.thresholds.p99_ms / 1000
    separator = "&" if "?" in asked.path else "?"
    good = 0
    for number in range(asked.requests):
        url = f"{run.service.api[region]}{asked.path}{separator}probe={number}"
        try:
            good += run.http.get(url, region=region, within=within, again=patient).status == 200
        except Unknown:
            break
        if not good and not patient:
            break
    return Probe(asked.requests, good)


def trouble(run: ARun, seen: RegionSignals) -> list[str]:
    """What is wrong with a region's core services, in words; empty when nothing is.

    CloudWatch without an answer is no trouble by itself: the region may serve well with its control plane away.
    """
    facts, load = run.facts.thresholds, seen.load
    problems = unanswered(seen)
    if load.requests >= run.facts.minimum_sample:
        problems += too_high(run, load)
    if seen.queue_age_s is not None and seen.queue_age_s > facts.queue_age_s:
        problems.append(f"the oldest job waits for {seen.queue_age_s:.0f} s")
    return problems


def too_high(run: ARun, load: Load) -> list[str]:
    """What of a load balancer is over its threshold, in words."""
    facts, problems = run.facts.thresholds, []
    if load.error_percent is not None and load.error_percent > facts.error_rate_percent:
        problems.append(f"{load.error_percent:.1f} % errors at the load balancer")
    if load.p99_ms is not None and load.p99_ms > facts.p99_ms:
        problems.append(f"p99 {load.p99_ms:.0f} ms")
    return problems


def unanswered(seen: RegionSignals) -> list[str]:
    """What gave no answer of that which users need, in words."""
    few = seen.probe.good * 2 <= seen.probe.sent
    return ([f"{seen.probe.good} of {seen.probe.sent} probes answered"] if few else []) + list(seen.silent)


def unmeasured(seen: RegionSignals) -> list[str]:
    """What could not be measured of a region, in words."""
    missing = [f"its metrics ({seen.unread})"] if seen.unread else []
    missing += [f"its control plane does not answer: {seen.control}"] if seen.control else []
    if not seen.unread:
        names = (
            ("no requests", seen.load.requests or None),
            ("no queue age", seen.queue_age_s),
            ("no Lambda calls", seen.calls),
        )
        missing += [f"{name} measured" for name, value in names if value is None]
    return missing


def read_users(run: ARun, region: str, minutes: int = 1) -> UserFailures:
    """How users are served, by the copy of the probe's metrics that a region holds. Raises Unknown, Rejected."""
    since, until = run.metrics.last(60)
    markets = tuple(run.facts.markets)
    read = run.metrics.read(region, [user_failure(market) for market in markets], since, until)
    asked = [until - number * _ONE for number in range(1, minutes + 1)]
    worst = tuple((market, _worst(points, asked)) for market, points in zip(markets, read, strict=True))
    return UserFailures(worst, _ended(read, run.facts.thresholds.user_noise_percent))


def _worst(points: Points, minutes: Iterable[datetime]) -> float | None:
    values = [points.by_time.get(minute) for minute in minutes]
    measured = [value for value in values if value is not None]
    return max(measured) if len(measured) == len(values) else None


def unmeasured_users(run: ARun) -> UserFailures:
    """What is known of users where the probe's metrics could not be read."""
    return UserFailures(tuple((market, None) for market in run.facts.markets))


def _ended(read: Iterable[Points], limit: float) -> datetime | None:
    """When the last minute with a value above a limit was over."""
    above = [time for points in read for time, value in points.by_time.items() if value > limit]
    return max(above) + _ONE if above else None


def failing(run: ARun, users: UserFailures) -> list[str]:
    """The markets whose users fail more often than they may, in words."""
    limit = run.facts.thresholds.user_failure_percent
    return [f"{market}: {value:.1f} % of users fail" for market, value in users.percent if value and value > limit]


def metrics(run: ARun, region: str) -> tuple[Metric, ...]:
    balancer = (("LoadBalancer", run.facts.load_balancers[region].name),)
    return (
        Metric("AWS/ApplicationELB", "RequestCount", "Sum", balancer),
        Metric("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", balancer),
        Metric("AWS/ApplicationELB", "TargetResponseTime", "p99", balancer),
        Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", (("QueueName", run.facts.queue),)),
        Metric("AWS/Lambda", "Invocations", "Sum", (("FunctionName", run.facts.functions[0]),)),
    )


def user_failure(market: str) -> Metric:
    return Metric("SyncWell/Probe", "UserFailure", "Average", (("Market", market),))


def _load(requests: Points, errors: Points, p99: Points) -> Load:
    count = int(requests.total or 0)
    percent = round(100 * (errors.total or 0) / count, 3) if count else None
    return Load(count, percent, None if p99.highest is None else round(1000 * p99.highest, 1))
