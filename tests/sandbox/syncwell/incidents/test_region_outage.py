"""A region goes away: what its APIs, its users and its metrics do, and how it comes back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.support.syncwell_world import EAST, WEST, SyncWellWorld

Ask = Callable[[SyncWellWorld, str], Any]

ASKED: dict[str, Ask] = {
    "lambda": lambda w, r: w.client("lambda", r).get_alias(FunctionName="syncwell-api", Name="live"),
    "invoke": lambda w, r: w.client("lambda", r).invoke(FunctionName="syncwell-api"),
    "sqs": lambda w, r: w.client("sqs", r).get_queue_url(QueueName="syncwell-jobs"),
    "cloudwatch": lambda w, r: w.client("cloudwatch", r).describe_alarms(),
    "item": lambda w, r: w.client("dynamodb", r).get_item(
        TableName="SyncWellMetadata", Key={"pk": {"S": f"CANARY#{r}"}, "sk": {"S": "0"}}
    ),
    "table": lambda w, r: w.client("dynamodb", r).describe_table(TableName="SyncWellMetadata"),
    "object": lambda w, r: w.client("s3", r).get_object(Bucket=f"syncwell-releases-{r}", Key="releases.json"),
    "secret": lambda w, r: w.client("secretsmanager", r).get_secret_value(SecretId="syncwell/statuspage-key"),
    "sts": lambda w, r: w.client("sts", r).get_caller_identity(),
}


def _gone(world: SyncWellWorld, region: str) -> set[str]:
    """Which of the calls fail in that region."""
    failed = set()
    for name, ask in ASKED.items():
        try:
            ask(world, region)
        except (ClientError, ConnectionClosedError, ReadTimeoutError):
            failed.add(name)
    return failed


@pytest.mark.parametrize(
    ("kind", "raised"),
    [("error", ClientError), ("drop", ConnectionClosedError), ("timeout", ReadTimeoutError)],
)
def test_a_region_that_is_out_should_answer_no_call_in_the_way_that_was_chosen(
    kind: str, raised: type[Exception]
) -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST, kind=kind)
    for ask in ASKED.values():
        with pytest.raises(raised):
            ask(world, WEST)
    assert _gone(world, EAST) == set()


def test_an_outage_should_answer_503_in_the_protocol_of_the_service() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST)
    for ask in ASKED.values():
        with pytest.raises(ClientError) as raised:
            ask(world, WEST)
        assert raised.value.response["Error"]["Code"] == "ServiceUnavailable"
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.mark.parametrize(
    ("kind", "gone"),
    [
        ("data-plane", {"invoke", "item", "object", "secret", "sqs"}),
        ("lambda-sqs", {"lambda", "invoke", "sqs"}),
        ("control-plane", {"lambda", "table"}),
    ],
)
def test_a_partial_outage_should_take_away_only_its_part(kind: str, gone: set[str]) -> None:
    assert _gone(SyncWellWorld().broken("region-outage", region=WEST, kind=kind), WEST) == gone


def test_the_bucket_of_a_region_that_is_out_should_be_out_wherever_the_call_is_signed_for() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST)
    with pytest.raises(ClientError):
        world.client("s3", EAST).get_object(Bucket=f"syncwell-releases-{WEST}", Key="releases.json")


@pytest.mark.parametrize("signed_for", [EAST, WEST])
def test_us_east_1_should_take_the_global_control_planes_with_it_but_not_dns(signed_for: str) -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST)
    with pytest.raises(ClientError):
        world.client("route53", signed_for).list_resource_record_sets(HostedZoneId="Z0SYNCWELL0ZONE")
    with pytest.raises(ClientError):
        world.client("iam", signed_for).list_roles()
    with pytest.raises(ClientError):
        world.client("health", signed_for).describe_events()
    world.sleep(90)
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}


def test_us_west_2_should_leave_the_global_control_planes_alone() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST)
    assert world.client("route53").list_resource_record_sets(HostedZoneId="Z0SYNCWELL0ZONE")["ResourceRecordSets"]
    assert world.client("iam").list_roles()["Roles"]


def test_the_public_api_and_the_health_endpoint_should_be_out_with_their_region() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST)
    assert world.sandbox.request("GET", f"/syncwell/{EAST}/v1/health")[0] == 503
    assert world.sandbox.request("GET", f"/syncwell/{EAST}/health/region")[0] == 503
    assert world.sandbox.request("GET", f"/syncwell/{WEST}/health/region")[0] == 200


def _metric(
    world: SyncWellWorld, region: str, namespace: str, metric: str, stat: str = "Sum", **named: str
) -> list[float]:
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    query = {"Id": "asked", "MetricStat": {"Metric": wanted, "Period": 60, "Stat": stat}}
    values: list[float] = world.data([query], minutes=4, region=region)["MetricDataResults"][0]["Values"]
    return values


def test_the_metrics_of_a_region_should_stop_while_nobody_is_served_there() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, duration=10)
    world.sleep(9 * 60)
    balancer = f"app/syncwell-{WEST}/1"
    assert len(_metric(world, WEST, "AWS/ApplicationELB", "RequestCount", LoadBalancer=balancer)) >= 4
    world.sleep(61)
    for region, expected in ((EAST, 0), (WEST, 3)):
        balancer = f"app/syncwell-{region}/1"
        for namespace, metric, named in (
            ("AWS/Lambda", "Invocations", {"FunctionName": "syncwell-api"}),
            ("AWS/ApplicationELB", "RequestCount", {"LoadBalancer": balancer}),
            ("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "syncwell-jobs"}),
        ):
            found = _metric(world, region, namespace, metric, **named)
            assert (len(found) >= expected) if expected else found == [], (region, metric)


def test_nobody_should_be_served_in_the_first_minutes_either_while_users_still_come() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, duration=2)
    world.sleep(122)
    assert world.truth["traffic"]["na"][EAST] > 0
    for namespace, metric, named in (
        ("AWS/Lambda", "Invocations", {"FunctionName": "syncwell-api"}),
        ("AWS/ApiGateway", "Count", {"ApiName": "syncwell"}),
        ("AWS/ApplicationELB", "RequestCount", {"LoadBalancer": f"app/syncwell-{EAST}/1"}),
    ):
        assert len(_metric(world, EAST, namespace, metric, **named)) == 2, metric  # the two minutes before the fault


def test_the_alarms_of_a_region_should_see_missing_data() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, duration=10)
    world.sleep(10 * 60 + 10)
    alarms = {a["AlarmName"]: a["StateValue"] for a in world.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert alarms["syncwell-api-5xx"] == "INSUFFICIENT_DATA"
    assert alarms["syncwell-api-traffic-floor"] == "ALARM"


def test_users_should_follow_dns_and_load_the_survivor() -> None:
    world = SyncWellWorld()
    balancer = {"LoadBalancer": f"app/syncwell-{WEST}/1"}
    world.sleep(60)
    usual = _metric(world, WEST, "AWS/ApplicationELB", "RequestCount", **balancer)[-1]
    invoked = _metric(world, WEST, "AWS/Lambda", "Invocations", FunctionName="syncwell-api")[-1]
    world.broken("region-outage", region=EAST)
    world.sleep(20)
    assert world.truth["traffic"]["na"] == {EAST: 0.5, WEST: 0.5}
    assert world.truth["last_client_moved"] is None
    world.sleep(7 * 60)
    truth = world.truth
    assert all(shares == {EAST: 0.0, WEST: 1.0} for shares in truth["traffic"].values())
    assert _metric(world, WEST, "AWS/ApplicationELB", "RequestCount", **balancer)[-1] > 1.8 * usual
    assert _metric(world, WEST, "AWS/Lambda", "Invocations", FunctionName="syncwell-api")[-1] > 1.8 * invoked
    since, failover, last = (
        datetime.fromisoformat(text)
        for text in (truth["region"]["since"], truth["failover_at"], truth["last_client_moved"])
    )
    assert 30 <= (failover - since).total_seconds() <= 60
    assert 0 < (last - failover).total_seconds() <= 180


def test_users_should_fail_until_they_have_moved_in_every_market() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST)
    world.sleep(8 * 60)
    for market in ("na", "eu", "apac"):
        failing = _metric(world, WEST, "SyncWell/Probe", "UserFailure", "Maximum", Market=market)
        assert failing, market
    early = {"StartTime": world.now.replace(minute=0, second=0), "EndTime": world.now.replace(minute=3, second=0)}
    points = world.client("cloudwatch", WEST).get_metric_statistics(
        Namespace="SyncWell/Probe",
        MetricName="UserFailure",
        Dimensions=[{"Name": "Market", "Value": "eu"}],
        Period=60,
        Statistics=["Average"],
        **early,
    )["Datapoints"]
    averages = [point["Average"] for point in points]
    assert averages[0] > 40
    assert averages[0] > averages[1] > averages[2]
    assert _metric(world, WEST, "SyncWell/Probe", "UserFailure", "Average", Market="eu")[-1] < 1


def test_lambda_and_sqs_alone_should_leave_a_load_balancer_that_answers_5xx() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, kind="lambda-sqs")
    world.sleep(301)
    balancer = {"LoadBalancer": f"app/syncwell-{EAST}/1"}
    assert _metric(world, EAST, "AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Average", **balancer)[-1] == 1.0
    assert _metric(world, EAST, "AWS/ApiGateway", "5XXError", "Average", ApiName="syncwell")[-1] == 1.0
    assert _metric(world, EAST, "AWS/Lambda", "Invocations", FunctionName="syncwell-api") == []
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}


def test_a_region_should_come_back_after_its_duration_and_prove_itself_for_a_minute() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST, duration=3)
    world.sleep(170)
    assert world.truth["region"]["down"] == [WEST]
    assert world.truth["region"]["back_at"] == "2026-01-05T09:03:00.000Z"
    world.sleep(20)
    assert world.truth["region"]["down"] == []
    assert _gone(world, WEST) == set()
    assert world.sandbox.request("GET", f"/syncwell/{WEST}/health/region")[0] == 503
    world.sleep(60)
    assert world.sandbox.request("GET", f"/syncwell/{WEST}/health/region")[0] == 200


def test_clearing_the_fault_should_bring_the_region_back_now() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST)
    world.sleep(60)
    world.sandbox.request("DELETE", "/_sandbox/faults/region-outage")
    assert _gone(world, WEST) == set()
    assert world.truth["region"]["back_at"] == "2026-01-05T09:01:00.000Z"


def test_a_second_outage_should_be_possible_after_the_first() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, duration=2)
    world.sleep(600)
    world.broken("region-outage", region=EAST, duration=2)
    assert _gone(world, EAST) == set(ASKED)
    world.sleep(90)
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}
    assert world.truth["failover_at"] > "2026-01-05T09:10"


def test_a_flapping_region_should_come_back_into_dns_and_fail_again() -> None:
    world = SyncWellWorld().broken("region-flapping", region=EAST, period=240)
    seen: list[tuple[bool, bool]] = []
    for _ in range(40):
        world.sleep(20)
        state = (world.truth["dns"][EAST] > 0, bool(world.truth["region"]["down"]))
        seen += [state] if not seen or seen[-1] != state else []
    assert seen.count((False, True)) >= 2
    assert seen.count((True, False)) + seen.count((True, True)) >= 3


def test_the_check_that_names_the_other_region_should_not_fail_over_until_the_lever_is_pulled() -> None:
    world = SyncWellWorld().broken("region-outage-no-failover", region=EAST)
    world.sleep(600)
    assert world.truth["dns"] == {EAST: 0.5, WEST: 0.5}
    check = world.client("route53", WEST)
    with pytest.raises(ClientError):
        check.get_health_check(HealthCheckId=f"hc-syncwell-{EAST}")
    world.client("s3", WEST).put_object(
        Bucket=f"syncwell-levers-{WEST}", Key="region-levers.json", Body=b'{"us-east-1":"out","us-west-2":"in"}'
    )
    world.sleep(120)
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}


def test_the_control_plane_should_stay_away_longer_than_the_region() -> None:
    world = SyncWellWorld().broken("region-outage-control-plane", region=WEST, duration=5, longer=10)
    world.sleep(6 * 60)
    assert _gone(world, WEST) == set()
    with pytest.raises(ClientError):
        world.client("route53").list_health_checks()
    world.sleep(10 * 60)
    assert world.client("route53").list_health_checks()["HealthChecks"]


def test_two_worlds_of_a_seed_should_fail_over_alike() -> None:
    def course() -> list[object]:
        world = SyncWellWorld(11).broken("region-outage", region=EAST, duration=4)
        found: list[object] = []
        for _ in range(12):
            world.sleep(37)
            found.append(world.truth)
        return found

    assert course() == course()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("region-outage", {"region": "eu-west-1"}, "options.region: expected one of us-east-1, us-west-2"),
        ("region-outage", {"kind": "fire"}, "options.kind: expected one of timeout, drop, error"),
        ("region-outage", {"duration": -1}, "options.duration: expected a number from 0 on"),
        ("region-flapping", {"period": 5}, "options.period: expected a number from 20 on"),
        ("region-flapping", {"kind": "lambda-sqs"}, "options.kind: expected one of drop, error, timeout"),
    ],
)
def test_it_should_refuse_an_outage_that_cannot_be(name: str, options: dict[str, object], message: str) -> None:
    status, document = SyncWellWorld().inject(name, **options)
    assert status == 400
    assert document["error"].startswith(message)
