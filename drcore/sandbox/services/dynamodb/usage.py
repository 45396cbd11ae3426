"""DynamoDB: what its metrics tell of each table in each minute.

SuccessfulRequestLatency has a sample for each request of an operation; the capacity units are summed. A write that
comes from another replica takes units and is no request. Simplified: latencies are typical, nothing is throttled.
"""

from collections import Counter, defaultdict
from datetime import datetime
from math import ceil

from drcore.sandbox.core.timestamps import epoch, floor
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.dynamodb.items import Stored

_NAMESPACE = "AWS/DynamoDB"
_MILLISECONDS = {"GetItem": 2.6, "Query": 4.1, "Scan": 24.0, "BatchWriteItem": 9.5, "TransactWriteItems": 13.0}
_USUAL = 4.8


def units(item: Stored | None) -> int:
    """The write capacity units of an item; a deletion of something small takes one."""
    return max(1, ceil(item.size / 1024)) if item else 1


class Usage:
    """What was asked of each table since the last full minute that has been published."""

    def __init__(self, world: World) -> None:
        self._watch = world.state(CloudWatch)
        self._requests: Counter[tuple[str, str, str, int]] = Counter()
        self._units: defaultdict[tuple[str, str, str, int], float] = defaultdict(float)

    def request(self, region: str, table: str, operation: str, at: datetime, times: int = 1) -> None:
        """Count a request that succeeded."""
        self._requests[region, table, operation, floor(at)] += times

    def units(self, region: str, table: str, kind: str, at: datetime, taken: float) -> None:
        """Count capacity units; `kind` is Read or Write."""
        self._units[region, table, kind, floor(at)] += taken

    def rewind(self) -> None:
        """Forget what is not published yet: what happened is told again."""
        self._requests.clear()
        self._units.clear()

    def tick(self, at: datetime) -> None:
        """At a full minute, publish the minutes that are over."""
        if at.second == 0:
            self.publish(epoch(at))

    def publish(self, before: int) -> None:
        """Publish the minutes that began before that second."""
        for requested in [each for each in self._requests if each[-1] < before]:
            region, table, operation, minute = requested
            metric = MetricName(
                _NAMESPACE, "SuccessfulRequestLatency", (("Operation", operation), ("TableName", table))
            )
            point = MinuteSamples.of(((_MILLISECONDS.get(operation, _USUAL), self._requests.pop(requested)),))
            self._watch.stores[region].record(metric, minute, point, "Milliseconds")
        for taken in [each for each in self._units if each[-1] < before]:
            region, table, kind, minute = taken
            metric = MetricName(_NAMESPACE, f"Consumed{kind}CapacityUnits", (("TableName", table),))
            self._watch.stores[region].record(metric, minute, MinuteSamples.of(((float(self._units.pop(taken)), 1.0),)))
