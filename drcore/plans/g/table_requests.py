"""How often a table is written or read, minute by minute, as its metric shows.

A metric that has no data proves nothing by itself: it may be late, or broken. So this run's own reads must be seen in
the same metric, minute by minute: then nothing beside them is really nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.labels import label
from drcore.engine.metric_minutes import ONE, minute_of
from drcore.engine.outcome import Check, no, yes
from drcore.plans.g.facts import GRun
from drcore.record.evidence import Chart, Series
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric

# A statement or a transaction of PartiQL may read or write: it counts as a write.
WRITING = (
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    *("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"),
)
READING = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
OWN_READ = "GetItem"


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """What a table's metric shows of some operations in whole minutes: how often each, by the minute.

    `own_read_minutes` are those of `minutes` in which our own reads are counted: only they prove that nothing else was.
    """

    minutes: int = field(metadata=label("whole minutes"))
    own_read_minutes: int = field(metadata=label("minutes with our own reads"))
    counts: tuple[tuple[str, int], ...] = field(metadata=label("requests"))

    def __str__(self) -> str:
        return ", ".join(f"{count} {operation}" for operation, count in self.counts if count)


def read_requests(
    run: GRun, region: str, name: str, operations: tuple[str, ...], since: datetime, own_reads_in: str = ""
) -> RequestCounts:
    """The whole minutes since a time, at most the last `quiet_minutes`. Raises Unknown, Rejected."""
    until = run.metrics.until
    first = minute_of(since) if since == minute_of(since) else minute_of(since) + ONE
    begin = max(first, until - timedelta(minutes=run.facts.quiet_minutes))
    if begin >= until:
        return RequestCounts(0, 0, ())
    asked = [requests(name, each) for each in operations] + [requests(own_reads_in or name, OWN_READ)]
    *counted, own = run.metrics.read(region, asked, begin, until)
    counts = tuple((each, int(points.total or 0)) for each, points in zip(operations, counted, strict=True))
    return RequestCounts(int((until - begin) / ONE), sum(value > 0 for value in own.values), counts)


def requests(name: str, operation: str) -> Metric:
    """How many requests of an operation a table has served successfully."""
    return Metric(
        "AWS/DynamoDB", "SuccessfulRequestLatency", "SampleCount", (("TableName", name), ("Operation", operation))
    )


def none_counted(run: GRun, seen: RequestCounts, what: str) -> Check:
    """Whether enough minutes are over in which no request was counted, and in which one would have been."""
    if str(seen):
        return no(f"{what}: {seen}")
    if seen.minutes < run.facts.quiet_minutes:
        return no(f"{seen.minutes} of {run.facts.quiet_minutes:g} whole minutes are over")
    if seen.own_read_minutes < seen.minutes:
        counted = f"{seen.own_read_minutes} of {seen.minutes}"
        return no(f"the metric shows our own reads in {counted} minutes: in the others it proves nothing")
    return yes(f"no {what} in {seen.minutes} whole minutes; the metric shows our own reads in each of them")


def requests_chart(run: GRun, name: str, of: str, operations: tuple[str, ...], minutes: float) -> Chart:
    """Requests to a table by operation, a panel a region; our own reads are among them, as the proof that it counts."""
    since, until = run.metrics.last(minutes)
    times = tuple(since + number * ONE for number in range(int((until - since) / ONE)))
    series: list[Series] = []
    for region in run.service.regions:
        asked = list(dict.fromkeys((*operations, OWN_READ)))
        counted = cloudwatch.minutes(run.aws, region, [requests(of, each) for each in asked], since, until)
        series += [
            Series(operation, times, tuple(points.by_time.get(time) for time in times), region)
            for operation, points in zip(asked, counted, strict=True)
            if points.times or operation == OWN_READ  # a region of which nothing is known is shown as that
        ]
    return Chart(name, f"Requests to {of}: {_last(series)}", "requests a minute", tuple(series), (), run.marks())


def _last(series: list[Series]) -> str:
    counted = sorted({each.label for each in series if each.values and each.values[-1]})
    last = "in the last minute that is measured"  # it may be minutes ago
    return f"only {', '.join(counted)} {last}" if counted else f"none {last}"
