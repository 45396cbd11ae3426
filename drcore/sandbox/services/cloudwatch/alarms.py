"""CloudWatch alarms: evaluated once a minute, with history, with actions that are really published.

An alarm judges what is there at that moment. As the newest periods come late, it retrieves a few periods more than
EvaluationPeriods, and judges the newest of those that have data; only where fewer have does TreatMissingData count.
Simplified: metric alarms and metric math alarms, log alarms by a module of their own, no composite and no anomaly
alarms.
"""

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.timestamps import epoch, iso
from drcore.sandbox.core.world import World
from drcore.sandbox.services import sns
from drcore.sandbox.services.cloudwatch.metrics import Store
from drcore.sandbox.services.cloudwatch.queries import Query, QueryResults, QueryWindow

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}

RETRIEVED_BESIDE = 3
"""Periods that an alarm retrieves beside EvaluationPeriods; AWS gives no number, its examples have two or three."""

STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")

_ACTIONS = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One entry of an alarm's history; `data` is the JSON that the API gives as HistoryData."""

    alarm: str
    at: datetime
    kind: str
    summary: str
    data: str
    alarm_kind: str = "MetricAlarm"


@dataclass(slots=True)
class MetricAlarm:
    """A metric alarm: `config` as PutMetricAlarm got it, and the state that evaluation gave it."""

    name: str
    arn: str
    config: dict[str, Any]
    configured: datetime
    state: str = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str = ""
    updated: datetime = field(init=False)
    kind: str = "MetricAlarm"
    """What the API calls the kind of alarm."""

    def __post_init__(self) -> None:
        self.updated = self.configured

    def queries(self) -> list[Query]:
        """The alarm's metrics as queries; the one that is returned is the one that is compared."""
        if self.config.get("Metrics"):
            return list(self.config["Metrics"])
        stat = {
            "Metric": {key: self.config[key] for key in ("Namespace", "MetricName")}
            | {"Dimensions": self.config.get("Dimensions") or []},
            "Period": self.config["Period"],
            "Stat": self.config.get("Statistic") or self.config.get("ExtendedStatistic"),
        }
        return [{"Id": "watched", "MetricStat": stat}]

    def period(self) -> int:
        """Seconds; of a math alarm the longest period of its metrics."""
        periods = [q["MetricStat"]["Period"] for q in self.queries() if q.get("MetricStat")]
        return int(max(periods, default=60))

    def namespaces(self) -> set[str]:
        """The namespaces that the alarm reads."""
        return {q["MetricStat"]["Metric"]["Namespace"] for q in self.queries() if q.get("MetricStat")}


