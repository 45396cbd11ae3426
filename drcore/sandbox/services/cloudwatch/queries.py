"""CloudWatch's metric data queries: statistics of stored metrics, with expressions over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.services.cloudwatch.metric_math import evaluate
from drcore.sandbox.services.cloudwatch.metrics import MetricName, Series, Store

Query = Mapping[str, Any]
"""A MetricDataQuery of the API."""


@dataclass(frozen=True, slots=True)
class QueryWindow:
    """From `start` (inclusive) to `end` (exclusive), seconds since 1970."""

    start: int
    end: int


class QueryResults:
    """The series of a set of queries, each worked out once."""

    def __init__(self, store: Store, queries: Sequence[Query], window: QueryWindow) -> None:
        self._store = store
        self._queries = {query["Id"]: query for query in queries}
        self._window = window
        self._known: dict[str, Series] = {}
        self._asking: list[str] = []
        if len(self._queries) != len(queries):
            raise AwsError("ValidationError", "The values for parameter id in MetricDataQueries are not unique.")

    def series(self, name: str) -> Series:
        """The series of the query `name`. Raises AwsError for an unknown id or a circle of expressions."""
        if name in self._known:
            return self._known[name]
        if name not in self._queries or name in self._asking:
            raise AwsError("ValidationError", f"Error in expression: the id {name!r} cannot be resolved")
        self._asking.append(name)
        try:
            self._known[name] = self._work_out(self._queries[name])
        finally:
            self._asking.pop()
        return self._known[name]

    def _work_out(self, query: Query) -> Series:
        stat = query.get("MetricStat")
        if stat:
            wanted = stat["Metric"]
            metric = MetricName.of(wanted["Namespace"], wanted["MetricName"], wanted.get("Dimensions") or ())
            window = self._window
            return self._store.series(metric, stat["Stat"], window.start, window.end, int(stat["Period"]))
        if "Expression" not in query:
            raise AwsError("ValidationError", f"{query['Id']}: expected MetricStat or Expression")
        metrics = [name for name, other in self._queries.items() if other.get("MetricStat")]
        return evaluate(query["Expression"], self.series, metrics, self._grid(query))

    def _grid(self, query: Query) -> range:
        stats = [other["MetricStat"] for other in self._queries.values() if other.get("MetricStat")]
        period = int(query.get("Period") or max((int(stat["Period"]) for stat in stats), default=60))
        return range(self._window.start // period * period, self._window.end, period)


def returned(query: Query) -> bool:
    """Whether the query's data is part of the answer (ReturnData, true by default)."""
    return query.get("ReturnData") is not False


def label(query: Query) -> str:
    """What the API calls the series when the query names no label."""
    if query.get("Label"):
        return str(query["Label"])
    stat = query.get("MetricStat")
    return str(stat["Metric"]["MetricName"] if stat else query["Id"])
