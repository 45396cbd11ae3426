"""Alarms and minutes come page by page; minutes that are not said to be complete are not known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.cloudwatch import metric_operations
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric
from tests.services.conftest import Edit

EAST = "us-east-1"
FUNCTIONS = ("syncwell-api", "syncwell-worker")
METRICS = [Metric("AWS/Lambda", "Invocations", "Sum", (("FunctionName", name),)) for name in FUNCTIONS]


@pytest.fixture
def hour(world: InProcess) -> tuple[datetime, datetime]:
    """One whose minutes have all been told: metrics come up to three minutes late."""
    end = world.world.clock.now().replace(second=0, microsecond=0) - timedelta(minutes=3)
    return end - timedelta(minutes=60), end


def test_all_alarms_are_read_where_there_are_more_than_a_page(aws: Aws) -> None:
    for number in range(60):
        cloudwatch.put_alarm(
            aws,
            EAST,
            {
                "AlarmName": f"many-{number:02}",
                "Namespace": "AWS/Lambda",
                "MetricName": "Errors",
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1.0,
                "ComparisonOperator": "GreaterThanThreshold",
            },
        )
    assert len(cloudwatch.alarms(aws, EAST, "many-")) == 60


def test_minutes_are_whole_where_they_come_on_many_pages(
    aws: Aws, hour: tuple[datetime, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cloudwatch.minutes(aws, EAST, METRICS, *hour)
    assert [len(points.times) for points in whole] == [60, 60]
    monkeypatch.setattr(metric_operations, "MOST_POINTS", 7)
    assert cloudwatch.minutes(aws, EAST, METRICS, *hour) == whole


def test_minutes_that_stay_partial_are_unknown(aws: Aws, edit: Edit, hour: tuple[datetime, datetime]) -> None:
    def partial(answer: dict[str, Any]) -> None:
        answer["MetricDataResults"][1]["StatusCode"] = "PartialData"

    edit("cloudwatch.GetMetricData", partial)
    with pytest.raises(Unknown, match="m1: PartialData"):
        cloudwatch.minutes(aws, EAST, METRICS, *hour)


def test_a_metric_without_an_answer_is_unknown(aws: Aws, edit: Edit, hour: tuple[datetime, datetime]) -> None:
    edit("cloudwatch.GetMetricData", lambda answer: answer["MetricDataResults"].pop())
    with pytest.raises(Unknown, match="m1: no answer"):
        cloudwatch.minutes(aws, EAST, METRICS, *hour)
