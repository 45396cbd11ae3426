"""CloudWatch: alarms with their history, metrics by the minute."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import NoAnswer

MOST_READ = 2000
"""So many alarms of a region are looked through for those that watch something."""

# What makes up a metric alarm: the rest of what DescribeAlarms gives is how it does.
DEFINED = {
    *("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions"),
    *("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit", "Metrics"),
    *("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData"),
    *("EvaluateLowSampleCountPercentile", "ThresholdMetricId", "EvaluationWindow", "EvaluationInterval"),
    *("EvaluationCriteria", "WarmUpConfiguration", "ActionConfiguration"),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it stands. `state` is OK, ALARM or INSUFFICIENT_DATA, since the time `since`."""

    name: str
    state: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Watching:
    """The names of the alarms that watch something, sorted. Not `whole`: the account has more than were looked at."""

    names: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of an alarm's history."""

    time: datetime
    alarm: str
    kind: str
    summary: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One statistic of one metric, `dimensions` as pairs. `stat` is for example Sum or p99."""

    namespace: str
    name: str
    stat: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """Values by the minute, oldest first. A minute without a value has no point: nothing is not zero."""

    times: tuple[datetime, ...] = ()
    values: tuple[float, ...] = ()
    by_time: dict[datetime, float] = field(default_factory=dict, compare=False, repr=False)

    def within(self, since: datetime, until: datetime) -> Points:
        """Those of a span; `since` is included, `until` is not."""
        times = self.times[bisect_left(self.times, since) : bisect_left(self.times, until)]
        kept = {time: self.by_time[time] for time in times}
        return Points(times, tuple(kept.values()), kept)

    @property
    def total(self) -> float | None:
        """The sum of all values, None when there is none."""
        return sum(self.values) if self.values else None

    @property
    def highest(self) -> float | None:
        return max(self.values, default=None)


def alarms(aws: Aws, region: str, prefix: str) -> tuple[Alarm, ...]:
    """All metric alarms whose names begin so. Raises Unknown, Rejected."""
    listed = aws.pages("cloudwatch", region, "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix)
    return tuple(map(_alarm, listed))


def log_alarms(aws: Aws, region: str, prefix: str) -> tuple[Alarm, ...]:
    """All log alarms whose names begin so; none where boto3 is older than they are. Raises Unknown, Rejected."""
    asked = {"AlarmNamePrefix": prefix, "AlarmTypes": ["LogAlarm"]}
    return tuple(map(_alarm, aws.pages("cloudwatch", region, "describe_alarms", "LogAlarms", **asked)))


def _alarm(description: Mapping[str, Any]) -> Alarm:
    since = _utc(description["StateUpdatedTimestamp"])
    return Alarm(description["AlarmName"], description["StateValue"], description.get("StateReason", ""), since)


def watching(aws: Aws, region: str, dimension: str, value: str) -> Watching:
    """Which metric alarms watch a metric with such a dimension, alone or in a formula. Raises Unknown, Rejected.

    CloudWatch finds no alarm by a dimension: the account's are read, 100 a call, and no more than MOST_READ of them.
    """
    asked = {"AlarmTypes": ["MetricAlarm"], "MaxRecords": 100}
    listed = aws.pages("cloudwatch", region, "describe_alarms", "MetricAlarms", **asked)
    wanted = {"Name": dimension, "Value": value}
    names = sorted(each["AlarmName"] for each in islice(listed, MOST_READ) if wanted in _dimensions(each))
    return Watching(tuple(names), next(listed, None) is None)


def _dimensions(alarm: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    yield from alarm.get("Dimensions", ())
    for metric in alarm.get("Metrics", ()):
        yield from metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", ())


def definition(aws: Aws, region: str, name: str) -> dict[str, Any]:
    """How a metric alarm is defined, as PutMetricAlarm takes it; empty: there is none. Raises Unknown, Rejected."""
    asked = {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm"]}
    description: dict[str, Any] = next(aws.pages("cloudwatch", region, "describe_alarms", "MetricAlarms", **asked), {})
    return {field: value for field, value in description.items() if field in DEFINED}


def history(aws: Aws, region: str, names: Sequence[str], since: datetime, until: datetime) -> tuple[Turn, ...]:
    """What happened to some alarms in a span, oldest first, whether they watch metrics or logs."""
    turns = [
        Turn(_utc(each["Timestamp"]), each["AlarmName"], each["HistoryItemType"], each["HistorySummary"])
        for name in names
        for each in aws.pages(
            "cloudwatch",
            region,
            "describe_alarm_history",
            "AlarmHistoryItems",
            AlarmName=name,
            AlarmTypes=["MetricAlarm", "LogAlarm"],  # else AWS tells of metric alarms alone
            StartDate=since,
            EndDate=until,
        )
    ]
    return tuple(sorted(turns, key=lambda turn: (turn.time, turn.alarm, turn.kind)))


def minutes(aws: Aws, region: str, metrics: Sequence[Metric], since: datetime, until: datetime) -> tuple[Points, ...]:
    """Each metric by the minute, in the order asked for; `since` is included, `until` is not.

    Raises Unknown when CloudWatch does not say of each metric that its data is complete: part of it is no data.
    """
    ids = [f"m{number}" for number in range(len(metrics))]
    queries = [
        {
            "Id": query_id,
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                },
                "Period": 60,
                "Stat": metric.stat,
            },
        }
        for query_id, metric in zip(ids, metrics, strict=True)
    ]
    pairs: dict[str, dict[datetime, float]] = {query_id: {} for query_id in ids}
    states = dict.fromkeys(pairs, "")
    for first in range(0, len(queries), 500):  # CloudWatch takes 500 queries a call
        for result in aws.pages(
            "cloudwatch",
            region,
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=queries[first : first + 500],
            StartTime=since,
            EndTime=until,
            ScanBy="TimestampAscending",
        ):
            if result["Id"] not in pairs:
                raise NoAnswer(f"cloudwatch get_metric_data in {region}: nobody has asked for {result['Id']!r}")
            states[result["Id"]] = result["StatusCode"]  # PartialData: more of it is on the next page
            times, values = result["Timestamps"], result["Values"]
            if len(times) != len(values):
                states[result["Id"]] = f"{len(values)} values for {len(times)} minutes"
            pairs[result["Id"]] |= dict(zip(map(_utc, times), values, strict=False))
    partial = [f"{id_}: {state or 'no answer'}" for id_, state in states.items() if state != "Complete"]
    if partial:
        raise NoAnswer(f"cloudwatch get_metric_data in {region}: {', '.join(partial)}")
    return tuple(_points(pairs[f"m{number}"]) for number in range(len(metrics)))


def _points(pairs: dict[datetime, float]) -> Points:
    times = tuple(sorted(pairs))
    return Points(times, tuple(pairs[time] for time in times), pairs)


def put_alarm(aws: Aws, region: str, definition: Mapping[str, Any]) -> None:
    """Make an alarm, or change the one of that name."""
    aws.call("cloudwatch", region, "put_metric_alarm", **definition)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