class RegionAlarms:
    """The alarms of one region."""

    def __init__(self, world: World, region: str, store: Store) -> None:
        self._world, self._region, self._store = world, region, store
        self._alarms: dict[str, MetricAlarm] = {}
        self.history: list[HistoryItem] = []

    def __iter__(self) -> Iterator[MetricAlarm]:
        return iter(sorted(self._alarms.values(), key=lambda alarm: alarm.name))

    def get(self, name: str) -> MetricAlarm | None:
        """The alarm of that name, if there is one."""
        return self._alarms.get(name)

    def put(self, config: Mapping[str, Any]) -> None:
        """Create or change an alarm; a changed alarm keeps its state until the next evaluation."""
        name, now = str(config["AlarmName"]), self._world.clock.now()
        known = self._alarms.get(name)
        if known is not None and known.kind != "MetricAlarm":
            raise AwsError("ValidationError", f"{name} is the name of a {known.kind}")
        arn = f"arn:aws:cloudwatch:{self._region}:{self._world.account}:alarm:{name}"
        alarm = known or MetricAlarm(name, arn, dict(config), now)
        alarm.config, alarm.configured = dict(config), now
        self.add(alarm)

    def add(self, alarm: MetricAlarm) -> None:
        """Take up an alarm that is new or changed, of whatever kind."""
        is_new = alarm.name not in self._alarms
        self._alarms[alarm.name] = alarm
        data = json.dumps({"type": "Create" if is_new else "Update", "version": "1.0"})
        summary = f'Alarm "{alarm.name}" {"created" if is_new else "updated"}'
        self.history.append(
            HistoryItem(alarm.name, self._world.clock.now(), "ConfigurationUpdate", summary, data, alarm.kind)
        )

    def delete(self, name: str) -> None:
        """Remove an alarm; its history stays, as on AWS."""
        del self._alarms[name]

    def set_state(self, alarm: MetricAlarm, state: str, reason: str, data: str = "") -> None:
        """Move an alarm to `state` now: history, then actions. The next evaluation may move it again."""
        now, before = self._world.clock.now(), alarm.state
        old = _state_document(alarm.state, alarm.reason, alarm.reason_data)
        new = _state_document(state, reason, data)
        alarm.state, alarm.reason, alarm.reason_data, alarm.updated = state, reason, data, now
        document = json.dumps({"version": "1.0", "oldState": old, "newState": new})
        summary = f"Alarm updated from {before} to {state}"
        self.history.append(HistoryItem(alarm.name, now, "StateUpdate", summary, document, alarm.kind))
        if alarm.config.get("ActionsEnabled", True):
            for action in alarm.config.get(_ACTIONS[state]) or ():
                self._act(alarm, before, action)

    def evaluate(self, at: datetime) -> None:
        """Look at every metric alarm, with the data until `at`."""
        for alarm in [each for each in self if each.kind == "MetricAlarm"]:
            values = self._values(alarm, at)
            state = judge(values, alarm.config, _missing(alarm)) or alarm.state
            if state != alarm.state:
                self.set_state(alarm, state, *reason_of(values, alarm.config, at))

    def judged(self, name: str, at: datetime) -> str | None:
        """What the data until `at` make of an alarm, whatever its state is; None if there is no such alarm."""
        alarm = self._alarms.get(name)
        return None if alarm is None else judge(self._values(alarm, at), alarm.config, _missing(alarm))

    def forget(self, since: datetime) -> None:
        """Drop the history from `since` on and take up each alarm's state of that moment."""
        dropped = {item.alarm for item in self.history if item.at >= since}
        self.history = [item for item in self.history if item.at < since]
        for alarm in self:
            if alarm.name in dropped and alarm.configured < since:
                self._restore(alarm)

    def _restore(self, alarm: MetricAlarm) -> None:
        updates = [i for i in self.history if i.alarm == alarm.name and i.kind == "StateUpdate"]
        if not updates:
            alarm.state, alarm.updated = "INSUFFICIENT_DATA", alarm.configured
            return
        state = json.loads(updates[-1].data)["newState"]
        alarm.state, alarm.reason = state["stateValue"], state["stateReason"]
        alarm.updated = updates[-1].at

    def _values(self, alarm: MetricAlarm, at: datetime) -> list[float | None]:
        """The EvaluationPeriods newest values there are, newest first; None is missing, and comes last."""
        period, periods = alarm.period(), int(alarm.config["EvaluationPeriods"])
        end, retrieved = epoch(at) // period * period, periods + RETRIEVED_BESIDE
        queries = alarm.queries()
        watched = next(query["Id"] for query in queries if query.get("ReturnData") is not False)
        series = QueryResults(self._store, queries, QueryWindow(end - retrieved * period, end)).series(watched)
        newest = [series[begin] for begin in sorted(series, reverse=True)][:periods]
        return [*newest, *[None] * (periods - len(newest))]

    def _act(self, alarm: MetricAlarm, before: str, action: str) -> None:
        message = json.dumps(self._message(alarm, before))
        subject = f'{alarm.state}: "{alarm.name}" in {self._region}'
        done = ":sns:" in action and sns.publish(self._world, self._region, action, subject, message)
        summary = f"Successfully executed action {action}" if done else f"Failed to execute action {action}"
        data = json.dumps(
            {
                "actionState": "Succeeded" if done else "Failed",
                "stateUpdateTimestamp": epoch(alarm.updated) * 1000,
                "notificationResource": action,
            }
        )
        self.history.append(HistoryItem(alarm.name, self._world.clock.now(), "Action", summary, data, alarm.kind))

    def _message(self, alarm: MetricAlarm, before: str) -> dict[str, Any]:
        return {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.config.get("AlarmDescription"),
            "AWSAccountId": self._world.account,
            "NewStateValue": alarm.state,
            "NewStateReason": alarm.reason,
            "StateChangeTime": iso(alarm.updated),
            "Region": self._region,
            "AlarmArn": alarm.arn,
            "OldStateValue": before,
            "Trigger": {key: alarm.config.get(key) for key in ("Threshold", "ComparisonOperator")},
        }


def judge(values: list[float | None], config: Mapping[str, Any], missing: str) -> str | None:
    """The state that `values` (newest first, None is missing) mean; None means: keep the state.

    `missing` as TreatMissingData.
    """
    threshold, periods = float(config["Threshold"]), len(values)
    needed = int(config.get("DatapointsToAlarm") or periods)
    breaches = COMPARISONS[config["ComparisonOperator"]]
    known = [value for value in values if value is not None]
    if not known and missing == "missing":
        return "INSUFFICIENT_DATA"
    if not known and missing == "ignore":
        return None
    bad = sum(breaches(value, threshold) for value in known)
    if missing == "breaching":
        bad += periods - len(known)
    return "ALARM" if bad >= needed else "OK"


def _missing(alarm: MetricAlarm) -> str:
    """TreatMissingData; alarms on DynamoDB always ignore missing data, whatever it says."""
    if "AWS/DynamoDB" in alarm.namespaces():
        return "ignore"
    return str(alarm.config.get("TreatMissingData") or "missing")


def reason_of(values: list[float | None], config: Mapping[str, Any], at: datetime) -> tuple[str, str]:
    """StateReason and StateReasonData of an evaluation."""
    known, threshold = [value for value in values if value is not None], float(config["Threshold"])
    shown = ", ".join(f"{value:.4g}" for value in known) or "none"
    reason = (
        f"Threshold Crossed: datapoints, newest first: {shown}; missing: {len(values) - len(known)}. "
        f"{config['ComparisonOperator']} {threshold:g}, {config.get('DatapointsToAlarm') or len(values)} "
        f"of {len(values)} are needed for ALARM."
    )
    data = {"version": "1.0", "queryDate": iso(at), "recentDatapoints": known[::-1], "threshold": threshold}
    return reason, json.dumps(data)


def _state_document(state: str, reason: str, data: str) -> dict[str, Any]:
    document: dict[str, Any] = {"stateValue": state, "stateReason": reason}
    if data:
        document["stateReasonData"] = json.loads(data)
    return document
