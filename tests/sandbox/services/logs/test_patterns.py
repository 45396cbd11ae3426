"""Filter patterns of JSON, and the metrics that filters make of lines."""

import json
from datetime import timedelta
from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.logs.patterns import matcher
from drcore.sandbox.services.logs.state import Logs
from tests.sandbox.conftest import Client
from tests.support.syncwell_world import EAST, refused

GROUP = "/syncwell/worker"
LINE = json.dumps(
    {
        "event": "merge",
        "ms": 500,
        "code": "500",
        "partner": {"name": "fit bit", "tags": ["a", "b"]},
        "ok": False,
        "reason": None,
    }
)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.event = "merge" }',
        "{ $.event = merge }",
        '{ $.event = "m*ge" && $.ms >= 500 }',
        '{ ($.event = "other") || (($.ms > 499) && ($.ms < 501)) }',
        '{ $.partner.name = "fit*" }',
        '{ $.partner.tags[1] = "b" }',
        '{ $.event != "sync" }',
        "{ $.ok IS FALSE }",
        "{ $.reason IS NULL }",
        "{ $.nothing NOT EXISTS }",
        "{ $.event = %^m.rge$% }",
        "%m[aei]rge%",
    ],
)
def test_a_pattern_should_let_through_what_meets_its_conditions(pattern: str) -> None:
    assert matcher(pattern)(LINE)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.event = "mer" }',
        "{ $.code = 500 }",  # a text is no number
        '{ $.ms = "500" }',
        '{ $.nothing != "x" }',
        "{ $.event NOT EXISTS }",
        "{ $.ok IS TRUE }",
        '{ $.event = "merge" && $.ms > 500 }',
        '{ $.partner.tags[2] = "b" }',
    ],
)
def test_a_pattern_should_hold_back_what_does_not(pattern: str) -> None:
    assert not matcher(pattern)(LINE)
    assert not matcher(pattern)("merge 500, which is no JSON")


@pytest.fixture
def logs(empty: InProcess, client: Client) -> Any:
    client("logs").create_log_group(logGroupName=GROUP)
    return client("logs")


def write(empty: InProcess, *documents: dict[str, Any], seconds_ahead: float = 0) -> None:
    at = empty.world.clock.now() + timedelta(seconds=seconds_ahead)
    for document in documents:
        empty.world.state(Logs).write(EAST, GROUP, at, json.dumps(document))


def put(logs: Any, **transformation: Any) -> None:
    metric = {"metricName": "Fallbacks", "metricNamespace": "SyncWell", "metricValue": "1"} | transformation
    logs.put_metric_filter(
        logGroupName=GROUP,
        filterName="fallbacks",
        filterPattern='{ $.strategy = "PrioritizeSource" }',
        metricTransformations=[metric],
    )


def read(empty: InProcess, client: Client, **more: Any) -> list[tuple[float, float]]:
    """Sum and number of samples by the minute, oldest first."""
    now = empty.world.clock.now()
    found = client("cloudwatch").get_metric_statistics(
        Namespace="SyncWell",
        MetricName="Fallbacks",
        StartTime=now - timedelta(minutes=30),
        EndTime=now,
        Period=60,
        Statistics=["Sum", "SampleCount"],
        **more,
    )
    points = sorted(found["Datapoints"], key=lambda point: point["Timestamp"])
    return [(point["Sum"], point["SampleCount"]) for point in points]


def sleep(empty: InProcess, seconds: float) -> None:
    empty.request("POST", "/_sandbox/clock", {"sleep": seconds})


def test_lines_are_found_by_json(empty: InProcess, logs: Any) -> None:
    write(empty, {"strategy": "AI"}, {"strategy": "PrioritizeSource", "ms": 7})
    found = logs.filter_log_events(logGroupName=GROUP, filterPattern="{ $.ms = 7 }")["events"]
    assert [json.loads(event["message"])["ms"] for event in found] == [7]


def test_matching_lines_should_be_samples_in_the_minute_of_the_line(
    empty: InProcess, logs: Any, client: Client
) -> None:
    write(empty, {"strategy": "PrioritizeSource"})
    put(logs, metricValue="$.ms")
    fallback = {"strategy": "PrioritizeSource", "ms": 30}
    write(empty, fallback, fallback, {"strategy": "AI", "ms": 9}, {"strategy": "PrioritizeSource"})
    write(empty, fallback, seconds_ahead=60)
    sleep(empty, 240)
    assert read(empty, client) == [(60.0, 2.0), (30.0, 1.0)]


def test_a_minute_of_other_lines_only_should_have_the_default_value_and_one_without_lines_none(
    empty: InProcess, logs: Any, client: Client
) -> None:
    put(logs, defaultValue=0.0)
    write(empty, {"strategy": "AI"})
    write(empty, {"strategy": "PrioritizeSource"}, {"strategy": "AI"}, seconds_ahead=120)
    sleep(empty, 300)
    assert read(empty, client) == [(0.0, 1.0), (1.0, 1.0)]


def test_dimensions_should_be_taken_from_the_line(empty: InProcess, logs: Any, client: Client) -> None:
    put(logs, dimensions={"Partner": "$.partner"})
    write(empty, {"strategy": "PrioritizeSource", "partner": "fitbit"}, {"strategy": "PrioritizeSource"})
    sleep(empty, 120)
    assert read(empty, client) == []
    assert read(empty, client, Dimensions=[{"Name": "Partner", "Value": "fitbit"}]) == [(1.0, 1.0)]


def test_a_filter_should_be_listed_and_end_when_it_is_deleted(empty: InProcess, logs: Any, client: Client) -> None:
    put(logs)
    (found,) = logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]
    assert (found["filterName"], found["metricTransformations"][0]["metricName"]) == ("fallbacks", "Fallbacks")
    logs.delete_metric_filter(logGroupName=GROUP, filterName="fallbacks")
    write(empty, {"strategy": "PrioritizeSource"})
    sleep(empty, 120)
    assert read(empty, client) == []
    refused("ResourceNotFoundException", logs.delete_metric_filter, logGroupName=GROUP, filterName="fallbacks")


def test_what_is_no_pattern_or_no_transformation_should_be_refused(logs: Any) -> None:
    for pattern in ("{ $.a = }", "{ a = 1 }", '{ $.a > "x" }', "[a, b]", "%(%"):
        refused("InvalidParameterException", logs.filter_log_events, logGroupName=GROUP, filterPattern=pattern)
    refused("InvalidParameterException", put, logs=logs, defaultValue=0.0, dimensions={"P": "$.p"})
    tested = logs.test_metric_filter(filterPattern="{ $.a = 1 }", logEventMessages=['{"a": 2}', '{"a": 1}'])
    assert [each["eventNumber"] for each in tested["matches"]] == [2]
