"""Metric filters of CloudWatch Logs: lines that match become samples of a metric.

A filter sees the lines that come in after it was made. A minute in which the group got lines, none of which matched,
gets the default value, if the filter has one; a minute without lines gets nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.logs.patterns import matcher
from drcore.sandbox.services.logs.state import Line, Logs

MOST_A_GROUP, MOST_DIMENSIONS = 100, 3


@dataclass(slots=True)
class MetricFilter:
    """One filter as it was put; `transformation` is the API's shape."""

    name: str
    group: str
    pattern: str
    transformation: Mapping[str, Any]
    created: int
    matches: Callable[[str], bool]
    minutes: dict[int, bool] = field(default_factory=dict)
    """Minutes in which the group got lines, and whether one of them matched; those that are settled are gone."""


class MetricFilters:
    """The filters of both regions, which look at the lines each ten seconds."""

    def __init__(self, world: World) -> None:
        self._world, self._logs = world, world.state(Logs)
        self._filters: dict[str, dict[tuple[str, str], MetricFilter]] = defaultdict(dict)
        self._waiting: dict[str, list[tuple[str, Line]]] = defaultdict(list)
        self._logs.on_write(lambda region, group, line: self._waiting[region].append((group, line)))
        world.on_tick(self.tick)
        world.add_to_dump("metric filters", self._state)

    def put(self, region: str, group: str, name: str, pattern: str, transformation: Mapping[str, Any]) -> None:
        """Make a filter, or change the one of that name. Raises AwsError."""
        dimensions = transformation.get("dimensions") or {}
        if len(dimensions) > MOST_DIMENSIONS or (dimensions and transformation.get("defaultValue") is not None):
            reason = f"at most {MOST_DIMENSIONS} dimensions, and none beside a default value"
            raise AwsError("InvalidParameterException", f"Invalid metric transformation: {reason}")
        self._logs.group(region, group)
        known = self._filters[region]
        if (group, name) not in known and len(self.of(region, group)) >= MOST_A_GROUP:
            raise AwsError("LimitExceededException", f"The maximum number of metric filters is {MOST_A_GROUP}")
        made = MetricFilter(name, group, pattern, dict(transformation), self._logs.now(), matcher(pattern))
        known[group, name] = made

    def delete(self, region: str, group: str, name: str) -> None:
        """Take a filter away. Raises AwsError (ResourceNotFoundException)."""
        self._logs.group(region, group)
        if self._filters[region].pop((group, name), None) is None:
            raise AwsError("ResourceNotFoundException", "The specified metric filter does not exist.")

    def of(self, region: str, group: str = "") -> list[MetricFilter]:
        """The filters of a group, or of all, by name."""
        return [each for _, each in sorted(self._filters[region].items()) if group in ("", each.group)]

    def tick(self, at: datetime) -> None:
        """Look at the lines that have come in."""
        for region, waiting in self._waiting.items():
            now = self._logs.now()
            arrived = [(group, line) for group, line in waiting if line[4] <= now]
            self._waiting[region] = [(group, line) for group, line in waiting if line[4] > now]
            for group, line in arrived:
                for metric_filter in self.of(region, group):
                    self._look(region, metric_filter, line)
            for metric_filter in self.of(region):
                self._settle(region, metric_filter, epoch(at))

    def _look(self, region: str, metric_filter: MetricFilter, line: Line) -> None:
        if line[4] < metric_filter.created:
            return
        minute = line[0] // 1000 // MINUTE * MINUTE
        metric_filter.minutes[minute] = metric_filter.minutes.get(minute, False) or metric_filter.matches(line[3])
        if metric_filter.matches(line[3]):
            value = number_of(metric_filter.transformation["metricValue"], line[3])
            if value is not None:
                self._record(region, metric_filter, minute, value, line[3])

    def _settle(self, region: str, metric_filter: MetricFilter, now: int) -> None:
        over = [minute for minute in metric_filter.minutes if minute + MINUTE <= now]
        for minute in over:
            default = metric_filter.transformation.get("defaultValue")
            if not metric_filter.minutes.pop(minute) and default is not None:
                self._record(region, metric_filter, minute, float(default), "")

    def _record(self, region: str, metric_filter: MetricFilter, minute: int, value: float, text: str) -> None:
        asked = metric_filter.transformation.get("dimensions") or {}
        given = {name: text_of(selector, text) for name, selector in asked.items()}
        if None in given.values():
            return  # a line without one of the dimensions makes no sample
        dimensions = [{"Name": name, "Value": str(of_line)} for name, of_line in given.items()]
        metric = MetricName.of(
            metric_filter.transformation["metricNamespace"], metric_filter.transformation["metricName"], dimensions
        )
        sample, unit = MinuteSamples.of(((value, 1.0),)), metric_filter.transformation.get("unit") or "None"
        self._world.state(CloudWatch).stores[region].record(metric, minute, sample, unit)

    def _state(self) -> dict[str, Any]:
        return {
            region: [[each.group, each.name, each.pattern, each.transformation] for each in self.of(region)]
            for region in self._filters
        }


def number_of(value: str, line: str) -> float | None:
    """A metric value: a number, or that of a property such as `$.ms`, None where the line has none."""
    text = text_of(value, line) if value.startswith("$") else value
    try:
        return float(text or "")
    except ValueError:
        return None


def text_of(selector: str, line: str) -> str | None:
    """A property of a line as text, None where the line has none."""
    from drcore.sandbox.services.logs.json_patterns import document_of, property_of

    value = property_of(document_of(line), selector)
    return None if value is None or isinstance(value, dict | list) else str(value)
