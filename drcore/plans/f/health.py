"""SyncWell's backend as its users feel it: error rates by version, latency, the critical bug."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from drcore.engine.metric_minutes import ONE
from drcore.engine.outcome import Target
from drcore.errors import Unknown
from drcore.plans.f.facts import FRun
from drcore.plans.shared.good_minutes import GoodMinutes, judge, to_judge
from drcore.plans.shared.incident_span import begins
from drcore.plans.shared.unwatched import cannot_tell, unwatched
from drcore.record.evidence import Chart, Limit, Series, Table
from drcore.services import cloudwatch, lambda_
from drcore.services.cloudwatch import Metric, Points

API = "the API"  # as its users see it, whatever function and version answers
_ByWho: TypeAlias = dict[str, tuple[Points, Points, Points]]  # requests, errors, p99 by the minute
_VERSIONS = 3  # the newest versions of a function; a rollback is between the last two


@dataclass(frozen=True, slots=True)
class Rate:
    """How one version of a function, or the API, did over some minutes. None: nothing was measured."""

    who: str
    requests: int
    error_percent: float | None
    p99_ms: float | None

    def describe(self) -> str:
        return f"{self.who}: {self.figures}"

    @property
    def figures(self) -> str:
        """What was measured, in words."""
        errors = "errors not measured" if self.error_percent is None else f"{self.error_percent:g} % errors"
        p99 = "p99 not measured" if self.p99_ms is None else f"p99 {self.p99_ms:,.0f} ms"
        return f"{self.requests} requests, {errors}, {p99}"


@dataclass(frozen=True, slots=True)
class Signals:
    """What a region shows: alarms that are on, rates, what is wrong with the critical function.

    `unwatched` says why no alarm tells anything, `doubt` why not each of them does; empty where they do. `bug` is empty
    when the critical bug is absent, None when that cannot be told.
    """

    alarms: tuple[str, ...]
    versions: tuple[Rate, ...]
    api: Rate
    bug: str | None
    alarm_since: datetime | None = field(default=None, compare=False)
    unwatched: str = ""
    doubt: str = ""

    def describe(self) -> Mapping[str, object]:
        bug = "cannot be told" if self.bug is None else self.bug or "absent"
        return {
            "alarms that are on": self.alarms,
            **({"alarms that tell nothing": self.doubt} if self.doubt else {}),
            self.api.who: self.api.figures,
            "critical bug": bug,
            "versions": self.versions,
        }


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Requests of our own to the region's API: how many, how many of them were answered well."""

    sent: int
    good: int

    def describe(self) -> str:
        return f"{self.good} of {self.sent} answered well"


def read_signals(run: FRun, region: str, minutes: float) -> Signals:
    """All signals of one region over the last whole minutes. Raises Unknown, Rejected."""
    since, until = run.metrics.last(minutes)
    return _signals(run, region, _judged(run, region, since, until))


def read_health(run: FRun, region: str, before: GoodMinutes | None) -> tuple[Signals, GoodMinutes]:
    """All signals over the last whole minute, and which minutes until then were good. Raises Unknown, Rejected.

    `before` is what the look before has found of them.
    """
    since, until = span = to_judge(run, before)
    points = _judged(run, region, since - timedelta(minutes=run.facts.window_minutes), until)

    def is_good(minute: datetime) -> bool:
        versions, api = _rates(_sampled(run, points, minute))
        return api.requests >= run.facts.minimum_sample and not _too_high(run, versions, api)

    return _signals(run, region, _sampled(run, points, until - ONE)), judge(span, is_good, before)


def _sampled(run: FRun, points: _ByWho, minute: datetime) -> _ByWho:
    """One minute, of each version that served in it: with those before it that make up its minimum sample.

    A canary gets too few requests in a minute to be judged by them. What takes longer than the window is left as it is.
    """
    sampled: _ByWho = {}
    earliest = minute - timedelta(minutes=run.facts.window_minutes) + ONE
    for who, series in points.items():
        requests, since = series[0].by_time, minute
        count = requests.get(minute, 0.0)
        while count and count < run.facts.minimum_sample and since > earliest:
            since -= ONE
            count += requests.get(since, 0.0)
        sampled[who] = _cut(series, since if count else minute, minute + ONE)
    return sampled


def _signals(run: FRun, region: str, points: _ByWho) -> Signals:
    alarms = cloudwatch.alarms(run.aws, region, run.facts.alarms.prefix)
    on = [alarm for alarm in alarms if alarm.state == "ALARM"]
    versions, api = _rates(points)
    return Signals(
        tuple(alarm.name for alarm in on),
        versions,
        api,
        critical_bug(run, region),
        min((alarm.since for alarm in on), default=None),
        unwatched(alarms, run.facts.alarms.prefix),
        cannot_tell(alarms, run.facts.alarms.prefix),
    )


def api_requests(run: FRun, region: str, minutes: float) -> int:
    """The requests to the API over the last whole minutes. Raises Unknown, Rejected."""
    (count,) = run.metrics.read(region, api_metrics(run)[:1], run.metrics.last(minutes)[0])
    return int(count.total or 0)


