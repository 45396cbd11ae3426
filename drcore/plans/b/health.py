"""The AI service as the sync jobs feel it: conflicts that nobody merged, calls that failed, jobs that did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.metric_minutes import ONE
from drcore.engine.outcome import Target
from drcore.plans.b.facts import BRun
from drcore.plans.shared.good_minutes import GoodMinutes, judge, to_judge
from drcore.plans.shared.incident_span import begins
from drcore.plans.shared.unwatched import cannot_tell, unwatched
from drcore.record.evidence import Chart, Limit, Series, Table
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Alarm, Metric, Points

_SINCE = 60  # minutes: so far back the begin of the harm is looked for


@dataclass(frozen=True, slots=True)
class AiSignals:
    """What a region shows over some minutes. None: nothing was measured.

    `unwatched` says why no alarm tells anything, `doubt` why not each of them does; empty where they do.
    """

    alarms: tuple[str, ...]
    conflicts: int
    fallback_percent: float | None
    timeout_percent: float | None
    calls: int
    error_percent: float | None
    p99_ms: float | None
    jobs: int
    failed_percent: float | None
    alarm_since: datetime | None = field(default=None, compare=False)
    unwatched: str = ""
    doubt: str = ""

    def describe(self) -> Mapping[str, object]:
        return {
            "alarms that are on": self.alarms,
            **({"alarms that tell nothing": self.doubt} if self.doubt else {}),
            "conflicts": f"{self.conflicts}, {_percent(self.fallback_percent)} resolved without the AI",
            "of these timed out": _percent(self.timeout_percent),
            "calls of the endpoint": f"{self.calls}, {_percent(self.error_percent)} failed, p99 {_ms(self.p99_ms)}",
            "sync jobs": f"{self.jobs}, {_percent(self.failed_percent)} failed",
        }


@dataclass(frozen=True, slots=True)
class _Minutes:
    """The points of a region."""

    conflicts: Points
    fallbacks: Points
    timeouts: Points
    jobs: Points
    failed: Points
    calls: Points
    errors: Points
    p99: tuple[Points, ...]

    def within(self, since: datetime, until: datetime) -> _Minutes:
        def cut(points: Points) -> Points:
            return points.within(since, until)

        return _Minutes(
            cut(self.conflicts),
            cut(self.fallbacks),
            cut(self.timeouts),
            cut(self.jobs),
            cut(self.failed),
            cut(self.calls),
            cut(self.errors),
            tuple(map(cut, self.p99)),
        )


def job_metrics(run: BRun) -> tuple[Metric, ...]:
    """Conflicts, fallbacks, timeouts, jobs, failed jobs: what the goal is judged by."""
    space = run.facts.jobs.namespace
    return (
        Metric(space, "Fallbacks", "SampleCount"),
        Metric(space, "Fallbacks", "Sum"),
        Metric(space, "AiTimeouts", "Sum"),
        Metric(space, "JobErrors", "SampleCount"),
        Metric(space, "JobErrors", "Sum"),
    )


def read_signals(run: BRun, region: str, minutes: float) -> AiSignals:
    """All signals of one region over the last whole minutes. Raises Unknown, Rejected."""
    since, until = run.metrics.last(minutes)
    return _signals(run, region, _read(run, region, since, until))


def read_health(run: BRun, region: str, before: GoodMinutes | None) -> tuple[AiSignals, GoodMinutes]:
    """All signals over the last whole minute, and which minutes until then were good. Raises Unknown, Rejected."""
    since, until = span = to_judge(run, before)
    read = _read(run, region, since, until)

    def is_good(minute: datetime) -> bool:
        share = share_at(read.conflicts, read.fallbacks, minute, run.facts.minimum_sample)
        return share is not None and share <= run.facts.thresholds.fallback_percent

    return _signals(run, region, read.within(until - ONE, until)), judge(span, is_good, before)


def share_at(conflicts: Points, fallbacks: Points, minute: datetime, least: int) -> float | None:
    """Percent of the conflicts of a minute that were resolved without the AI; None where there were too few."""
    count = conflicts.by_time.get(minute, 0.0)
    return 100 * fallbacks.by_time.get(minute, 0.0) / count if count >= least else None


def harm_since(run: BRun, region: str) -> datetime | None:
    """The first minute of the last hour in which more conflicts than usual were resolved without the AI.

    None: there was none. Raises Unknown, Rejected.
    """
    conflicts, fallbacks = run.metrics.read(region, job_metrics(run)[:2], run.metrics.last(_SINCE)[0])
    most, least = run.facts.thresholds.fallback_percent, run.facts.minimum_sample
    shares = {minute: share_at(conflicts, fallbacks, minute, least) for minute in conflicts.times}
    return next((minute for minute, share in shares.items() if share is not None and share > most), None)


def trouble(run: BRun, signals: AiSignals) -> list[str]:
    """What is wrong by the thresholds of the parameters, in words; empty when nothing is.

    A share counts only above the minimum sample.
    """
    limits, least = run.facts.thresholds, run.facts.minimum_sample
    troubles = [f"alarm {name}" for name in signals.alarms]
    judged = (
        (
            signals.conflicts,
            signals.fallback_percent,
            limits.fallback_percent,
            "of the conflicts resolved without the AI",
        ),
        (signals.conflicts, signals.timeout_percent, limits.timeout_percent, "of the conflicts met a timeout"),
        (signals.calls, signals.error_percent, limits.error_percent, "of the endpoint's calls failed"),
    )
    troubles += [
        f"{percent:.1f} % {what}"
        for count, percent, limit, what in judged
        if count >= least and percent is not None and percent > limit
    ]
    slowest = signals.p99_ms
    if signals.calls >= least and slowest is not None and slowest > limits.p99_ms:
        troubles.append(f"the endpoint's p99 is {slowest:,.0f} ms")
    return troubles


def alarms(run: BRun, region: str) -> tuple[Alarm, ...]:
    """The alarms of a region that watch the AI service: on metrics, and on the jobs' log. Raises Unknown, Rejected."""
    prefix = run.facts.alarms.prefix
    return cloudwatch.alarms(run.aws, region, prefix) + cloudwatch.log_alarms(run.aws, region, prefix)


