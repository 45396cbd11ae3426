"""ECS as a runbook meets it: services keep their tasks, deployments replace them, stopping takes its time."""

from typing import Any

import pytest

from drcore.sandbox.services.ecs.state import Ecs
from drcore.sandbox.services.ecs.tasks import EcsTask
from drcore.sandbox.syncwell.company import worker_services
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

WORKER: dict[str, Any] = {"cluster": "syncwell", "service": "syncwell-worker"}


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _service(world: SyncWellWorld, region: str = EAST) -> dict[str, Any]:
    found: dict[str, Any] = world.client("ecs", region).describe_services(
        cluster="syncwell", services=["syncwell-worker"]
    )["services"][0]
    return found


def _tasks(world: SyncWellWorld, **asked: Any) -> list[dict[str, Any]]:
    ecs = world.client("ecs")
    arns = ecs.list_tasks(cluster="syncwell", **asked)["taskArns"]
    return list(ecs.describe_tasks(cluster="syncwell", tasks=arns)["tasks"]) if arns else []


def _working(world: SyncWellWorld, region: str = EAST) -> list[EcsTask]:
    """The processes that are alive."""
    return world.sandbox.world.state(Ecs).running(region, "syncwell")


def _deploy(world: SyncWellWorld, release: str) -> None:
    with world.sandbox.world.clock.frozen():
        worker_services.deploy(world.sandbox.world, EAST, release)


def _leave_alone(world: SyncWellWorld) -> None:
    """Suspend what would bring the service back from zero."""
    world.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/syncwell/syncwell-worker",
        ScalableDimension="ecs:service:DesiredCount",
        SuspendedState={"DynamicScalingOutSuspended": True},
    )


