"""Application Auto Scaling: who sets a count outside its bounds finds it back inside, unless that was suspended."""

from typing import Any

import pytest

from tests.support.syncwell_world import EAST, SyncWellWorld, refused

TARGET: dict[str, Any] = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/syncwell/syncwell-worker",
    "ScalableDimension": "ecs:service:DesiredCount",
}
SUSPENDED = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": True,
    "ScheduledScalingSuspended": True,
}


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _desire(world: SyncWellWorld, count: int) -> None:
    world.client("ecs").update_service(cluster="syncwell", service="syncwell-worker", desiredCount=count)


def _desired(world: SyncWellWorld) -> int:
    answer = world.client("ecs").describe_services(cluster="syncwell", services=["syncwell-worker"])
    return int(answer["services"][0]["desiredCount"])


def _target(world: SyncWellWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[TARGET["ResourceId"]]
    )["ScalableTargets"][0]
    return found


@pytest.mark.parametrize(("count", "bound"), [(0, 2), (20, 12)])
def test_a_count_outside_its_bounds_should_be_inside_again_within_a_minute(
    world: SyncWellWorld, count: int, bound: int
) -> None:
    _desire(world, count)
    assert _desired(world) == count
    world.sleep(60)
    assert _desired(world) == bound
    activities = world.client("application-autoscaling").describe_scaling_activities(ServiceNamespace="ecs")
    assert activities["ScalingActivities"][0]["Description"] == f"Setting desired count to {bound}."


def test_a_suspended_target_should_leave_the_count_alone_with_its_bounds_kept(world: SyncWellWorld) -> None:
    scaling = world.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, SuspendedState=SUSPENDED)
    _desire(world, 0)
    world.sleep(600)
    assert _desired(world) == 0
    found = _target(world)
    assert (found["MinCapacity"], found["MaxCapacity"], found["SuspendedState"]) == (2, 12, SUSPENDED)


def test_a_target_that_is_resumed_should_bring_the_count_back(world: SyncWellWorld) -> None:
    scaling = world.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, SuspendedState=SUSPENDED)
    _desire(world, 0)
    world.sleep(120)
    scaling.register_scalable_target(**TARGET, SuspendedState=dict.fromkeys(SUSPENDED, False))
    world.sleep(60)
    assert _desired(world) == 2


def test_registering_anew_should_bring_the_count_back_even_while_it_is_suspended(world: SyncWellWorld) -> None:
    scaling = world.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, SuspendedState=SUSPENDED)
    _desire(world, 0)
    world.sleep(120)
    scaling.register_scalable_target(**TARGET, SuspendedState=SUSPENDED)
    assert _desired(world) == 2


def test_a_suspension_of_scaling_in_should_not_stop_scaling_out(world: SyncWellWorld) -> None:
    world.client("application-autoscaling").register_scalable_target(
        **TARGET, SuspendedState={"DynamicScalingInSuspended": True}
    )
    _desire(world, 0)
    world.sleep(60)
    assert _desired(world) == 2


def test_a_target_should_lose_its_policies_when_it_is_deregistered(world: SyncWellWorld) -> None:
    scaling = world.client("application-autoscaling")
    known = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert [policy["PolicyType"] for policy in known] == ["TargetTrackingScaling"]
    scaling.deregister_scalable_target(**TARGET)
    scaling.register_scalable_target(**TARGET, MinCapacity=2, MaxCapacity=12)
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


def test_the_bounds_should_be_given_for_a_new_target_the_right_way_round(world: SyncWellWorld) -> None:
    scaling = world.client("application-autoscaling")
    refused("ValidationException", scaling.register_scalable_target, **{**TARGET, "ResourceId": "service/a/b"})
    refused("ValidationException", scaling.register_scalable_target, **TARGET, MinCapacity=13)
    assert (_target(world)["MinCapacity"], _target(world)["MaxCapacity"]) == (2, 12)


def test_the_count_that_it_sets_should_stand_in_the_trail_under_its_role(world: SyncWellWorld) -> None:
    _desire(world, 0)
    world.sleep(600)
    found = world.client("cloudtrail", EAST).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UpdateService"}]
    )["Events"]
    assert [event["Username"] for event in found][:2] == [
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "administrator",
    ]
