"""CloudWatch's store of metrics: one point a minute, with the distribution that percentiles need.

Simplified: standard resolution only, no retention limit, and a minute can be read as soon as it is over
(the real service is one to three minutes late). No sample in a minute means no point, never a zero.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.timestamps import MINUTE

Series = dict[int, float]
"""Value by start of the period, seconds since 1970."""

Weighted = tuple[tuple[float, float], ...]
"""(value, how many samples had it), as Values and Counts of PutMetricData."""


@dataclass(frozen=True, slots=True)
class MetricName:
    """One metric; dimensions sorted by name."""

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
        kept = tuple(pair for pair in values if pair[1] > 0)
        numbers = [value for value, _ in kept]
        count = sum(weight for _, weight in kept)
        return cls(count, sum(v * w for v, w in kept), min(numbers), max(numbers), kept)

    @classmethod
    def share(cls, hits: int, samples: int) -> "MinuteSamples":
        """`samples` samples of which `hits` are 1 and the others 0: their average is a rate."""
        values = tuple(pair for pair in ((0.0, samples - hits), (1.0, hits)) if pair[1])
        return cls(samples, hits, float(hits == samples), float(hits > 0), values)


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
    """The metrics of one region."""

    def __init__(self) -> None:
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
        points = self._points.setdefault(metric, {})
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
        first = start // period * period
        if period == MINUTE:
            return {m: points[m] for m in range(first, end, MINUTE) if m in points}
        found: dict[int, MinuteSamples] = {}
        for begin in range(first, end, period):
            inside = [points[m] for m in range(begin, begin + period, MINUTE) if m in points]
            if inside:
                found[begin] = merge(inside)
        return found

    def series(self, metric: MetricName, stat: str, start: int, end: int, period: int) -> Series:
        """One statistic of one metric; periods without a sample are absent."""
        found = self.periods(metric, start, end, period)
        return {begin: statistic(point, stat) for begin, point in found.items()}


def _percentile(point: MinuteSamples, percent: float) -> float:
    """The smallest value at or below which `percent` of the samples lie."""
    ordered = sorted(point.values)
    wanted = sum(weight for _, weight in ordered) * percent / 100
    seen = 0.0
    for value, weight in ordered:
        seen += weight
        if seen >= wanted - 1e-9:
            return value
    return point.high