def chart(run: BRun, name: str, minutes: float = 60) -> Chart:
    """The share of fallbacks with the success of the sync jobs beside it, a panel a region, with the moments."""
    series: list[Series] = []
    peaks: dict[str, float] = {}
    worst: list[float] = []
    since, until = run.metrics.last(minutes)
    for region in run.service.regions:
        conflicts, fallbacks, _, jobs, failed = cloudwatch.minutes(run.aws, region, job_metrics(run), since, until)
        shares = tuple(share_at(conflicts, fallbacks, minute, 1) for minute in conflicts.times)
        good = tuple(100 - 100 * failed.by_time.get(minute, 0.0) / jobs.by_time[minute] for minute in jobs.times)
        series.append(Series("fallbacks", conflicts.times, shares, region))
        series.append(Series("sync jobs that succeed", jobs.times, good, region))
        peaks[region] = max((share for share in shares if share is not None), default=0.0)
        worst += good
    limit, marks = run.facts.thresholds.fallback_percent, run.marks()
    if not worst:
        title = "Fallbacks and sync jobs: nothing was measured"
    else:
        highest = max(peaks, key=lambda region: peaks[region])
        title = (
            f"Fallbacks went to {peaks[highest]:.0f} % of the conflicts in {highest}, "
            f"sync jobs succeeded to {min(worst):.1f} % at least"
        )
    return Chart(
        name,
        title,
        "% of conflicts, of jobs",
        tuple(series),
        (Limit(f"fallbacks, threshold {limit:g} %", limit),),
        marks,
        begins=begins([(each, limit) for each in series if each.label == "fallbacks"], marks),
    )


def latency_chart(run: BRun, name: str, minutes: float = 60) -> Chart:
    """The p99 of the endpoint's answers by its variants, a panel a region, against the threshold."""
    series: list[Series] = []
    peaks: dict[str, float] = {}
    since, until = run.metrics.last(minutes)
    endpoint, limit = run.facts.endpoint, run.facts.thresholds.p99_ms
    variants = endpoint.variant, endpoint.old_variant
    for region in run.service.regions:
        read = cloudwatch.minutes(run.aws, region, [_of_variant(run, each, *_P99) for each in variants], since, until)
        for variant, points in zip(variants, read, strict=True):
            if points.times:
                milliseconds = tuple(round(value / 1000, 1) for value in points.values)
                series.append(Series(f"variant {variant}", points.times, milliseconds, region))
                peaks[region] = max(peaks.get(region, 0.0), *milliseconds)
    title = "The endpoint's p99: nothing was measured"
    if peaks:
        highest = max(peaks, key=lambda region: peaks[region])
        title = f"The endpoint's p99 went to {peaks[highest]:,.0f} ms in {highest}, threshold {limit:,.0f} ms"
    limits = (Limit(f"p99, threshold {limit:,.0f} ms", limit),)
    marks = run.marks()
    since_when = begins([(each, limit) for each in series], marks)
    return Chart(name, title, "p99, ms", tuple(series), limits, marks, begins=since_when)


