"""SyncWell's workers as they are when the doors open, when a release goes out."""

import json
from datetime import timedelta

import pytest

from drcore.sandbox.services.ecs.state import Ecs
from drcore.sandbox.syncwell.company import worker_services
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld


@pytest.mark.parametrize("role", ["syncwell-lambda", "syncwell-worker", "syncwell-events", "syncwell-batch"])
def test_each_role_should_be_allowed_the_table_under_the_name_that_a_restore_gives_it(role: str) -> None:
    restored = "arn:aws:dynamodb:us-west-2:123456789012:table/SyncWellMetadata-restored-incident"
    found = (
        SyncWellWorld()
        .client("iam")
        .simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::123456789012:role/{role}",
            ActionNames=["dynamodb:PutItem", "dynamodb:DeleteTable"],
            ResourceArns=[restored],
        )["EvaluationResults"]
    )
    assert [each["EvalDecision"] for each in found] == ["allowed", "implicitDeny"]


def test_the_releases_of_the_workers_should_lie_beside_the_manifest() -> None:
    world = SyncWellWorld()
    with world.sandbox.world.clock.frozen():
        worker_services.deploy(world.sandbox.world, EAST, "2026.01.2")
    for region, releases in ((EAST, ["2025.12.3", "2026.01.1", "2026.01.2"]), (WEST, ["2025.12.3", "2026.01.1"])):
        held = world.client("s3").get_object(Bucket=f"syncwell-releases-{region}", Key="workers.json")
        workers = json.loads(held["Body"].read())["workers"]
        assert [entry["release"] for entry in workers] == releases
        assert workers[-1]["task_definition"] == f"syncwell-worker:{len(releases)}"


def test_a_deployment_of_the_past_should_have_run_its_course_by_now() -> None:
    world = SyncWellWorld()
    simulated = world.sandbox.world
    began = world.now - timedelta(minutes=20)
    with simulated.clock.frozen(), simulated.clock.at(began):
        worker_services.deploy(simulated, EAST, "2026.01.2")
    with simulated.clock.frozen(), simulated.clock.at(began + timedelta(seconds=45)):
        midway = {task.release for task in simulated.state(Ecs).running(EAST, "syncwell")}
    assert midway == {"2026.01.1", "2026.01.2"}
    service = world.client("ecs").describe_services(cluster="syncwell", services=["syncwell-worker"])["services"][0]
    assert service["deployments"][0]["createdAt"] == began
    assert [deployment["rolloutState"] for deployment in service["deployments"]] == ["COMPLETED"]
    assert {task.release for task in simulated.state(Ecs).running(EAST, "syncwell")} == {"2026.01.2"}
