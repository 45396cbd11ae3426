"""Log alarms: a query of Logs Insights on a schedule, M of whose last N results must breach.

Each run looks at what has come in by then, so a schedule whose span ends now sees less than there is. The query's own
run takes no place among the concurrent ones. Simplified: no warm-up, no log lines in notifications, no role is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.alarms import COMPARISONS, MetricAlarm, judge, reason_of
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.logs.insights_queries import CarryOut
from drcore.sandbox.services.logs.query_operations import compiled, lines_of
from drcore.sandbox.services.logs.state import Logs

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_MOST_ROWS = 500


@dataclass(slots=True)
class LogAlarm(MetricAlarm):
    """A log alarm: `config` as PutLogAlarm got it; `results` are those of its runs, newest first, None is missing."""

    kind: str = "LogAlarm"
    results: list[float | None] = field(default_factory=list)

    @property
    def scheduled(self) -> Mapping[str, Any]:
        """The scheduled query."""
        query: Mapping[str, Any] = self.config["ScheduledQueryConfiguration"]
        return query

    @property
    def query(self) -> str:
        """What each run asks."""
        return f"{self.scheduled['QueryString']} | stats {self.scheduled['AggregationExpression']}"

    @property
    def every(self) -> int:
        """Seconds from one run to the next."""
        return seconds_of(self.scheduled["ScheduleConfiguration"]["ScheduleExpression"])


class LogAlarms:
    """Runs the queries of the log alarms of both regions when they are due."""

    def __init__(self, world: World) -> None:
        self._world, self._metrics = world, world.state(CloudWatch)
        self._ready: dict[tuple[str, str], CarryOut] = {}
        self.resting: set[tuple[str, str]] = set()
        """Alarms by region and name that are not run: what they would find is known to be quiet."""
        world.on_tick(self.tick)

    def put(self, region: str, config: Mapping[str, Any]) -> None:
        """Make a log alarm, or change the one of that name, which keeps its state. Raises AwsError.

        Its query is compiled when it is first run: whoever takes it from outside sees to it beforehand that it can be.
        """
        alarms, name, now = self._metrics.alarms[region], str(config["AlarmName"]), self._world.clock.now()
        known = alarms.get(name)
        if known is not None and not isinstance(known, LogAlarm):
            raise AwsError("ResourceConflict", f"{name} is the name of a {known.kind}", 409)
        arn = f"arn:aws:cloudwatch:{region}:{self._world.account}:alarm:{name}"
        made = LogAlarm(name, arn, dict(config), now)
        if known is not None:
            known.config, known.configured, known.results = dict(config), now, []
            made = known
        self._ready.pop((region, name), None)
        alarms.add(made)

    def tick(self, at: datetime) -> None:
        """Run what is due."""
        for region, alarms in self._metrics.alarms.items():
            for alarm in [each for each in alarms if isinstance(each, LogAlarm)]:
                due = epoch(at) % alarm.every == 0 and at > alarm.configured
                if due and (region, alarm.name) not in self.resting:
                    self._run(region, alarm, at)

    def rest(self, region: str, name: str, result: float) -> None:
        """Run an alarm no more, as its result is known to stay what it is, until it is taken out of `resting`."""
        alarm = self._metrics.alarms[region].get(name)
        if isinstance(alarm, LogAlarm):
            self.resting.add((region, name))
            self._take(region, alarm, result, self._world.clock.now())

    def _run(self, region: str, alarm: LogAlarm, at: datetime) -> None:
        self._take(region, alarm, self._result(region, alarm, at), at)

    def _take(self, region: str, alarm: LogAlarm, result: float | None, at: datetime) -> None:
        count = int(alarm.config["QueryResultsToEvaluate"])
        alarm.results = [result, *alarm.results][:count]
        values = [*alarm.results, *[None] * (count - len(alarm.results))]
        config = alarm.config | {"DatapointsToAlarm": alarm.config["QueryResultsToAlarm"]}
        state = judge(values, config, str(config.get("TreatMissingData") or "missing")) or alarm.state
        if state != alarm.state:
            self._metrics.alarms[region].set_state(alarm, state, *reason_of(values, config, at))

    def _result(self, region: str, alarm: LogAlarm, at: datetime) -> float | None:
        """The worst of the aggregated values; None where the query finds nothing, or its group is gone."""
        span = alarm.scheduled["ScheduleConfiguration"]
        since, until = (
            epoch(at - timedelta(seconds=int(span.get(name) or 0))) * 1000
            for name in ("StartTimeOffset", "EndTimeOffset")
        )
        logs = self._world.state(Logs)
        try:
            groups = [logs.group(region, name) for name in alarm.scheduled.get("LogGroupIdentifiers") or ()]
        except AwsError:
            return None
        lines = [each for group in groups for each in lines_of(self._world, group, since, until)]
        if (region, alarm.name) not in self._ready:  # not before: a world whose alarms rest needs no database
            self._ready[region, alarm.name] = compiled(alarm.query, _MOST_ROWS)
        rows = self._ready[region, alarm.name](lines)
        values = [float(value) for row in rows for name, value in row[-1:] if _is_number(value)]
        worst = max if alarm.config["ComparisonOperator"].startswith("Greater") else min
        return worst(values, default=None)


@operation("cloudwatch", "PutLogAlarm")
def put_log_alarm(call: AwsCall) -> dict[str, Any]:
    """As the API. Raises ValidationError for a query, a schedule or an M of N that cannot be."""
    config = {key: value for key, value in call.params.items() if value is not None and key != "Tags"}
    if config["ComparisonOperator"] not in COMPARISONS:
        raise AwsError("ValidationError", "ComparisonOperator: anomaly bands are not for log alarms")
    if not 1 <= int(config["QueryResultsToAlarm"]) <= int(config["QueryResultsToEvaluate"]) <= 100:
        raise AwsError("ValidationError", "QueryResultsToAlarm must be between 1 and QueryResultsToEvaluate")
    schedule = config["ScheduledQueryConfiguration"]["ScheduleConfiguration"]
    seconds_of(schedule["ScheduleExpression"])
    if not 0 <= int(schedule.get("EndTimeOffset") or 0) < int(schedule["StartTimeOffset"]):
        raise AwsError("ValidationError", "EndTimeOffset must be less than StartTimeOffset")
    try:
        compiled(LogAlarm(config["AlarmName"], "", config, call.world.clock.now()).query, _MOST_ROWS)
    except AwsError as error:
        if error.code == "MalformedQueryException":
            raise AwsError("ValidationError", f"QueryString: {error.message}") from None
        raise
    call.world.state(LogAlarms).put(call.region, config)
    return {}


def seconds_of(schedule: str) -> int:
    """Seconds of `rate(5 minutes)`. Raises AwsError (ValidationError)."""
    match = _RATE.fullmatch(schedule)
    if match is None or not int(match[1]):
        raise AwsError("ValidationError", f"ScheduleExpression: expected rate(5 minutes), saw {schedule!r}")
    return int(match[1]) * _SECONDS[match[2]]


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
