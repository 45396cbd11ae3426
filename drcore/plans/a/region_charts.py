"""Charts of a region's health: its signals in a table, its users, its traffic, its answers to probes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from drcore.engine.outcome import Target
from drcore.errors import Rejected, Unknown
from drcore.plans.a import region_health
from drcore.plans.a.facts import ARun
from drcore.plans.a.region_health import Probe, RegionSignals
from drcore.record.evidence import Chart, Limit, Series, Table
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Points

_ONE = timedelta(minutes=1)


def signals_table(name: str, title: str, states: Mapping[Target, RegionSignals]) -> Table:
    """The signals that were judged, a row a region. An empty cell is unknown."""
    rows = tuple(
        (
            target.region,
            f"{seen.probe.good} of {seen.probe.sent}",
            seen.load.requests or None,
            seen.load.error_percent,
            seen.load.p99_ms,
            seen.queue_age_s,
            seen.calls,
            "; ".join(filter(None, [*seen.silent, seen.unread, seen.control])) or "none",
        )
        for target, seen in states.items()
    )
    measured = ("requests", "errors, %", "p99, ms", "oldest job, s", "Lambda calls")
    columns = ("region", "probes", *measured, "no answer from")
    return Table(name, title, columns, rows)


def users_chart(run: ARun, name: str, region: str, minutes: float = 30) -> Chart:
    """Percent of users that fail, a line a market."""
    since, until = run.metrics.last(minutes)
    markets = tuple(run.facts.markets)
    read = cloudwatch.minutes(run.aws, region, [region_health.user_failure(market) for market in markets], since, until)
    series = tuple(_gapless(market, points, since, until) for market, points in zip(markets, read, strict=True))
    limit = run.facts.thresholds.user_failure_percent
    worst = max(((value, each.label) for each in series for value in each.values if value is not None), default=None)
    title = "Failing users: not measured"
    if worst:
        title = f"Failing users until {until:%H:%M}: at most {worst[0]:.3g} %, in {worst[1]} (limit {limit:g} %)"
    limits = (Limit(f"limit {limit:g} %", limit),)
    return Chart(name, title, "failing users, %", series, limits, run.marks())


def traffic_chart(run: ARun, name: str, regions: Iterable[str], minutes: float = 30) -> Chart:
    """Requests by region, on top of each other. A region that is away, or does not answer, is unknown, not zero."""
    since, until = run.metrics.last(minutes)
    series = []
    for region in regions:
        points = Points()
        if region != run.calls.failed_region:
            try:
                points = cloudwatch.minutes(run.aws, region, region_health.metrics(run, region)[:1], since, until)[0]
            except (Unknown, Rejected):
                points = Points()
        series.append(_gapless(region, points, since, until))
    last = [(each.label, next((v for v in reversed(each.values) if v is not None), None)) for each in series]
    summary = ", ".join(f"{label} {'unknown' if value is None else f'{value:,.0f} a minute'}" for label, value in last)
    return Chart(
        name,
        f"Requests by region, last measured: {summary}",
        "requests a minute",
        tuple(series),
        (),
        run.marks(),
        stacked=True,
    )


def probes_chart(run: ARun, name: str, looks: Iterable[tuple[datetime, Probe]]) -> Chart:
    """The share of probes that were answered well, at each look."""
    probes = list(looks)
    shares = tuple(round(100 * probe.good / probe.sent, 1) for _, probe in probes)
    bad = sum(share < 100 for share in shares)
    title = f"Probes of the region: all answered in {len(shares) - bad} of {len(shares)} rounds"
    series = Series("answered", tuple(time for time, _ in probes), shares)
    return Chart(name, title, "answered probes, %", (series,), (), run.marks())


def _gapless(label: str, points: Points, since: datetime, until: datetime) -> Series:
    """A value for each minute, None where nothing was measured."""
    count = int((until - since) / _ONE)
    times = tuple(since + number * _ONE for number in range(count))
    return Series(label, times, tuple(points.by_time.get(time) for time in times))
