"""Metrics, their statistics and expressions, and alarms that are really evaluated."""

from typing import Any

import pytest

from drcore.sandbox.services.cloudwatch.alarms import judge
from tests.support.syncwell_world import SyncWellWorld, refused


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _query(name: str, metric: str, stat: str = "Sum", period: int = 60) -> dict[str, Any]:
    wanted = {"Namespace": "Test", "MetricName": metric, "Dimensions": []}
    return {"Id": name, "MetricStat": {"Metric": wanted, "Period": period, "Stat": stat}}


def _put(world: SyncWellWorld, metric: str, *values: float) -> None:
    data = {"MetricName": metric, "Values": list(values), "Counts": [1.0] * len(values)}
    world.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[data])


def _values(world: SyncWellWorld, *queries: dict[str, Any], minutes: int = 10) -> dict[str, list[float]]:
    answer = world.data(list(queries), minutes=minutes)
    return {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}


def test_statistics_should_be_those_of_the_samples(world: SyncWellWorld) -> None:
    _put(world, "time", *map(float, range(1, 101)))
    stats = ["Sum", "Average", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99", "p99.9"]
    world.sleep(60)
    found = _values(world, *[_query(f"s{n}", "time", stat) for n, stat in enumerate(stats)])
    assert [found[f"s{n}"] for n in range(len(stats))] == [
        [5050.0], [50.5], [1.0], [100.0], [100.0], [50.0], [90.0], [99.0], [100.0],
    ]  # fmt: skip


def test_a_longer_period_should_hold_the_samples_of_all_its_minutes(world: SyncWellWorld) -> None:
    for value in (1.0, 2.0, 6.0):
        _put(world, "count", value)
        world.sleep(60)
    found = _values(world, _query("sum", "count", "Sum", 300), _query("mean", "count", "Average", 300))
    assert found == {"sum": [9.0], "mean": [3.0]}


def test_a_minute_without_a_sample_should_have_no_point(world: SyncWellWorld) -> None:
    _put(world, "count", 1.0)
    world.sleep(180)
    _put(world, "count", 1.0)
    world.sleep(60)
    assert _values(world, _query("c", "count")) == {"c": [1.0, 1.0]}
    assert _values(world, _query("c", "nothing")) == {"c": []}


def test_math_should_work_on_the_minutes_that_both_sides_have(world: SyncWellWorld) -> None:
    _put(world, "errors", 2.0)
    _put(world, "calls", 50.0)
    world.sleep(60)
    _put(world, "calls", 50.0)
    world.sleep(60)
    hidden = [{**_query(name, name), "ReturnData": False} for name in ("errors", "calls")]
    found = _values(
        world,
        *hidden,
        {"Id": "rate", "Expression": "100 * errors / calls"},
        {"Id": "good", "Expression": "(calls - FILL(errors, 0)) / calls"},
        {"Id": "both", "Expression": "SUM([errors, calls])"},
        {"Id": "twice", "Expression": "rate * 2"},
        minutes=3,
    )
    assert found == {"rate": [4.0], "good": [0.96, 1.0], "both": [52.0, 50.0], "twice": [8.0]}


def test_a_division_by_zero_should_give_no_point(world: SyncWellWorld) -> None:
    _put(world, "errors", 0.0)
    _put(world, "calls", 0.0)
    world.sleep(60)
    rate = {"Id": "rate", "Expression": "errors / calls"}
    assert _values(world, _query("errors", "errors"), _query("calls", "calls"), rate)["rate"] == []


@pytest.mark.parametrize("expression", ["errors +", "missing / 2", "MAX(errors)", "rate", "1 + 1", "errors ** 2"])
def test_an_expression_that_is_not_understood_should_be_refused(world: SyncWellWorld, expression: str) -> None:
    queries = [_query("errors", "errors"), {"Id": "rate", "Expression": expression}]
    refused("ValidationError", world.data, queries=queries, minutes=5)


def test_pages_should_add_up_to_the_whole(world: SyncWellWorld) -> None:
    wanted = {
        "Id": "count",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/ApiGateway",
                "MetricName": "Count",
                "Dimensions": [{"Name": "ApiName", "Value": "syncwell"}],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }
    whole = world.data([wanted], minutes=60)["MetricDataResults"][0]
    assert whole["StatusCode"] == "Complete"
    parts: list[float] = []
    codes: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = world.data([wanted], minutes=60, MaxDatapoints=25, **token)
        parts += answer["MetricDataResults"][0]["Values"]
        codes.append(answer["MetricDataResults"][0]["StatusCode"])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert codes == ["PartialData", "PartialData", "Complete"]
    assert parts == whole["Values"]


def test_get_metric_statistics_should_agree_with_get_metric_data(world: SyncWellWorld) -> None:
    _put(world, "time", 1.0, 2.0, 3.0)
    world.sleep(60)
    found = world.client("cloudwatch").get_metric_statistics(
        Namespace="Test",
        MetricName="time",
        StartTime=world.now.replace(minute=0, second=0),
        EndTime=world.now,
        Period=60,
        Statistics=["Average", "Maximum"],
    )["Datapoints"]
    assert [(point["Average"], point["Maximum"]) for point in found] == [(2.0, 3.0)]


LIMIT: dict[str, Any] = {
    "AlarmName": "limit",
    "Namespace": "Test",
    "MetricName": "level",
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 10.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def _state(world: SyncWellWorld) -> str:
    found = world.client("cloudwatch").describe_alarms(AlarmNames=["limit"])["MetricAlarms"]
    return str(found[0]["StateValue"])


def test_an_alarm_should_need_m_of_n_datapoints(world: SyncWellWorld) -> None:
    world.client("cloudwatch").put_metric_alarm(**LIMIT)
    seen = []
    for value in (1.0, 50.0, 1.0, 50.0, 1.0, 1.0):
        _put(world, "level", value)
        world.sleep(60)
        seen.append(_state(world))
    assert seen == ["OK", "OK", "OK", "ALARM", "OK", "OK"]


@pytest.mark.parametrize(
    ("missing", "state"),
    [("breaching", "ALARM"), ("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA"), ("ignore", None)],
)
def test_missing_data_should_be_treated_as_the_alarm_says(missing: str, state: str | None) -> None:
    assert judge([None, None, None], LIMIT, missing) == state


def test_one_missing_minute_should_not_hide_two_bad_ones() -> None:
    assert judge([20.0, None, 30.0], LIMIT, "missing") == "ALARM"
    assert judge([None, None, 30.0], LIMIT, "notBreaching") == "OK"
    assert judge([None, None, 30.0], LIMIT, "breaching") == "ALARM"


def test_a_change_of_state_should_leave_history_and_really_send_its_message(world: SyncWellWorld) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:syncwell-oncall"
    world.client("cloudwatch").put_metric_alarm(**LIMIT, AlarmActions=[topic])
    for _ in range(2):
        _put(world, "level", 50.0)
        world.sleep(60)
    history = world.client("cloudwatch").describe_alarm_history(AlarmName="limit", ScanBy="TimestampAscending")
    kinds = [item["HistoryItemType"] for item in history["AlarmHistoryItems"]]
    assert kinds[0] == "ConfigurationUpdate"
    assert kinds[-2:] == ["StateUpdate", "Action"]
    assert any('"AlarmName": "limit"' in body for body in world.pages())


def test_actions_that_are_disabled_should_send_nothing(world: SyncWellWorld) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:syncwell-oncall"
    world.client("cloudwatch").put_metric_alarm(**LIMIT, AlarmActions=[topic])
    world.client("cloudwatch").disable_alarm_actions(AlarmNames=["limit"])
    world.client("cloudwatch").set_alarm_state(AlarmName="limit", StateValue="ALARM", StateReason="a drill")
    assert world.pages() == []


def test_a_state_that_was_set_by_hand_should_last_until_the_next_evaluation(world: SyncWellWorld) -> None:
    world.client("cloudwatch").put_metric_alarm(**LIMIT)
    _put(world, "level", 1.0)
    world.client("cloudwatch").set_alarm_state(AlarmName="limit", StateValue="ALARM", StateReason="a drill")
    assert _state(world) == "ALARM"
    world.sleep(61)
    assert _state(world) == "OK"


def test_deleting_alarms_should_be_all_or_nothing(world: SyncWellWorld) -> None:
    world.client("cloudwatch").put_metric_alarm(**LIMIT)
    refused("ResourceNotFound", world.client("cloudwatch").delete_alarms, AlarmNames=["limit", "nobody"])
    world.client("cloudwatch").delete_alarms(AlarmNames=["limit"])
    assert world.client("cloudwatch").describe_alarms(AlarmNames=["limit"])["MetricAlarms"] == []