def critical_bug(run: FRun, region: str) -> str | None:
    """What is wrong with the answer that the critical-bug check asks for; empty when the bug is absent.

    None when no answer came that could tell: that is not the absence of a bug.
    """
    check = run.facts.critical_bug
    try:
        reply = run.http.get(run.service.api[region] + check.path)
    except Unknown:
        return None
    if reply.status >= 500:
        return None
    if reply.status != check.status:
        return f"{check.path} answers {reply.status}, expected {check.status}"
    answer = reply.json if isinstance(reply.json, dict) else {}
    wrong = [
        f"{name} is {answer.get(name)!r}, expected {value!r}"
        for name, value in check.fields.items()
        if answer.get(name) != value
    ]
    return f"{check.path}: {', '.join(wrong)}" if wrong else ""


def synthetic(run: FRun, region: str) -> Synthetic:
    """A few requests to the region's API, each asked once more if it fails: one error in a thousand is normal."""
    asked = run.facts.synthetic
    separator = "&" if "?" in asked.path else "?"
    urls = [f"{run.service.api[region]}{asked.path}{separator}probe={number}" for number in range(asked.requests)]
    return Synthetic(len(urls), sum(_answers(run, url) or _answers(run, url) for url in urls))


def _answers(run: FRun, url: str) -> bool:
    try:
        return run.http.get(url).status == 200
    except Unknown:
        return False


def trouble(run: FRun, signals: Signals) -> list[str]:
    """What is wrong by the thresholds of the parameters, in words; empty when nothing is.

    A rate counts only above the minimum sample: a canary with ten requests proves nothing (aws-facts 8, row 24).
    """
    troubles = [f"alarm {name}" for name in signals.alarms] + _too_high(run, signals.versions, signals.api)
    return troubles + ([f"critical bug: {signals.bug}"] if signals.bug else [])


def _too_high(run: FRun, versions: tuple[Rate, ...], api: Rate) -> list[str]:
    troubles = _failing(run, (*versions, api))
    slowest = api.p99_ms  # only the API's latency is felt by a user; a worker's job may take its time
    if api.requests >= run.facts.minimum_sample and slowest is not None and slowest > run.facts.p99_ms:
        troubles.append(f"{API}: p99 {slowest:.0f} ms")
    return troubles


def versions_in_trouble(run: FRun, signals: Signals, versions: Collection[str]) -> list[str]:
    """The errors of some versions, each named by its function and number, in words; empty when nothing is wrong."""
    return _failing(run, [rate for rate in signals.versions if rate.who in versions])


def _failing(run: FRun, rates: Iterable[Rate]) -> list[str]:
    return [
        f"{rate.who}: {rate.error_percent:.1f} % errors"
        for rate in rates
        if rate.requests >= run.facts.minimum_sample
        and rate.error_percent is not None
        and rate.error_percent > run.facts.error_rate_percent
    ]


def charts(run: FRun, name: str, regions: tuple[str, ...], minutes: float = 60) -> tuple[Chart, ...]:
    """Error rate and p99 by version and for the API, a panel a region, with thresholds and moments."""
    since, until = run.metrics.last(minutes)
    every = tuple(since + number * ONE for number in range(int((until - since) / ONE)))
    errors: list[Series] = []
    slow: list[Series] = []
    for region in regions:
        asked = _metrics(run, region)
        roles = _roles(asked)
        shown = cloudwatch.minutes(run.aws, region, _flat(asked), since, until)
        for who, (requests, failed, p99) in _by_who(asked, shown).items():
            if not requests.times:
                if who == API:  # a region of which nothing is known is shown as that
                    nothing = Series(who, every, (None,) * len(every), region, roles[who])
                    errors.append(nothing)
                    slow.append(nothing)
                continue
            rates = tuple(100 * failed.by_time.get(at, 0) / count for at, count in requests.by_time.items() if count)
            times = tuple(at for at, count in requests.by_time.items() if count)
            errors.append(Series(who, times, rates, region, roles[who]))
            slow.append(Series(who, p99.times, p99.values, region, roles[who]))
    facts, marks = run.facts, run.marks()
    judged = [(each, facts.error_rate_percent) for each in errors]
    judged += [(each, facts.p99_ms) for each in slow if each.label == API]
    since_when = begins(judged, marks)
    return (
        Chart(
            f"{name}-error-rate",
            _headline("Error rate by version", errors, facts.error_rate_percent, "%"),
            "errors, % of requests",
            tuple(errors),
            (Limit(f"threshold {facts.error_rate_percent:g} %", facts.error_rate_percent),),
            marks,
            begins=since_when,
        ),
        Chart(
            f"{name}-latency",
            _headline(f"p99 latency of {API}", [each for each in slow if each.label == API], facts.p99_ms, "ms"),
            "p99 latency, ms",
            tuple(slow),
            (Limit(f"threshold for {API} {facts.p99_ms:g} ms", facts.p99_ms),),
            marks,
            begins=since_when,
        ),
    )


