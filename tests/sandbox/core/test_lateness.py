"""What has happened is told late: metrics, log lines, the trail, listings; by the seed, and by nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from drcore.sandbox.core.clock import VirtualClock
from drcore.sandbox.core.lateness import USUAL, Lateness, Told
from drcore.sandbox.core.timestamps import floor
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples, Store
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.services.xray.state import Trace, TracedCall, Traces
from tests.sandbox.conftest import Client

CALLS = MetricName("Test", "Calls")
HUNDRED = MinuteSamples(100, 100, 1.0, 1.0, ((1.0, 100),))


def told(sandbox: InProcess, metric: MetricName = CALLS) -> list[float | None]:
    """The sum of one minute of a hundred calls at each ten seconds from its end on; None: it is not there."""
    world, store = sandbox.world, Store(sandbox.world, "us-east-1")
    minute = floor(world.clock.now())
    store.record(metric, minute, HUNDRED)
    world.clock.advance(60)
    seen = []
    for _ in range(20):
        seen.append(store.series(metric, "Sum", minute, minute + 60, 60).get(minute))
        world.clock.advance(10)
    return seen


def watched(sandbox: InProcess) -> VirtualClock:
    """The clock of a world whose alarms are evaluated each minute."""
    sandbox.world.on_tick(sandbox.world.state(CloudWatch).tick)
    return sandbox.world.clock


def test_a_minute_should_not_be_there_then_be_a_part_then_be_whole(empty: InProcess) -> None:
    seen = told(empty)
    assert seen[0] is None, "it is there at the end of its minute"
    values = [value for value in seen if value is not None]
    assert 0 < values[0] < 100 == values[-1]
    assert values == sorted(values) and set(values) == {values[0], 100}
    whole = 10 * seen.index(100)
    assert 60 <= whole <= 190, f"whole {whole} s after its end"


def test_how_late_a_minute_is_should_hang_on_seed_metric_region_minute_alone(empty: InProcess) -> None:
    def of(seed: int, *what: object) -> float:
        return Lateness(InProcess(seed).world).seconds(Told.METRIC, 0.0, *what)

    what = ("us-east-1", CALLS, 60)
    assert of(7, *what) == of(7, *what)
    others = [
        of(8, *what),
        of(7, "us-west-2", CALLS, 60),
        of(7, "us-east-1", MetricName("Test", "Calls", (("A", "b"),)), 60),
    ]
    assert len({of(7, *what), of(7, "us-east-1", CALLS, 120), *others}) == 5
    assert all(60 <= of(7, "us-east-1", CALLS, minute) <= 180 for minute in range(0, 6000, 60))


def test_a_single_sample_should_have_no_part(empty: InProcess) -> None:
    assert MinuteSamples.of(((7.0, 1.0),)).part(0.9) is None
    thousand = MinuteSamples.of(((7.0, 1000.0),)).part(0.5)
    assert thousand and (thousand.count, thousand.high) == (500, 7.0)


def test_an_alarm_should_judge_the_newest_minutes_that_are_there(empty: InProcess, client: Client) -> None:
    """It fires later than what it is about, and late data alone is no INSUFFICIENT_DATA."""
    cloudwatch, clock = client("cloudwatch"), watched(empty)
    cloudwatch.put_metric_alarm(
        AlarmName="calls", Namespace="Test", MetricName="Calls", Statistic="Sum", Period=60, EvaluationPeriods=2,
        DatapointsToAlarm=2, Threshold=50, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    states = []
    for minute in range(16):
        count = 10 if minute < 6 else 100
        cloudwatch.put_metric_data(
            Namespace="Test", MetricData=[{"MetricName": "Calls", "Values": [1.0], "Counts": [float(count)]}]
        )
        clock.advance(60)
        states.append(cloudwatch.describe_alarms(AlarmNames=["calls"])["MetricAlarms"][0]["StateValue"])
    assert "OK" in states[:6]
    first = states.index("OK")
    assert "INSUFFICIENT_DATA" not in states[first:], states
    # Two minutes with a hundred calls were over at the end of the eighth: without lateness it would fire there.
    assert 8 <= states.index("ALARM") <= 11, states


def test_an_alarm_whose_metric_stops_should_have_no_data_after_a_while(empty: InProcess, client: Client) -> None:
    cloudwatch, clock = client("cloudwatch"), watched(empty)
    cloudwatch.put_metric_alarm(
        AlarmName="calls", Namespace="Test", MetricName="Calls", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=50, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    for _ in range(6):
        cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "Calls", "Value": 1.0}])
        clock.advance(60)
    clock.advance(60)
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "OK"
    clock.advance(300)
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "INSUFFICIENT_DATA"


def test_a_log_line_should_be_found_some_seconds_after_it_was_written(empty: InProcess, client: Client) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="main")
    at = int(empty.world.clock.now().timestamp() * 1000)
    logs.put_log_events(logGroupName="app", logStreamName="main", logEvents=[{"timestamp": at, "message": "ERROR"}])

    def found() -> list[Any]:
        return [event["message"] for event in logs.filter_log_events(logGroupName="app")["events"]]

    assert found() == []
    empty.world.clock.advance(USUAL[Told.LOG_LINE][1])
    assert found() == ["ERROR"]


def test_a_trace_should_be_found_some_seconds_after_its_end(empty: InProcess, client: Client) -> None:
    """Each after a time of its own, and one that the fault makes later not before."""
    world, begun = empty.world, empty.world.clock.now()

    def trace(number: int, at: datetime) -> Trace:
        call = TracedCall(f"{number:016x}", "api", "AWS::Lambda::Function", 1.0)
        return Trace(f"1-{int(at.timestamp()):08x}-{number:024x}", at, (call,))

    def found() -> int:
        span = {"StartTime": begun, "EndTime": world.clock.now()}
        return len(client("xray").get_trace_summaries(**span)["TraceSummaries"])

    world.state(Traces).add("us-east-1", begun, lambda: [trace(number, begun) for number in range(20)])
    seen = [0]
    while seen[-1] < 20 and len(seen) < 20:
        world.clock.advance(5)
        seen.append(found())
    assert seen[2] == 0 and 5 * (len(seen) - 1) <= 1 + USUAL[Told.TRACE][1] + 5, seen
    assert len(set(seen)) > 4, f"they come one by one: {seen}"
    world.state(Lateness).change(Told.TRACE, 300, 400)
    later = world.clock.now()
    world.state(Traces).add("us-east-1", later, lambda: [trace(20, later)])
    world.clock.advance(290)
    assert found() == 20
    world.clock.advance(120)
    assert found() == 21


def test_an_export_should_be_listed_some_seconds_after_it_was_begun(empty: InProcess, client: Client) -> None:
    """Each after a time of its own; described it can be at once, by whoever has its ARN."""
    world, dynamodb = empty.world, client("dynamodb")
    world.state(Tables).create("Keeping", ("us-east-1",))
    client("s3").create_bucket(Bucket="exports")
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/Keeping"

    def listed() -> list[str]:
        return [each["ExportArn"] for each in dynamodb.list_exports(TableArn=arn)["ExportSummaries"]]

    begun: list[str] = []
    for _ in range(6):  # the ids are of a millisecond each
        made = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket="exports")["ExportDescription"]
        begun.append(made["ExportArn"])
        assert dynamodb.describe_export(ExportArn=made["ExportArn"])["ExportDescription"]["ExportStatus"]
        world.clock.advance(0.002)
    assert listed() == []
    least, most = USUAL[Told.EXPORT_LISTED]
    world.clock.advance(least - 1)
    assert listed() == []
    seen = []
    for _ in range(int(most - least) + 1):
        world.clock.advance(1)
        seen.append(len(listed()))
    assert seen == sorted(seen) and seen[-1] == 6 and len(set(seen)) > 3, f"they come one by one: {seen}"
    assert listed() == sorted(begun, reverse=True)
    undo = world.state(Lateness).change(Told.EXPORT_LISTED, 300, 400)
    dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket="exports")
    world.clock.advance(299)
    assert len(listed()) == 6, "the fault makes it later"
    world.clock.advance(102)
    assert len(listed()) == 7
    undo()


def test_the_fault_should_make_what_happens_from_now_on_later(empty: InProcess) -> None:
    late, now = empty.world.state(Lateness), empty.world.clock.now()
    undo = late.change(Told.METRIC, 400, 500)
    before, after = (now - timedelta(seconds=1)).timestamp(), now.timestamp()
    assert late.seconds(Told.METRIC, before, CALLS) <= 180 < 400 <= late.seconds(Told.METRIC, after, CALLS)
    assert late.most(Told.METRIC) == 500
    undo()
    assert late.seconds(Told.METRIC, after, CALLS) <= 180


@pytest.mark.parametrize(("least", "most"), [(10, 5), (-1, 5)])
def test_a_range_that_cannot_be_should_be_refused(empty: InProcess, least: float, most: float) -> None:
    options = {"of": "metric", "least": least, "most": most}
    status, answer = empty.request("POST", "/_sandbox/faults", {"name": "lateness", "options": options})
    assert status == 400
    assert "least" in str(answer)