def signals_table(name: str, title: str, states: Mapping[Target, AiSignals]) -> Table:
    """What was judged, a row a region."""
    rows = tuple(
        (
            target.region,
            each.conflicts,
            each.fallback_percent,
            each.timeout_percent,
            each.calls,
            each.error_percent,
            each.p99_ms,
            each.jobs,
            each.failed_percent,
        )
        for target, each in states.items()
    )
    columns = (
        *("region", "conflicts", "without the AI, %", "timed out, %"),
        *("endpoint calls", "failed, %", "p99, ms", "sync jobs", "failed jobs, %"),
    )
    return Table(name, title, columns, rows)


def alarm_history(run: BRun, name: str) -> Table:
    """What the alarms did in the last hour, in all regions."""
    now, rows = run.clock.now(), []
    for region in run.service.regions:
        names = [alarm.name for alarm in alarms(run, region)]
        turns = cloudwatch.history(run.aws, region, names, now - timedelta(hours=1), now)
        rows += [(turn.time, region, turn.alarm, turn.summary) for turn in turns if turn.kind == "StateUpdate"]
    columns = ("time", "region", "alarm", "what")
    return Table(name, "What the alarms did in the last hour", columns, tuple(sorted(rows)))


def _signals(run: BRun, region: str, read: _Minutes) -> AiSignals:
    known = alarms(run, region)
    on = [alarm for alarm in known if alarm.state == "ALARM"]
    slowest = max((points.highest for points in read.p99 if points.highest is not None), default=None)
    return AiSignals(
        tuple(alarm.name for alarm in on),
        int(read.conflicts.total or 0),
        _share(read.fallbacks, read.conflicts),
        _share(read.timeouts, read.conflicts),
        int(read.calls.total or 0),
        _share(read.errors, read.calls),
        None if slowest is None else round(slowest / 1000, 1),  # SageMaker counts microseconds
        int(read.jobs.total or 0),
        _share(read.failed, read.jobs),
        min((alarm.since for alarm in on), default=None),
        unwatched(known, run.facts.alarms.prefix),
        cannot_tell(known, run.facts.alarms.prefix),
    )


def _read(run: BRun, region: str, since: datetime, until: datetime) -> _Minutes:
    endpoint = run.facts.endpoint
    by_variant = [
        _of_variant(run, variant, name, stat)
        for variant in (endpoint.variant, endpoint.old_variant)
        for name, stat in (("Invocations", "Sum"), ("InvocationModelErrors", "Sum"), _P99)
    ]
    asked = (*job_metrics(run), *by_variant)
    conflicts, fallbacks, timeouts, jobs, failed, *points = run.metrics.read(region, asked, since, until)
    calls, errors = _both(points[0], points[3]), _both(points[1], points[4])
    return _Minutes(conflicts, fallbacks, timeouts, jobs, failed, calls, errors, (points[2], points[5]))


_P99 = ("ModelLatency", "p99")  # microseconds


def _of_variant(run: BRun, variant: str, name: str, stat: str) -> Metric:
    of = (("EndpointName", run.facts.endpoint.name), ("VariantName", variant))
    return Metric("AWS/SageMaker", name, stat, of)


def _both(one: Points, other: Points) -> Points:
    """The sum of two, by the minute."""
    times = tuple(sorted({*one.times, *other.times}))
    pairs = {time: one.by_time.get(time, 0.0) + other.by_time.get(time, 0.0) for time in times}
    return Points(times, tuple(pairs.values()), pairs)


def _share(part: Points, whole: Points) -> float | None:
    return round(100 * (part.total or 0.0) / whole.total, 3) if whole.total else None


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1f} %"


def _ms(value: float | None) -> str:
    return "not measured" if value is None else f"{value:,.0f} ms"
