"""How a deployment goes wrong, and what helps: the charts follow the resources and nothing else."""

import json
from typing import Any

import pytest

from tests.support.syncwell_world import API_ID, EAST, WEST, SyncWellWorld

STABLE = {EAST: {"syncwell-api": "41", "syncwell-worker": "29", "syncwell-webhook": "18"}}
STABLE[WEST] = {"syncwell-api": "37", "syncwell-worker": "26", "syncwell-webhook": "18"}
EMPTY: dict[str, Any] = {"AdditionalVersionWeights": {}}


def _pages(world: SyncWellWorld, region: str = EAST) -> list[dict[str, Any]]:
    return [json.loads(message) for message in world.pages(region)]


def _flip(world: SyncWellWorld, region: str) -> None:
    for function, version in STABLE[region].items():
        world.client("lambda", region).update_alias(
            FunctionName=function, Name="live", FunctionVersion=version, RoutingConfig=EMPTY
        )


def _move_stage(world: SyncWellWorld, region: str) -> None:
    gateway = world.client("apigateway", region)
    found = gateway.get_deployments(restApiId=API_ID[region])["items"]
    stable = next(item["id"] for item in found if item["description"] == "release 2026.01.1")
    gateway.update_stage(
        restApiId=API_ID[region],
        stageName="prod",
        patchOperations=[{"op": "replace", "path": "/deploymentId", "value": stable}],
    )


