"""How often a table is written or read, minute by minute, as its metric shows.

A metric that has no data proves nothing by itself: it may be late, or broken. So this run's own reads must be seen in
the same metric, minute by minute; then silence beside them is silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.engine.outcome import Check, no, yes
from drcore.plans.g.facts import GRun
from drcore.record.evidence import Chart, Series
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric

WRITING = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement")
READING = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
OWN_READ = "GetItem"
_ONE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a table's metric shows of some operations in whole minutes: how often each, by the minute.

    `heard` counts the minutes in which our own reads are seen, of `minutes`; only those can prove silence.
    """

    minutes: int
    heard: int
    counts: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return ", ".join(f"{count} {operation}" for operation, count in self.counts if count)


def read_traffic(
    run: GRun, region: str, name: str, operations: tuple[str, ...], since: datetime, heard_in: str = ""
) -> Traffic:
    """The whole minutes since a time, at most the last `quiet_minutes`. Raises Unknown, Rejected."""
    _, until = cloudwatch.whole_minutes(run.clock.now(), 0)
    first = since.replace(second=0, microsecond=0) + (_ONE if since.second or since.microsecond else 0 * _ONE)
    begin = max(first, until - timedelta(minutes=run.facts.quiet_minutes))
    if begin >= until:
        return Traffic(0, 0, ())
    asked = [requests(name, each) for each in operations] + [requests(heard_in or name, OWN_READ)]
    *found, own = cloudwatch.minutes(run.aws, region, asked, begin, until)
    counts = tuple((each, int(points.total or 0)) for each, points in zip(operations, found, strict=True))
    return Traffic(int((until - begin) / _ONE), sum(value > 0 for value in own.values), counts)


def requests(name: str, operation: str) -> Metric:
    """How many requests of an operation a table has answered well."""
    return Metric(
        "AWS/DynamoDB", "SuccessfulRequestLatency", "SampleCount", (("TableName", name), ("Operation", operation))
    )


def is_silent(run: GRun, seen: Traffic, what: str) -> Check:
    """Whether enough minutes are over in which nothing was counted, and in which something would have been."""
    if str(seen):
        return no(f"{what}: {seen}")
    if seen.minutes < run.facts.quiet_minutes:
        return no(f"{seen.minutes} of {run.facts.quiet_minutes:g} whole minutes are over")
    if seen.heard < seen.minutes:
        return no(f"our own reads are seen in {seen.heard} of {seen.minutes} minutes: the rest proves nothing")
    return yes(f"{seen.minutes} whole minutes without any; our own reads are seen in each of them")


def requests_chart(run: GRun, name: str, of: str, operations: tuple[str, ...], minutes: float) -> Chart:
    """Requests to a table by operation, a panel a region; our own reads among them, so that silence can be believed."""
    since, until = cloudwatch.whole_minutes(run.clock.now(), minutes)
    times = tuple(since + number * _ONE for number in range(int((until - since) / _ONE)))
    series: list[Series] = []
    for region in run.service.regions:
        asked = list(dict.fromkeys((*operations, OWN_READ)))
        found = cloudwatch.minutes(run.aws, region, [requests(of, each) for each in asked], since, until)
        series += [
            Series(operation, times, tuple(points.by_time.get(time) for time in times), region)
            for operation, points in zip(asked, found, strict=True)
            if points.times
        ]
    return Chart(name, f"Requests to {of}: {_last(series)}", "requests a minute", tuple(series), (), run.marks())


def _last(series: list[Series]) -> str:
    still = sorted({each.label for each in series if each.values and each.values[-1]})
    return f"in the last minute only {', '.join(still)}" if still else "none in the last minute"
