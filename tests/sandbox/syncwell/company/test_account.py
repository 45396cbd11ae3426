"""SyncWell's account when the doors open: quiet, complete, the same each time."""

import json
from typing import Any

import pytest

from tests.support.syncwell_world import API_ID, EAST, WEST, SyncWellWorld

LIVE = {
    EAST: {"syncwell-api": "41", "syncwell-worker": "29", "syncwell-webhook": "18"},
    WEST: {"syncwell-api": "37", "syncwell-worker": "26", "syncwell-webhook": "18"},
}


@pytest.fixture(scope="module")
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _manifest(world: SyncWellWorld, region: str = EAST) -> list[dict[str, Any]]:
    answer = world.client("s3", region).get_object(Bucket=f"syncwell-releases-{region}", Key="releases.json")
    releases: list[dict[str, Any]] = json.loads(answer["Body"].read())["releases"]
    return releases


def test_the_manifest_should_say_what_is_live_in_both_regions(world: SyncWellWorld) -> None:
    newest = _manifest(world)[-1]
    assert (newest["release"], newest["status"], newest["rollback_safe"]) == ("2026.01.1", "stable", True)
    assert _manifest(world, EAST) == _manifest(world, WEST)
    for region, functions in LIVE.items():
        assert newest["regions"][region]["functions"] == functions
        for function, version in functions.items():
            assert world.alias(function, region)["FunctionVersion"] == version
        stage = world.client("apigateway", region).get_stage(restApiId=API_ID[region], stageName="prod")
        assert newest["regions"][region]["api"] == {
            "rest_api_id": API_ID[region],
            "stage": "prod",
            "deployment_id": stage["deploymentId"],
        }


def test_every_release_of_the_manifest_should_still_be_there(world: SyncWellWorld) -> None:
    for entry in _manifest(world):
        for region, parts in entry["regions"].items():
            for function, version in parts["functions"].items():
                world.client("lambda", region).get_function_configuration(FunctionName=function, Qualifier=version)
            world.client("apigateway", region).get_deployment(
                restApiId=API_ID[region], deploymentId=parts["api"]["deployment_id"]
            )


@pytest.mark.parametrize("region", [EAST, WEST])
def test_all_should_be_quiet(world: SyncWellWorld, region: str) -> None:
    alarms = world.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms} == {
        "SyncWellMetadata-throttled": "OK",
        "ai-insights-endpoint-errors": "OK",
        "ai-insights-fallback-share": "OK",
        "ai-insights-traffic-floor": "OK",
        "syncwell-api-5xx": "OK",
        "syncwell-api-canary-errors": "OK",
        "syncwell-api-latency-p99": "OK",
        "syncwell-api-traffic-floor": "OK",
        "syncwell-webhook-canary-errors": "OK",
        "syncwell-worker-canary-errors": "OK",
    }
    assert world.truth["oncall_messages"] == 0


@pytest.mark.parametrize(
    "dimensions",
    [
        {"FunctionName": "syncwell-api"},
        {"FunctionName": "syncwell-api", "Resource": "syncwell-api:live"},
        {"FunctionName": "syncwell-api", "Resource": "syncwell-api:live", "ExecutedVersion": "41"},
        {"ApiName": "syncwell"},
        {"ApiName": "syncwell", "Stage": "prod"},
    ],
)
def test_the_last_hour_should_have_a_point_each_minute(world: SyncWellWorld, dimensions: dict[str, str]) -> None:
    metric = "Invocations" if "FunctionName" in dimensions else "Count"
    values = world.series(metric, minutes=60, **dimensions)
    assert len(values) >= 60
    assert all(600 < value < 6000 for value in values)


def test_a_normal_p99_should_be_far_from_its_alarm(world: SyncWellWorld) -> None:
    assert max(world.series("Latency", "p99", minutes=60, ApiName="syncwell")) < 400


def test_an_old_drill_should_have_left_its_record_in_both_regions(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        store = world.client("s3", region)
        key = "records/f-drill-20251014T100000Z-0001/manifest.json"
        answer = store.get_object(Bucket=f"syncwell-evidence-{region}", Key=key)
        assert json.loads(answer["Body"].read())["mode"] == "drill"
        lock = store.get_object_lock_configuration(Bucket=f"syncwell-evidence-{region}")
        assert lock["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"


def test_the_same_seed_should_give_the_same_world_however_time_is_cut() -> None:
    def told(seed: int, *steps: float) -> Any:
        world = SyncWellWorld(seed).broken("bad-canary")
        for step in steps:
            world.sleep(step)
        series = [
            world.series(metric, stat, minutes=30, ApiName="syncwell", region=region)
            for metric, stat in (("Count", "Sum"), ("5XXError", "Sum"), ("Latency", "p99"))
            for region in (EAST, WEST)
        ]
        return series, world.truth, world.deployments(), world.alias()["RevisionId"]

    def without_metadata(told: Any) -> str:
        return json.dumps(told, default=str)

    at_once = without_metadata(told(7, 300.0))
    assert at_once == without_metadata(told(7, *[30.0] * 10))
    assert at_once == without_metadata(told(7, 0.3, 9.9, 289.8))
    assert at_once != without_metadata(told(8, 300.0))


def test_ids_that_parameters_state_should_be_the_same_for_every_seed() -> None:
    assert _manifest(SyncWellWorld(1)) == _manifest(SyncWellWorld(2))