def test_a_bad_canary_should_be_seen_and_rolled_back_by_itself_and_somebody_be_told() -> None:
    world = SyncWellWorld().broken("bad-canary")
    world.sleep(60)
    assert world.truth["serving"][EAST]["syncwell-api"] == {"41": 0.9, "42": 0.1}
    world.sleep(300)
    for region in (EAST, WEST):
        assert world.truth["serving"][region] == {name: {v: 1.0} for name, v in STABLE[region].items()}
        rollback, bad, *_ = world.deployments(region)
        assert (rollback["creator"], rollback["status"]) == ("codeDeployRollback", "Succeeded")
        assert (bad["status"], bad["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
        told = _pages(world, region)
        assert any(page.get("AlarmName") == "syncwell-api-canary-errors" for page in told)
        assert any(page.get("eventTriggerName") == "DeploymentRollback" for page in told)
    assert world.truth["healthy_since"] is not None


def test_a_canary_should_fail_eight_percent_of_its_own_requests_only() -> None:
    world = SyncWellWorld().broken("bad-canary-stuck")
    world.sleep(600)
    both = {"FunctionName": "syncwell-api", "Resource": "syncwell-api:live"}

    def rate(version: str) -> float:
        errors = sum(world.series("Errors", minutes=8, **both, ExecutedVersion=version))
        return errors / sum(world.series("Invocations", minutes=8, **both, ExecutedVersion=version))

    assert 0.05 < rate("42") < 0.11
    assert rate("41") < 0.001


def test_a_stuck_canary_should_page_and_stay_at_ten_percent() -> None:
    world = SyncWellWorld().broken("bad-canary-stuck")
    world.sleep(1800)
    assert "syncwell-api-canary-errors" in world.ringing()
    assert world.deployments()[0]["status"] == "InProgress"
    assert world.truth["serving"][EAST]["syncwell-api"] == {"41": 0.9, "42": 0.1}
    assert world.truth["oncall_messages"] > 0
    assert world.truth["healthy_since"] is None


def test_a_bad_release_should_have_served_everybody_for_an_hour() -> None:
    world = SyncWellWorld().broken("bad-release")
    assert world.truth["serving"][EAST]["syncwell-api"] == {"42": 1.0}
    assert world.truth["api"] == {EAST: {"2026.01.2": 1.0}, WEST: {"2026.01.2": 1.0}}
    assert world.deployments()[0]["status"] == "Succeeded"
    errors = world.series("5XXError", "Average", minutes=90, ApiName="syncwell")
    assert max(errors[:15]) < 0.005, "before it, all was well"
    assert min(errors[-58:]) > 0.015, "for an hour, three in a hundred fail"
    assert min(world.series("Latency", "p99", minutes=50, ApiName="syncwell")) > 1000
    assert world.ringing() == {"syncwell-api-5xx", "syncwell-api-latency-p99"}
    assert sum(world.series("Errors", minutes=50, FunctionName="syncwell-api")) < 40, "Lambda saw nothing"


def test_rolling_back_code_and_api_in_both_regions_should_heal_the_world() -> None:
    world = SyncWellWorld().broken("bad-release")
    for region in (EAST, WEST):
        _flip(world, region)
        _move_stage(world, region)
    world.sleep(600)
    assert world.ringing(EAST) | world.ringing(WEST) == set()
    assert max(world.truth["error_rate"].values()) < 0.001
    assert world.truth["healthy_since"] is not None
    assert world.truth["create_deployment_calls"] == 0


def test_rolling_back_one_region_should_heal_only_that_one() -> None:
    world = SyncWellWorld().broken("bad-release")
    _flip(world, EAST)
    _move_stage(world, EAST)
    world.sleep(600)
    assert world.ringing(EAST) == set()
    assert "syncwell-api-5xx" in world.ringing(WEST)
    assert world.truth["healthy_since"] is None


def test_rolling_back_only_the_code_should_leave_previews_broken() -> None:
    world = SyncWellWorld().broken("bad-release")
    _flip(world, EAST)
    world.sleep(300)
    assert world.truth["error_rate"][EAST] > 0.01
    answers = {world.sandbox.request("GET", f"/syncwell/{EAST}/v1/sync/preview?user={n}")[0] for n in range(5)}
    assert answers == {500}


def test_what_changes_no_resource_should_change_no_chart() -> None:
    def charts(meddle: bool) -> list[float]:
        world = SyncWellWorld().broken("bad-release")
        if meddle:
            world.client("cloudwatch").disable_alarm_actions(AlarmNames=["syncwell-api-5xx"])
            world.client("codepipeline").disable_stage_transition(
                pipelineName="syncwell-backend", stageName="Deploy", transitionType="Inbound", reason="freeze"
            )
            world.alias()
        world.sleep(300)
        return world.series("5XXError", minutes=4, ApiName="syncwell")

    assert charts(True) == charts(False)


def test_a_flip_should_cost_two_minutes_of_cold_starts() -> None:
    world = SyncWellWorld()
    world.client("lambda").update_alias(FunctionName="syncwell-api", Name="live", FunctionVersion="40")
    world.sleep(600)
    p99 = world.series("Latency", "p99", minutes=10, ApiName="syncwell")
    assert max(p99[:3]) > 800
    assert max(p99[4:]) < 400
    assert world.ringing() == set(), "two minutes are no alarm"


@pytest.mark.parametrize("changed", [False, True])
def test_the_manifest_should_say_whether_code_may_go_back(changed: bool) -> None:
    world = SyncWellWorld().broken("bad-release", schema_changed=changed)
    answer = world.client("s3").get_object(Bucket=f"syncwell-releases-{EAST}", Key="releases.json")
    newest = json.loads(answer["Body"].read())["releases"][-1]
    assert (newest["release"], newest["status"]) == ("2026.01.2", "candidate")
    assert newest["rollback_safe"] is not changed
    assert newest["regions"][WEST]["functions"]["syncwell-api"] == "38"


def test_a_fault_of_one_region_should_leave_the_other_alone() -> None:
    world = SyncWellWorld().broken("bad-release", region=WEST)
    assert world.truth["serving"][EAST]["syncwell-api"] == {"41": 1.0}
    assert world.truth["serving"][WEST]["syncwell-api"] == {"38": 1.0}
    assert world.ringing(EAST) == set()


def test_a_second_story_on_top_of_the_first_should_be_refused() -> None:
    world = SyncWellWorld().broken("bad-canary")
    status, document = world.inject("bad-release")
    assert status == 400
    assert "bad-canary" in document["error"]
    assert world.truth["fault"]["name"] == "bad-canary"


def test_the_truth_should_tell_the_fault_from_its_beginning() -> None:
    before, after = SyncWellWorld().truth, SyncWellWorld().broken("bad-release").truth
    assert before["fault"] is None
    assert after["fault"] == {
        "name": "bad-release",
        "at": "2026-01-05T09:00:00Z",
        "began": "2026-01-05T07:48:00Z",
    }
    assert after["bad_release"] == "2026.01.2"