def _roles(asked: Iterable[str]) -> dict[str, str]:
    """What each is to whoever looks at two regions: versions have numbers of their own in each, the newest first."""
    roles: dict[str, str] = {}
    for who in asked:
        function = who.rpartition(" ")[0] or who
        older = sum(role.startswith(f"{function}, ") for role in roles.values())
        roles[who] = who if who == API else f"{function}, {older} after the newest"
    return roles


def alarm_history(run: FRun, name: str, regions: tuple[str, ...]) -> Table:
    """What the alarms did in the last hour, in all regions."""
    now = run.clock.now()
    rows = []
    for region in regions:
        names = [alarm.name for alarm in cloudwatch.alarms(run.aws, region, run.facts.alarms.prefix)]
        turns = cloudwatch.history(run.aws, region, names, now - timedelta(hours=1), now)
        for turn in (turn for turn in turns if turn.kind in ("StateUpdate", "Action")):
            rows.append((turn.time, region, turn.alarm, turn.kind, turn.summary))
    return Table(
        name, "What the alarms did in the last hour", ("time", "region", "alarm", "kind", "what"), tuple(sorted(rows))
    )


def rates_table(name: str, title: str, states: Mapping[Target, Signals]) -> Table:
    """The rates that were judged, a row a version and region."""
    rows = tuple(
        (target.region, rate.who, rate.requests, rate.error_percent, rate.p99_ms)
        for target, signals in states.items()
        for rate in (*signals.versions, signals.api)
    )
    return Table(name, title, ("region", "version", "requests", "errors, %", "p99, ms"), rows)


def _judged(run: FRun, region: str, since: datetime, until: datetime) -> _ByWho:
    asked = _metrics(run, region)
    return _by_who(asked, run.metrics.read(region, _flat(asked), since, until))


def api_metrics(run: FRun) -> tuple[Metric, Metric, Metric]:
    """Requests, errors, p99 of the API as users see it."""
    stage = (("ApiName", run.facts.api.name), ("Stage", run.facts.api.stage))
    return (
        Metric("AWS/ApiGateway", "Count", "Sum", stage),
        Metric("AWS/ApiGateway", "5XXError", "Sum", stage),
        Metric("AWS/ApiGateway", "Latency", "p99", stage),
    )


def _metrics(run: FRun, region: str) -> dict[str, tuple[Metric, Metric, Metric]]:
    """Requests, errors, p99: for each function's newest versions, and for the API as users see it."""
    asked: dict[str, tuple[Metric, Metric, Metric]] = {}
    for function in run.facts.functions:
        for version in lambda_.newest_versions(run.aws, region, function, _VERSIONS):
            dimensions = (
                ("FunctionName", function),
                ("Resource", f"{function}:{run.facts.alias}"),
                ("ExecutedVersion", version),
            )
            asked[f"{function} {version}"] = (
                Metric("AWS/Lambda", "Invocations", "Sum", dimensions),
                Metric("AWS/Lambda", "Errors", "Sum", dimensions),
                Metric("AWS/Lambda", "Duration", "p99", dimensions),
            )
    # Errors that a function handles, and answers with a 5xx, are none to Lambda: only the API shows them.
    asked[API] = api_metrics(run)
    return asked


def _flat(asked: dict[str, tuple[Metric, Metric, Metric]]) -> list[Metric]:
    return [metric for metrics in asked.values() for metric in metrics]


def _by_who(asked: Iterable[str], read: Iterable[Points]) -> _ByWho:
    points = iter(read)
    return {who: (next(points), next(points), next(points)) for who in asked}


def _cut(read: tuple[Points, Points, Points], since: datetime, until: datetime) -> tuple[Points, Points, Points]:
    requests, errors, p99 = read
    return requests.within(since, until), errors.within(since, until), p99.within(since, until)


def _rates(points: _ByWho) -> tuple[tuple[Rate, ...], Rate]:
    """Of the versions that were asked for anything, and of the API."""
    rates = {who: _rate(who, *each) for who, each in points.items()}
    api = rates.pop(API)
    return tuple(rate for rate in rates.values() if rate.requests), api


def _rate(who: str, requests: Points, errors: Points, p99: Points) -> Rate:
    count = int(requests.total or 0)
    percent = round(100 * (errors.total or 0) / count, 3) if count else None
    return Rate(who, count, percent, round(p99.highest, 1) if p99.highest is not None else None)


def _headline(what: str, series: list[Series], limit: float, unit: str) -> str:
    peaks = [(value, each) for each in series for value in each.values if value is not None]
    if not peaks:
        return f"{what}: nothing was measured"
    peak, worst = max(peaks, key=lambda point: point[0])
    if peak <= limit:
        return f"{what}: all stayed below {limit:g} {unit}"
    return f"{what}: {worst.label} in {worst.panel} went to {peak:,.4g} {unit}, threshold {limit:g} {unit}"
