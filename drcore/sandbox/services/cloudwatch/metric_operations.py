"""CloudWatch: the operations on metrics, all in memory, fast enough for a day of minutes.

Answers GetMetricData, GetMetricStatistics, ListMetrics and PutMetricData; cloudwatch_alarming answers the
operations on alarms, and moto's own CloudWatch is not used. See cloudwatch_metrics, cloudwatch_math and
cloudwatch_alarms for what is simplified.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, Ready, operation
from drcore.sandbox.core.timestamps import aware, epoch, floor
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.alarms import RegionAlarms
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples, Store, statistic
from drcore.sandbox.services.cloudwatch.queries import QueryResults, QueryWindow, label, returned

MOST_POINTS = 100_800
"""Data points in one answer of GetMetricData."""


class CloudWatch:
    """The metrics and alarms of both regions."""

    def __init__(self, world: World) -> None:
        self.stores = {region: Store(world, region) for region in world.regions}
        self.alarms = {region: RegionAlarms(world, region, self.stores[region]) for region in world.regions}
        world.add_to_dump("cloudwatch", self._state)

    def tick(self, at: datetime) -> None:
        """Evaluate the alarms at each full minute."""
        if at.second == 0:
            for alarms in self.alarms.values():
                alarms.evaluate(at)

    def forget(self, since: datetime, namespaces: frozenset[str]) -> None:
        """Make the metrics of `namespaces` and the alarms what they were at `since`."""
        for region, alarms in self.alarms.items():
            self.stores[region].forget(epoch(since), namespaces)
            alarms.forget(since)

    def _state(self) -> dict[str, Any]:
        return {region: {a.name: a.config for a in alarms} for region, alarms in self.alarms.items()}


def _store(call: AwsCall) -> Store:
    stores = call.world.state(CloudWatch).stores
    return stores.setdefault(call.region, Store(call.world, call.region))


@operation("cloudwatch", "GetMetricData")
def get_metric_data(call: AwsCall) -> dict[str, Any] | Ready:
    """As the API: MetricDataResults in the order of the queries, PartialData while a page follows."""
    params = call.params
    window = _window(params)
    queries = params["MetricDataQueries"]
    answers = QueryResults(_store(call), queries, window)
    oldest_first = params.get("ScanBy") == "TimestampAscending"
    rows: list[tuple[int, int, float]] = []
    shown = [query for query in queries if returned(query)]
    for index, query in enumerate(shown):
        series = answers.series(query["Id"])
        rows += [(index, begin, series[begin]) for begin in sorted(series, reverse=not oldest_first)]
    size = min(int(params.get("MaxDatapoints") or MOST_POINTS), MOST_POINTS)
    here, token = page(rows, params.get("NextToken"), size, "InvalidNextToken")
    last = len(shown) if token is None else here[-1][0]
    results: list[dict[str, Any]] = []
    for index, query in enumerate(shown):
        mine = [row for row in here if row[0] == index]
        results.append(
            {
                "Id": query["Id"],
                "Label": label(query),
                "Timestamps": [begin for _, begin, _ in mine],
                "Values": [value for _, _, value in mine],
                "StatusCode": "Complete" if index < last else "PartialData",
            }
        )
    answer = {"MetricDataResults": results, "Messages": []} | ({"NextToken": token} if token else {})
    if call.message.protocol == "json":  # the longest answers of all, written by their shapes in ten times that
        return Ready(json.dumps(answer).encode())
    for result in results:
        result["Timestamps"] = [*map(aware, result["Timestamps"])]
    return answer


@operation("cloudwatch", "GetMetricStatistics")
def get_metric_statistics(call: AwsCall) -> dict[str, Any]:
    """As the API; the data points are in order of time, which the real service does not promise."""
    params, store = call.params, _store(call)
    metric = MetricName.of(params["Namespace"], params["MetricName"], params.get("Dimensions") or ())
    window = _window(params)
    samples = store.periods(metric, window.start, window.end, int(params["Period"]))
    extended = params.get("ExtendedStatistics") or ()
    points = []
    for begin, point in samples.items():
        shown: dict[str, Any] = {"Timestamp": aware(begin), "Unit": store.unit(metric)}
        shown |= {stat: statistic(point, stat) for stat in params.get("Statistics") or ()}
        if extended:
            shown["ExtendedStatistics"] = {stat: statistic(point, stat) for stat in extended}
        points.append(shown)
    return {"Label": metric.name, "Datapoints": points}


@operation("cloudwatch", "ListMetrics")
def list_metrics(call: AwsCall) -> dict[str, Any]:
    """As the API, 500 a page."""
    params = call.params
    wanted = params.get("Dimensions") or ()
    wanted_metrics = [metric for metric in _store(call).metrics() if _matches(metric, params, wanted)]
    here, token = page(wanted_metrics, params.get("NextToken"), 500, "InvalidParameterValue")
    metrics = [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        }
        for metric in here
    ]
    return {"Metrics": metrics} | ({"NextToken": token} if token else {})


@operation("cloudwatch", "PutMetricData")
def put_metric_data(call: AwsCall) -> dict[str, Any]:
    """As the API; a sample belongs to the minute of its timestamp, by default of now."""
    store = _store(call)
    for datum in call.params.get("MetricData") or ():
        metric = MetricName.of(call.params["Namespace"], datum["MetricName"], datum.get("Dimensions") or ())
        moment = aware(datum["Timestamp"]) if datum.get("Timestamp") else call.world.clock.now()
        store.record(metric, floor(moment), _sample(datum), datum.get("Unit") or "None")
    return {}


def _window(params: Mapping[str, Any]) -> QueryWindow:
    start, end = epoch(aware(params["StartTime"])), epoch(aware(params["EndTime"]))
    if start >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    return QueryWindow(start, end)


def _sample(datum: Mapping[str, Any]) -> MinuteSamples:
    if datum.get("StatisticValues"):
        given = datum["StatisticValues"]
        count, total = float(given["SampleCount"]), float(given["Sum"])
        low, high = float(given["Minimum"]), float(given["Maximum"])
        return MinuteSamples(count, total, low, high, ((total / count, count),))
    if datum.get("Values"):
        counts = datum.get("Counts") or [1.0] * len(datum["Values"])
        return MinuteSamples.of(tuple((float(v), float(c)) for v, c in zip(datum["Values"], counts, strict=True)))
    return MinuteSamples.of(((float(datum["Value"]), 1.0),))


def _matches(metric: MetricName, params: Mapping[str, Any], wanted: Any) -> bool:
    if params.get("Namespace") not in (None, metric.namespace):
        return False
    if params.get("MetricName") not in (None, metric.name):
        return False
    have = dict(metric.dimensions)
    return all(d["Name"] in have and d.get("Value") in (None, have[d["Name"]]) for d in wanted)
