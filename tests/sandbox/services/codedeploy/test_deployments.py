"""CodeDeploy shifts weights, holds them, watches its alarms, and rolls back by a new deployment."""

import json
from typing import Any

import pytest

from tests.support.syncwell_world import EAST, GROUP, WEST, SyncWellWorld, refused

STOPPING = ("Pending", "Succeeded")  # the one or the other, by the seed
RUNNING = ["Created", "Queued", "InProgress", "Baking", "Ready"]
CANARY = {"AdditionalVersionWeights": {"42": 0.1}}


@pytest.fixture
def stuck() -> SyncWellWorld:
    """A canary of 2026.01.2 that nobody rolls back."""
    world = SyncWellWorld().broken("bad-canary-stuck")
    world.sleep(240)
    return world


def _back_to(current: str, target: str) -> dict[str, Any]:
    properties = {"Name": "syncwell-api", "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    resources = [{"api": {"Type": "AWS::Lambda::Function", "Properties": properties}}]
    content = json.dumps({"version": 0.0, "Resources": resources})
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}


def test_a_hand_flip_under_a_running_deployment_should_be_undone_at_the_next_tick(stuck: SyncWellWorld) -> None:
    stuck.client("lambda").update_alias(
        FunctionName="syncwell-api",
        Name="live",
        FunctionVersion="41",
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
    assert "RoutingConfig" not in stuck.alias()
    stuck.sleep(10)
    assert stuck.alias()["RoutingConfig"] == CANARY


def test_stop_with_rollback_should_end_in_a_new_deployment_that_gives_the_traffic_back(
    stuck: SyncWellWorld,
) -> None:
    bad = stuck.deployments(includeOnlyStatuses=RUNNING)[0]["deploymentId"]
    deploy = stuck.client("codedeploy")
    assert deploy.stop_deployment(deploymentId=bad, autoRollbackEnabled=True)["status"] in STOPPING
    stuck.sleep(30)
    rollback, stopped, *_ = stuck.deployments()
    assert (stopped["deploymentId"], stopped["status"]) == (bad, "Stopped")
    assert stopped["rollbackInfo"]["rollbackDeploymentId"] == rollback["deploymentId"]
    assert (rollback["creator"], rollback["status"]) == ("codeDeployRollback", "Succeeded")
    assert rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"] == bad
    assert stuck.truth["serving"][EAST]["syncwell-api"] == {"41": 1.0}
    assert stuck.truth["serving"][WEST]["syncwell-api"] != {"37": 1.0}, "the other region is not touched"


def test_stop_without_rollback_should_leave_the_weights_where_they_are(stuck: SyncWellWorld) -> None:
    bad = stuck.deployments(includeOnlyStatuses=RUNNING)[0]["deploymentId"]
    stuck.client("codedeploy").stop_deployment(deploymentId=bad, autoRollbackEnabled=False)
    stuck.sleep(60)
    assert stuck.deployments()[0]["status"] == "Stopped"
    assert stuck.alias()["RoutingConfig"] == CANARY


def test_after_a_stop_a_hand_flip_should_hold(stuck: SyncWellWorld) -> None:
    bad = stuck.deployments(includeOnlyStatuses=RUNNING)[0]["deploymentId"]
    stuck.client("codedeploy").stop_deployment(deploymentId=bad, autoRollbackEnabled=False)
    stuck.sleep(10)
    stuck.client("lambda").update_alias(
        FunctionName="syncwell-api", Name="live", RoutingConfig={"AdditionalVersionWeights": {}}
    )
    stuck.sleep(60)
    assert "RoutingConfig" not in stuck.alias()


def test_what_is_over_should_not_be_stopped() -> None:
    world = SyncWellWorld()
    done = world.deployments()[0]
    assert done["status"] == "Succeeded"
    refused(
        "DeploymentAlreadyCompletedException",
        world.client("codedeploy").stop_deployment,
        deploymentId=done["deploymentId"],
    )


def test_a_second_deployment_should_be_refused_while_one_runs(stuck: SyncWellWorld) -> None:
    refused(
        "DeploymentLimitExceededException",
        stuck.client("codedeploy").create_deployment,
        **GROUP,
        revision=_back_to("42", "41"),
    )


def test_a_canary_without_alarms_should_serve_everybody_after_ten_minutes() -> None:
    world = SyncWellWorld()
    created = world.client("codedeploy").create_deployment(**GROUP, revision=_back_to("41", "40"))
    world.sleep(60)
    assert world.alias()["RoutingConfig"] == {"AdditionalVersionWeights": {"40": 0.1}}
    world.sleep(600)
    newest = world.deployments()[0]
    assert (newest["deploymentId"], newest["status"]) == (created["deploymentId"], "Succeeded")
    assert world.alias()["FunctionVersion"] == "40"
    assert "RoutingConfig" not in world.alias()


def test_a_deployment_under_a_ringing_alarm_should_be_stopped_unless_it_overrides_the_alarms() -> None:
    world = SyncWellWorld().broken("bad-release")
    deploy = world.client("codedeploy")
    at_once = {"deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce"}
    deploy.create_deployment(**GROUP, **at_once, revision=_back_to("42", "41"))
    world.sleep(30)
    stopped = next(found for found in world.deployments() if found["creator"] == "user")
    assert (stopped["status"], stopped["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    deploy.create_deployment(
        **GROUP,
        **at_once,
        revision=_back_to("42", "41"),
        overrideAlarmConfiguration={"enabled": False, "alarms": []},
    )
    world.sleep(30)
    assert world.alias()["FunctionVersion"] == "41"


def test_the_group_should_name_its_alarms_and_its_rollback() -> None:
    found = SyncWellWorld().client("codedeploy").get_deployment_group(**GROUP)["deploymentGroupInfo"]
    assert "syncwell-api-canary-errors" in {alarm["name"] for alarm in found["alarmConfiguration"]["alarms"]}
    assert "DEPLOYMENT_STOP_ON_ALARM" in found["autoRollbackConfiguration"]["events"]
    assert found["lastSuccessfulDeployment"]["status"] == "Succeeded"


def test_it_should_not_know_a_deployment_that_is_not_there() -> None:
    deploy = SyncWellWorld().client("codedeploy")
    refused("DeploymentDoesNotExistException", deploy.get_deployment, deploymentId="d-NOBODY000")
