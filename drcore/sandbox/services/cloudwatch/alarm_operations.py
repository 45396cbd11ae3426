"""CloudWatch: the operations on alarms."""

from collections.abc import Mapping
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.services.cloudwatch.alarms import COMPARISONS, STATES, HistoryItem, MetricAlarm, RegionAlarms
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch


@operation("cloudwatch", "PutMetricAlarm")
def put_metric_alarm(call: AwsCall) -> dict[str, Any]:
    """As the API. Raises ValidationError for a comparison, a period or an M of N that cannot be."""
    config = {key: value for key, value in call.params.items() if value is not None and key != "Tags"}
    periods = int(config.get("EvaluationPeriods") or 0)
    if config.get("ComparisonOperator") not in COMPARISONS:
        raise AwsError("ValidationError", "ComparisonOperator: anomaly bands are not emulated")
    if periods < 1 or int(config.get("DatapointsToAlarm") or periods) > periods:
        raise AwsError("ValidationError", "DatapointsToAlarm must be between 1 and EvaluationPeriods")
    if not config.get("Metrics") and not (config.get("MetricName") and config.get("Period")):
        raise AwsError("ValidationError", "expected either Metrics, or MetricName, Namespace and Period")
    _alarms(call).put(config)
    return {}


@operation("cloudwatch", "DescribeAlarms")
def describe_alarms(call: AwsCall) -> dict[str, Any]:
    """As the API: by name, name prefix or state, at most 100 a page; log alarms only where they are asked for."""
    params = call.params
    names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix") or ""
    state = params.get("StateValue")
    alarms = [
        alarm
        for alarm in _alarms(call)
        if (not names or alarm.name in names) and alarm.name.startswith(prefix) and state in (None, alarm.state)
    ]
    kinds = params.get("AlarmTypes") or ["MetricAlarm"]
    alarms = [alarm for alarm in alarms if alarm.kind in kinds]
    here, token = page(alarms, params.get("NextToken"), int(params.get("MaxRecords") or 50), "InvalidNextToken")
    answer: dict[str, Any] = {f"{kind}s": [] for kind in ("MetricAlarm", "CompositeAlarm", "LogAlarm")}
    for alarm in here:
        answer[f"{alarm.kind}s"].append(_alarm_document(alarm))
    return answer | ({"NextToken": token} if token else {})


@operation("cloudwatch", "DescribeAlarmHistory")
def describe_alarm_history(call: AwsCall) -> dict[str, Any]:
    """As the API: newest first unless ScanBy says otherwise, at most 100 a page."""
    params = call.params
    history = [item for item in _alarms(call).history if _remembers(item, params)]
    if params.get("ScanBy") != "TimestampAscending":
        history.reverse()
    here, token = page(history, params.get("NextToken"), int(params.get("MaxRecords") or 100), "InvalidNextToken")
    items = [
        {
            "AlarmName": item.alarm,
            "AlarmType": item.alarm_kind,
            "Timestamp": item.at,
            "HistoryItemType": item.kind,
            "HistorySummary": item.summary,
            "HistoryData": item.data,
        }
        for item in here
    ]
    return {"AlarmHistoryItems": items} | ({"NextToken": token} if token else {})


@operation("cloudwatch", "SetAlarmState")
def set_alarm_state(call: AwsCall) -> dict[str, Any]:
    """As the API: temporary, as the next evaluation sets the state again, but its actions run."""
    params = call.params
    if params["StateValue"] not in STATES:
        raise AwsError("ValidationError", f"StateValue: expected one of {STATES}, saw {params['StateValue']!r}")
    alarm = _alarm(call, params["AlarmName"])
    if params["StateValue"] != alarm.state:
        reason, data = params["StateReason"], params.get("StateReasonData") or ""
        _alarms(call).set_state(alarm, params["StateValue"], reason, data)
    return {}


@operation("cloudwatch", "DeleteAlarms")
def delete_alarms(call: AwsCall) -> dict[str, Any]:
    """As the API: all or nothing."""
    names = [_alarm(call, name).name for name in call.params["AlarmNames"]]
    for name in names:
        _alarms(call).delete(name)
    return {}


@operation("cloudwatch", "EnableAlarmActions")
def enable_alarm_actions(call: AwsCall) -> dict[str, Any]:
    """As the API: names that do not exist are passed over."""
    return _switch_actions(call, True)


@operation("cloudwatch", "DisableAlarmActions")
def disable_alarm_actions(call: AwsCall) -> dict[str, Any]:
    """As the API: names that do not exist are passed over."""
    return _switch_actions(call, False)


def _switch_actions(call: AwsCall, enabled: bool) -> dict[str, Any]:
    for name in call.params["AlarmNames"]:
        alarm = _alarms(call).get(name)
        if alarm is not None:
            alarm.config["ActionsEnabled"] = enabled
    return {}


def _alarm(call: AwsCall, name: str) -> MetricAlarm:
    alarm = _alarms(call).get(name)
    if alarm is None:
        raise AwsError("ResourceNotFound", f"The alarm {name!r} does not exist", 404)
    return alarm


def _alarms(call: AwsCall) -> RegionAlarms:
    return call.world.state(CloudWatch).alarms[call.region]


def _remembers(item: HistoryItem, params: Mapping[str, Any]) -> bool:
    if params.get("AlarmName") not in (None, item.alarm):
        return False
    if item.alarm_kind not in (params.get("AlarmTypes") or ("MetricAlarm",)):
        return False
    if params.get("HistoryItemType") not in (None, item.kind):
        return False
    start, end = params.get("StartDate"), params.get("EndDate")
    return (not start or item.at >= aware(start)) and (not end or item.at <= aware(end))


def _alarm_document(alarm: MetricAlarm) -> dict[str, Any]:
    empty: dict[str, list[Any]] = {
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "Dimensions": [],
    }
    document = {"ActionsEnabled": True} | empty | alarm.config
    document |= {
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.updated,
        "StateTransitionedTimestamp": alarm.updated,
    }
    return document | ({"StateReasonData": alarm.reason_data} if alarm.reason_data else {})
