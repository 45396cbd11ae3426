"""What happened in one minute of one region, until the minute is over: then it becomes metrics."""

import functools
import math
import random
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import NormalDist

from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples, Store, Weighted, merge
from drcore.sandbox.syncwell.company import names

NAMESPACES = frozenset({"AWS/Lambda", "AWS/ApiGateway"})

GATEWAY_OVERHEAD = 14.0
"""Milliseconds that API Gateway adds to the function's time."""

_EDGES = (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
_CELLS = tuple((NormalDist().inv_cdf((low + high) / 2), high - low) for low, high in pairwise(_EDGES))
"""(z, weight): a normal distribution in 14 cells, finer where p99 and p99.9 are."""

Part = tuple[float, float]
"""(median in ms, spread) of a log-normal time."""


@dataclass(slots=True)
class Counts:
    """One version of one function in one minute; `times` counts the requests by how long they take."""

    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    times: dict[Part, int] = field(default_factory=dict)

    def add(self, part: Part, requests: int) -> None:
        """Some requests took about that long."""
        if requests > 0:
            self.times[part] = self.times.get(part, 0) + requests


@dataclass(slots=True)
class Tally:
    """One minute of one region."""

    versions: dict[tuple[str, str], Counts] = field(default_factory=dict)
    requests: int = 0
    server_errors: int = 0
    client_errors: int = 0

    def of(self, function: str, version: str) -> Counts:
        """The counts of one version."""
        return self.versions.setdefault((function, version), Counts())

    def emit(self, store: Store, minute: int, stream: random.Random) -> None:
        """Write the metrics of the minute that starts at `minute`; what nobody asked for has no point."""
        latencies: list[MinuteSamples] = []
        for function in names.FUNCTIONS:
            rows = {version: c for (name, version), c in self.versions.items() if name == function}
            points = {version: _points(counts, stream) for version, counts in sorted(rows.items())}
            resource = f"{function}:{names.ALIAS}"
            both: dict[str, list[MinuteSamples]] = {}
            for version, mine in points.items():
                for metric, point in mine.items():
                    both.setdefault(metric, []).append(point)
                    _record(store, minute, _executed(metric, function, resource, version), point)
            for metric, merged in both.items():
                point = merge(merged)
                _record(store, minute, _plain(metric, function), point)
                _record(store, minute, _aliased(metric, function, resource), point)
            if function in names.API_FUNCTIONS:
                latencies += both.get("Duration", [])
        self._emit_api(store, minute, latencies)

    def _emit_api(self, store: Store, minute: int, latencies: list[MinuteSamples]) -> None:
        if not self.requests:
            return
        points = {
            "Count": _ones(self.requests),
            "5XXError": MinuteSamples.share(self.server_errors, self.requests),
            "4XXError": MinuteSamples.share(self.client_errors, self.requests),
        }
        if latencies:
            values = tuple((v + GATEWAY_OVERHEAD, w) for p in latencies for v, w in p.values)
            points["Latency"] = MinuteSamples.of(values)
        for metric, point in points.items():
            for stage in (None, names.STAGE):
                _record(store, minute, _api(metric, stage), point)


def _points(counts: Counts, stream: random.Random) -> dict[str, MinuteSamples]:
    points: dict[str, MinuteSamples] = {}
    if counts.throttles or counts.invocations:
        points["Throttles"] = MinuteSamples.share(counts.throttles, counts.throttles + counts.invocations)
    if counts.invocations:
        points["Invocations"] = _ones(counts.invocations)
        points["Errors"] = MinuteSamples.share(counts.errors, counts.invocations)
        wobble = stream.gauss(1.0, 0.02)
        values: Weighted = tuple(
            [
                (milliseconds * wobble, weight * requests)
                for part, requests in counts.times.items()
                for milliseconds, weight in times(part)
            ]
        )
        points["Duration"] = MinuteSamples.of(values)
    return points


def _ones(samples: int) -> MinuteSamples:
    return MinuteSamples(samples, samples, 1.0, 1.0, ((1.0, samples),))


@functools.cache
def times(part: Part) -> Weighted:
    """(milliseconds, share of the requests) of what takes about that long."""
    return tuple((part[0] * factor, weight) for factor, weight in shape(part[1]))


@functools.cache
def shape(spread: float) -> Weighted:
    """(factor on the median, share of the requests) of a log-normal distribution."""
    return tuple((math.exp(spread * z), weight) for z, weight in _CELLS)


def _record(store: Store, minute: int, metric: MetricName, point: MinuteSamples) -> None:
    timed = metric.name in ("Duration", "Latency")
    store.record(metric, minute, point, "Milliseconds" if timed else "Count")


@functools.cache
def _plain(metric: str, function: str) -> MetricName:
    return MetricName("AWS/Lambda", metric, (("FunctionName", function),))


@functools.cache
def _aliased(metric: str, function: str, resource: str) -> MetricName:
    return MetricName("AWS/Lambda", metric, (("FunctionName", function), ("Resource", resource)))


@functools.cache
def _executed(metric: str, function: str, resource: str, version: str) -> MetricName:
    dimensions = (("ExecutedVersion", version), ("FunctionName", function), ("Resource", resource))
    return MetricName("AWS/Lambda", metric, dimensions)


@functools.cache
def _api(metric: str, stage: str | None) -> MetricName:
    dimensions = (("ApiName", names.API),) + ((("Stage", stage),) if stage else ())
    return MetricName("AWS/ApiGateway", metric, dimensions)