def test_the_service_should_run_the_stable_release_in_both_regions(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        service = _service(world, region)
        assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (4, 4, 0)
        definition = world.client("ecs", region).describe_task_definition(taskDefinition=service["taskDefinition"])
        environment = definition["taskDefinition"]["containerDefinitions"][0]["environment"]
        assert {"name": "RELEASE", "value": "2026.01.1"} in environment
        assert [deployment["rolloutState"] for deployment in service["deployments"]] == ["COMPLETED"]


def test_a_desired_count_alone_should_begin_no_deployment(world: SyncWellWorld) -> None:
    before = _service(world)["deployments"][0]["id"]
    world.client("ecs").update_service(**WORKER, desiredCount=6)
    world.sleep(60)
    after = _service(world)
    assert [deployment["id"] for deployment in after["deployments"]] == [before]
    assert after["runningCount"] == 6


def test_the_tasks_of_a_service_at_zero_should_work_on_for_half_a_minute_unseen_by_its_counts(
    world: SyncWellWorld,
) -> None:
    _leave_alone(world)
    world.client("ecs").update_service(**WORKER, desiredCount=0)
    world.sleep(20)
    assert _service(world)["runningCount"] == 0
    assert world.client("ecs").list_tasks(cluster="syncwell")["taskArns"] == []
    assert {task["lastStatus"] for task in _tasks(world, desiredStatus="STOPPED")} == {"STOPPING"}
    assert len(_working(world)) == 4
    world.sleep(21)
    assert {task["lastStatus"] for task in _tasks(world, desiredStatus="STOPPED")} == {"STOPPED"}
    assert _working(world) == []


def test_a_deployment_should_replace_the_tasks_without_ever_having_fewer_than_wanted(world: SyncWellWorld) -> None:
    _deploy(world, "2026.01.2")
    assert [d["rolloutState"] for d in _service(world)["deployments"]] == ["IN_PROGRESS", "COMPLETED"]
    seen: set[str] = set()
    for _ in range(10):
        healthy = [task for task in _working(world) if task.wanted()]
        assert len(healthy) >= 4
        seen |= {task.release for task in healthy}
        world.sleep(10)
    assert seen == {"2026.01.1", "2026.01.2"}
    assert {task.release for task in _working(world)} == {"2026.01.2"}
    after = _service(world)
    assert [(d["status"], d["rolloutState"]) for d in after["deployments"]] == [("PRIMARY", "COMPLETED")]
    assert after["taskDefinition"].endswith("syncwell-worker:3")


def test_forcing_a_deployment_should_replace_each_task_by_one_of_the_same_definition(world: SyncWellWorld) -> None:
    before = {task.id for task in _working(world)}
    world.client("ecs").update_service(**WORKER, forceNewDeployment=True)
    world.sleep(100)
    after = _working(world)
    assert before.isdisjoint(task.id for task in after)
    assert {task.release for task in after} == {"2026.01.1"}


def test_a_forced_deployment_from_zero_should_end_complete(world: SyncWellWorld) -> None:
    ecs = world.client("ecs")
    _leave_alone(world)
    ecs.update_service(**WORKER, desiredCount=0)
    world.sleep(60)
    ecs.update_service(**WORKER, desiredCount=4, forceNewDeployment=True)
    assert _service(world)["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    world.sleep(40)
    assert [d["rolloutState"] for d in _service(world)["deployments"]] == ["COMPLETED"]
    assert len(_working(world)) == 4


def test_a_task_that_is_stopped_should_be_replaced_by_its_service(world: SyncWellWorld) -> None:
    victim = _tasks(world)[0]["taskArn"]
    stopped = world.client("ecs").stop_task(cluster="syncwell", task=victim, reason="drill")["task"]
    assert (stopped["desiredStatus"], stopped["stopCode"], stopped["stoppedReason"]) == (
        "STOPPED",
        "UserInitiated",
        "drill",
    )
    world.sleep(60)
    assert _service(world)["runningCount"] == 4
    assert victim not in [task["taskArn"] for task in _tasks(world)]


def test_a_task_of_no_service_should_outlive_the_service_and_be_found_in_the_cluster(world: SyncWellWorld) -> None:
    _leave_alone(world)
    ecs = world.client("ecs")
    alone = ecs.run_task(cluster="syncwell", taskDefinition="syncwell-worker:1", startedBy="someone")["tasks"][0]
    ecs.update_service(**WORKER, desiredCount=0)
    world.sleep(45)
    listed = ecs.list_tasks(cluster="syncwell")["taskArns"]
    assert listed == [alone["taskArn"]]
    assert ecs.list_tasks(cluster="syncwell", serviceName="syncwell-worker")["taskArns"] == []
    assert [(task.service, task.release, task.role) for task in _working(world)] == [
        (None, "2025.12.3", "syncwell-worker")
    ]
    ecs.stop_task(cluster="syncwell", task=alone["taskArn"])
    world.sleep(40)
    assert _working(world) == []


def test_tasks_should_be_listed_by_family_page_by_page(world: SyncWellWorld) -> None:
    pages = world.client("ecs").get_paginator("list_tasks")
    asked = {"cluster": "syncwell", "family": "syncwell-worker", "PaginationConfig": {"PageSize": 3}}
    found = [arn for page in pages.paginate(**asked) for arn in page["taskArns"]]
    assert len(set(found)) == 4
    assert world.client("ecs").list_tasks(cluster="syncwell", family="other")["taskArns"] == []


def test_a_stopped_task_should_be_missing_an_hour_later(world: SyncWellWorld) -> None:
    ecs = world.client("ecs")
    alone = ecs.run_task(cluster="syncwell", taskDefinition="syncwell-worker")["tasks"][0]["taskArn"]
    ecs.stop_task(cluster="syncwell", task=alone)
    world.sleep(3700)
    answer = ecs.describe_tasks(cluster="syncwell", tasks=[alone])
    assert (answer["tasks"], answer["failures"]) == ([], [{"arn": alone, "reason": "MISSING"}])


def test_what_is_not_there_should_be_refused(world: SyncWellWorld) -> None:
    ecs = world.client("ecs")
    refused("ClusterNotFoundException", ecs.list_tasks, cluster="nobody")
    refused("ServiceNotFoundException", ecs.update_service, cluster="syncwell", service="nobody", desiredCount=1)
    refused("ClientException", ecs.describe_task_definition, taskDefinition="nobody")
    answer = ecs.describe_services(cluster="syncwell", services=["nobody"])
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]


def test_two_worlds_of_a_seed_should_have_the_same_tasks() -> None:
    def ids() -> list[str]:
        world = SyncWellWorld()
        world.client("ecs").update_service(**WORKER, forceNewDeployment=True)
        world.sleep(100)
        return [task.id for task in _working(world)]

    assert ids() == ids()
