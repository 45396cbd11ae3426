"""What feeds a Lambda function: event source mappings that turn slowly, reserved concurrency that acts at once."""

from typing import Any

import pytest

from drcore.sandbox.services.lambda_.event_sources import EventSourceMappings
from drcore.sandbox.services.lambda_.state import Lambda
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

WORKER = {"FunctionName": "syncwell-worker"}


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _mapping(world: SyncWellWorld, region: str = EAST) -> dict[str, Any]:
    listed = world.client("lambda", region).list_event_source_mappings(**WORKER)["EventSourceMappings"]
    assert len(listed) == 1
    found: dict[str, Any] = listed[0]
    return found


def _polls(world: SyncWellWorld) -> bool:
    return world.sandbox.world.state(EventSourceMappings).feeding(EAST, "syncwell-worker")


def test_the_jobs_queue_should_feed_the_worker_in_both_regions(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        mapping = _mapping(world, region)
        assert mapping["EventSourceArn"] == f"arn:aws:sqs:{region}:123456789012:syncwell-jobs"
        assert mapping["FunctionArn"].endswith(":function:syncwell-worker:live")
        assert mapping["State"] == "Enabled"


def test_a_mapping_should_poll_until_it_is_disabled_which_takes_half_a_minute(world: SyncWellWorld) -> None:
    functions, name = world.client("lambda"), _mapping(world)["UUID"]
    assert functions.update_event_source_mapping(UUID=name, Enabled=False)["State"] == "Disabling"
    world.sleep(15)
    assert functions.get_event_source_mapping(UUID=name)["State"] == "Disabling"
    assert _polls(world)
    world.sleep(30)
    assert functions.get_event_source_mapping(UUID=name)["State"] == "Disabled"
    assert not _polls(world)


def test_a_mapping_should_be_enabled_again_the_same_slow_way(world: SyncWellWorld) -> None:
    functions, name = world.client("lambda"), _mapping(world)["UUID"]
    functions.update_event_source_mapping(UUID=name, Enabled=False)
    world.sleep(45)
    assert functions.update_event_source_mapping(UUID=name, Enabled=True)["State"] == "Enabling"
    assert not _polls(world)
    world.sleep(45)
    assert functions.get_event_source_mapping(UUID=name)["State"] == "Enabled"
    assert _polls(world)


def test_a_mapping_that_is_turning_should_not_be_turned_back(world: SyncWellWorld) -> None:
    functions, name = world.client("lambda"), _mapping(world)["UUID"]
    functions.update_event_source_mapping(UUID=name, Enabled=False)
    refused("ResourceInUseException", functions.update_event_source_mapping, UUID=name, Enabled=True)
    assert functions.update_event_source_mapping(UUID=name, Enabled=False)["State"] == "Disabling"


def test_a_mapping_that_is_new_or_being_changed_should_say_so_and_take_no_change(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    queue = "arn:aws:sqs:us-east-1:123456789012:another"
    made = functions.create_event_source_mapping(**WORKER, EventSourceArn=queue)
    assert made["State"] == "Creating"
    refused("ResourceInUseException", functions.update_event_source_mapping, UUID=made["UUID"], Enabled=False)
    world.sleep(20)
    assert functions.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled"
    assert functions.update_event_source_mapping(UUID=made["UUID"], BatchSize=5)["State"] == "Updating"
    refused("ResourceInUseException", functions.update_event_source_mapping, UUID=made["UUID"], Enabled=False)
    world.sleep(20)
    assert functions.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled"


def test_a_mapping_that_is_not_there_or_there_already_should_be_refused(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    refused("ResourceNotFoundException", functions.get_event_source_mapping, UUID="0" * 36)
    known = _mapping(world)
    again = {"EventSourceArn": known["EventSourceArn"], "FunctionName": known["FunctionArn"]}
    refused("ResourceConflictException", functions.create_event_source_mapping, **again)


def test_a_reservation_should_be_readable_then_gone(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(**WORKER)
    functions.put_function_concurrency(**WORKER, ReservedConcurrentExecutions=0)
    assert functions.get_function_concurrency(**WORKER)["ReservedConcurrentExecutions"] == 0
    with world.sandbox.world.clock.frozen():
        assert world.sandbox.world.state(Lambda).throttled(EAST, "syncwell-worker")
        assert not world.sandbox.world.state(Lambda).throttled(WEST, "syncwell-worker")
    functions.delete_function_concurrency(**WORKER)
    functions.delete_function_concurrency(**WORKER)
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(**WORKER)


def test_a_reservation_should_leave_a_hundred_executions_to_the_other_functions(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    refused(
        "InvalidParameterValueException", functions.put_function_concurrency, **WORKER, ReservedConcurrentExecutions=901
    )
    refused("ResourceNotFoundException", functions.get_function_concurrency, FunctionName="nobody")
    functions.put_function_concurrency(**WORKER, ReservedConcurrentExecutions=900)
    left = functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    assert left == 100


def test_a_changed_environment_should_be_a_version_to_publish_whose_alias_moves_now(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    functions.update_function_configuration(**WORKER, Environment={"Variables": {"RESTARTED": "g-1"}})
    world.sleep(10)
    version = functions.publish_version(**WORKER)["Version"]
    assert version == "30"
    before = world.now
    functions.update_alias(**WORKER, Name="live", FunctionVersion=version)
    moved = world.sandbox.world.state(Lambda).moved_at(EAST, "syncwell-worker", "live")
    assert before < moved <= world.now
    found = functions.get_function_configuration(**WORKER, Qualifier="30")
    assert found["Environment"]["Variables"] == {"RESTARTED": "g-1"}
    before_it = functions.get_function_configuration(**WORKER, Qualifier="29")
    assert not before_it.get("Environment", {}).get("Variables")
