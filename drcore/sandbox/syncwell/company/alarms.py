"""SyncWell's alarms, as they are configured."""

from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.company import names

Config = dict[str, Any]
"""As PutMetricAlarm takes it."""


def standing(world: World, region: str) -> list[Config]:
    """The alarms that are always there."""
    api = [{"Name": "ApiName", "Value": names.API}, {"Name": "Stage", "Value": names.STAGE}]
    function = [{"Name": "FunctionName", "Value": "syncwell-api"}]
    rate = {
        "Metrics": [
            _stat("errors", "AWS/ApiGateway", "5XXError", api),
            _stat("requests", "AWS/ApiGateway", "Count", api),
            _rate("100 * errors / requests"),
        ],
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
        "AlarmDescription": "More than 1 % of the API's answers are 5xx.",
    }
    latency = {
        "Namespace": "AWS/ApiGateway",
        "MetricName": "Latency",
        "Dimensions": api,
        "ExtendedStatistic": "p99",
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 5,
        "Threshold": 800.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
        "AlarmDescription": "The slowest 1 % of the API's answers take more than 800 ms.",
    }
    floor = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Invocations",
        "Dimensions": function,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 3,
        "Threshold": 120.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "AlarmDescription": "Hardly anybody reaches the API: error rates say nothing now.",
    }
    throttled = {
        "Namespace": "AWS/DynamoDB",
        "MetricName": "WriteThrottleEvents",
        "Dimensions": [{"Name": "TableName", "Value": names.TABLE}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmDescription": "Writes to the users' configurations are throttled.",
    }
    named = {
        "syncwell-api-5xx": rate,
        "syncwell-api-latency-p99": latency,
        "syncwell-api-traffic-floor": floor,
        names.THROTTLED_ALARM: throttled,
    }
    return [_paging(world, region, name, config) for name, config in named.items()]


def canary_errors(world: World, region: str, function: str, version: str) -> Config:
    """The alarm on the unhandled errors of one version; the pipeline sets it anew for each release."""
    dimensions = [
        {"Name": "FunctionName", "Value": function},
        {"Name": "Resource", "Value": f"{function}:{names.ALIAS}"},
        {"Name": "ExecutedVersion", "Value": version},
    ]
    config = {
        "Metrics": [
            _stat("errors", "AWS/Lambda", "Errors", dimensions),
            _stat("invocations", "AWS/Lambda", "Invocations", dimensions),
            _rate("100 * errors / invocations"),
        ],
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmDescription": f"More than 1 % of the invocations of version {version} fail.",
    }
    return _paging(world, region, names.canary_alarm(function), config)


def _paging(world: World, region: str, name: str, config: Config) -> Config:
    topic = names.topic_arn(world.account, region)
    return {"AlarmName": name, "ActionsEnabled": True, "AlarmActions": [topic]} | config


def _stat(name: str, namespace: str, metric: str, dimensions: list[dict[str, str]]) -> Config:
    wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": wanted, "Period": 60, "Stat": "Sum"}, "ReturnData": False}


def _rate(expression: str) -> Config:
    return {"Id": "rate", "Expression": expression, "Label": "error rate in %", "ReturnData": True}
