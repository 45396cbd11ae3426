"""CloudWatch's store of metrics: one point a minute, with the distribution that percentiles need.

A minute can be read some time after it is over (core/lateness.py): first a part of its samples, then all of them.
Simplified: standard resolution only, no retention limit; a single sample is there or not, as it has no part.
No sample in a minute means no point, never a zero.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor
from operator import mul
from typing import NamedTuple

from drcore.sandbox.core.lateness import Lateness, Told
from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.timestamps import MINUTE
from drcore.sandbox.core.world import World

Series = dict[int, float]
"""Value by start of the period, seconds since 1970."""

Weighted = tuple[tuple[float, float], ...]
"""(value, how many samples had it), as Values and Counts of PutMetricData."""


class MetricName(NamedTuple):
    """One metric; dimensions sorted by name.

    A tuple, as its hash is asked for with each sample, and a dataclass works that out in Python.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Iterable[Mapping[str, str]]) -> "MetricName":
        """From the shapes of the API: `[{"Name": …, "Value": …}]`."""
        return cls(namespace, name, tuple(sorted((d["Name"], d["Value"]) for d in dimensions)))


@dataclass(frozen=True, slots=True)
class MinuteSamples:
    """The samples of one minute."""

    count: float
    total: float
    low: float
    high: float
    values: Weighted

    @classmethod
    def of(cls, values: Weighted) -> "MinuteSamples":
        """From weighted values; at least one weight must be above zero."""
        kept = tuple([pair for pair in values if pair[1] > 0])
        numbers, weights = zip(*kept, strict=True)
        return cls(sum(weights), sum(map(mul, numbers, weights)), min(numbers), max(numbers), kept)

    @classmethod
    def share(cls, hits: int, samples: int) -> "MinuteSamples":
        """`samples` samples of which `hits` are 1 and the others 0: their average is a rate."""
        values = tuple(pair for pair in ((0.0, samples - hits), (1.0, hits)) if pair[1])
        return cls(samples, hits, float(hits == samples), float(hits > 0), values)

    def part(self, share: float) -> "MinuteSamples | None":
        """What is there of the minute while only a share of it has come in; None where that is not one sample."""
        values = tuple((value, _part(weight, share)) for value, weight in self.values)
        return MinuteSamples.of(values) if any(weight > 0 for _, weight in values) else None


def _part(weight: float, share: float) -> float:
    return floor(weight * share) if weight == floor(weight) else weight * share


def merge(points: list[MinuteSamples]) -> MinuteSamples:
    """One point for the samples of all."""
    if len(points) == 1:
        return points[0]
    return MinuteSamples(
        sum(p.count for p in points),
        sum(p.total for p in points),
        min(p.low for p in points),
        max(p.high for p in points),
        tuple(pair for p in points for pair in p.values),
    )


def statistic(point: MinuteSamples, stat: str) -> float:
    """`Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or a percentile such as `p99` or `p99.9`.

    Raises AwsError (ValidationError) for any other statistic.
    """
    match stat:
        case "Sum":
            return point.total
        case "Average":
            return point.total / point.count
        case "Minimum":
            return point.low
        case "Maximum":
            return point.high
        case "SampleCount":
            return point.count
    try:
        if not stat.startswith("p"):
            raise ValueError(stat)
        percent = float(stat[1:])
        if not 0 <= percent <= 100:
            raise ValueError(stat)
    except ValueError:
        raise AwsError("ValidationError", f"Stat: expected Sum, Average, … or pNN, saw {stat!r}") from None
    return _percentile(point, percent)


class Store:
    """The metrics of one region. What is read is what can be read by now; what is recorded may come later."""

    def __init__(self, world: World, region: str) -> None:
        self._clock, self._lateness, self._region = world.clock, world.state(Lateness), region
        self._points: dict[MetricName, dict[int, MinuteSamples]] = {}
        self._units: dict[MetricName, str] = {}

    def metrics(self) -> list[MetricName]:
        """All metrics that ever had a point, oldest first."""
        return list(self._points)

    def unit(self, metric: MetricName) -> str:
        """The unit that the metric was last written with; `None` (the text) if it has none."""
        return self._units.get(metric, "None")

    def record(self, metric: MetricName, minute: int, point: MinuteSamples, unit: str = "Count") -> None:
        """Add samples to the minute that starts at `minute` (seconds since 1970)."""
        points = self._points.get(metric)
        if points is None:
            points = self._points[metric] = {}
        known = points.get(minute)
        points[minute] = point if known is None else merge([known, point])
        self._units[metric] = unit

    def forget(self, since: int, namespaces: frozenset[str]) -> None:
        """Drop the points from `since` on, of those namespaces: for a history that is told again."""
        for metric, points in self._points.items():
            if metric.namespace in namespaces:
                for minute in [m for m in points if m >= since]:
                    del points[minute]

    def periods(self, metric: MetricName, start: int, end: int, period: int) -> dict[int, MinuteSamples]:
        """The merged points of each period that has any, from `start` (inclusive) to `end` (exclusive)."""
        points = self._points.get(metric)
        if not points:
            return {}
        first, now = start // period * period, self._clock.now().timestamp()
        whole_before = now - self._lateness.most(Told.METRIC) - MINUTE  # minutes that began before are whole
        merged: dict[int, MinuteSamples] = {}
        for begin in range(first, end, period):
            inside = []
            for minute in range(begin, begin + period, MINUTE):
                point = points.get(minute)
                if point is not None and minute > whole_before:
                    point = self._told(metric, minute, point, now)
                if point is not None:
                    inside.append(point)
            if inside:
                merged[begin] = merge(inside)
        return merged

    def _told(self, metric: MetricName, minute: int, point: MinuteSamples, now: float) -> MinuteSamples | None:
        """What there is of a minute by now: nothing, a part of it from some moment on, at last all of it."""
        over = minute + MINUTE
        late = self._lateness.seconds(Told.METRIC, over, self._region, metric, minute)
        if now >= over + late:
            return point
        begun, share = (0.3 + 0.6 * self._lateness.chance(each, self._region, metric, minute) for each in _PARTS)
        return point.part(share) if now >= over + begun * late else None

    def series(self, metric: MetricName, stat: str, start: int, end: int, period: int) -> Series:
        """One statistic of one metric; periods without a sample are absent."""
        periods = self.periods(metric, start, end, period)
        return {begin: statistic(point, stat) for begin, point in periods.items()}


_PARTS = ("a part comes", "the part")


def _percentile(point: MinuteSamples, percent: float) -> float:
    """The smallest value at or below which `percent` of the samples lie."""
    ordered = sorted(point.values)
    wanted = sum(weight for _, weight in ordered) * percent / 100
    so_far = 0.0
    for value, weight in ordered:
        so_far += weight
        if so_far >= wanted - 1e-9:
            return value
    return point.high
