"""Log alarms: the share of fallbacks, straight from the log."""

import json
from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.logs.state import Logs
from tests.sandbox.conftest import Client
from tests.support.syncwell_world import EAST, refused

GROUP, NAME = "/syncwell/worker", "ai-fallback-share"


def alarm(**more: Any) -> dict[str, Any]:
    scheduled = {
        "QueryString": 'filter event = "merge"',
        "AggregationExpression": 'sum(strategy = "PrioritizeSource") / count(*) * 100',
        "LogGroupIdentifiers": [GROUP],
        "ScheduledQueryRoleARN": "arn:aws:iam::123456789012:role/alarms",
        "ScheduleConfiguration": {"ScheduleExpression": "rate(1 minute)", "StartTimeOffset": 60},
    }
    return {
        "AlarmName": NAME,
        "ScheduledQueryConfiguration": scheduled | more.pop("scheduled", {}),
        "QueryResultsToEvaluate": 3,
        "QueryResultsToAlarm": 2,
        "Threshold": 20.0,
        "ComparisonOperator": "GreaterThanThreshold",
    } | more


@pytest.fixture
def cloudwatch(empty: InProcess, client: Client) -> Any:
    client("logs").create_log_group(logGroupName=GROUP)
    return client("cloudwatch")


def minutes(empty: InProcess, *fallbacks_of_ten: int) -> None:
    for failed in fallbacks_of_ten:
        for number in range(10):
            strategy = "PrioritizeSource" if number < failed else "AI"
            line = json.dumps({"event": "merge", "strategy": strategy})
            empty.world.state(Logs).write(EAST, GROUP, empty.world.clock.now(), line)
        empty.request("POST", "/_sandbox/clock", {"sleep": 60})


def state(cloudwatch: Any) -> str:
    (found,) = cloudwatch.describe_alarms(AlarmNames=[NAME], AlarmTypes=["LogAlarm"])["LogAlarms"]
    return str(found["StateValue"])


def test_an_alarm_should_go_on_and_off_by_m_of_n_results(empty: InProcess, cloudwatch: Any) -> None:
    cloudwatch.put_log_alarm(**alarm())
    assert state(cloudwatch) == "INSUFFICIENT_DATA"
    minutes(empty, 0, 0, 5)
    assert state(cloudwatch) == "OK"
    minutes(empty, 5)
    assert state(cloudwatch) == "ALARM"
    minutes(empty, 0, 0)
    assert state(cloudwatch) == "OK"
    asked = {"AlarmName": NAME, "HistoryItemType": "StateUpdate"}
    assert cloudwatch.describe_alarm_history(**asked)["AlarmHistoryItems"] == []
    history = cloudwatch.describe_alarm_history(**asked, AlarmTypes=["LogAlarm"])["AlarmHistoryItems"]
    assert len(history) == 3 and {item["AlarmType"] for item in history} == {"LogAlarm"}


@pytest.mark.parametrize(("missing", "expected"), [("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM")])
def test_no_traffic_should_be_no_result_and_never_a_zero(
    empty: InProcess, cloudwatch: Any, missing: str, expected: str
) -> None:
    cloudwatch.put_log_alarm(**alarm(TreatMissingData=missing))
    minutes(empty, 0, 0, 0)
    empty.request("POST", "/_sandbox/clock", {"sleep": 240})
    assert state(cloudwatch) == expected


def test_the_worst_of_several_groups_should_decide(empty: InProcess, cloudwatch: Any) -> None:
    by_strategy = {"AggregationExpression": "count(*) as n by strategy"}
    cloudwatch.put_log_alarm(**alarm(scheduled=by_strategy, Threshold=7.0, QueryResultsToAlarm=1))
    minutes(empty, 5)
    assert state(cloudwatch) == "OK"
    minutes(empty, 2)
    assert state(cloudwatch) == "ALARM"


def test_a_log_alarm_should_be_deleted_as_any_other_and_listed_only_when_asked_for(cloudwatch: Any) -> None:
    cloudwatch.put_log_alarm(**alarm())
    assert cloudwatch.describe_alarms(AlarmNames=[NAME])["MetricAlarms"] == []
    cloudwatch.delete_alarms(AlarmNames=[NAME])
    assert cloudwatch.describe_alarms(AlarmTypes=["LogAlarm"])["LogAlarms"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"scheduled": {"QueryString": "grep x"}},
        {"scheduled": {"AggregationExpression": "count(*"}},
        {"scheduled": {"ScheduleConfiguration": {"ScheduleExpression": "cron(0 * * * ? *)", "StartTimeOffset": 60}}},
        {"QueryResultsToAlarm": 4},
        {"ComparisonOperator": "LessThanLowerThreshold"},
    ],
)
def test_what_cannot_be_should_be_refused(cloudwatch: Any, wrong: dict[str, Any]) -> None:
    refused("ValidationError", cloudwatch.put_log_alarm, **alarm(**wrong))
