"""EventBridge rules: what is disabled fires for some seconds more."""

import pytest

from drcore.sandbox.services.events import Schedules
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

TIDY = "syncwell-nightly-tidy"


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _fires(world: SyncWellWorld, region: str = EAST) -> bool:
    with world.sandbox.world.clock.frozen():
        return world.sandbox.world.state(Schedules).enabled(region, TIDY)


def test_the_rules_should_be_there_with_their_targets_in_both_regions(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        events = world.client("events", region)
        rules = {rule["Name"]: rule["State"] for rule in events.list_rules(NamePrefix="syncwell-")["Rules"]}
        assert rules == {TIDY: "ENABLED", "syncwell-canary": "ENABLED"}
        target = events.list_targets_by_rule(Rule=TIDY)["Targets"][0]
        assert target["Arn"].endswith(":function:syncwell-worker:live")


def test_a_rule_that_is_disabled_should_say_so_at_once_yet_fire_for_some_seconds(world: SyncWellWorld) -> None:
    world.client("events").disable_rule(Name=TIDY)
    assert world.client("events").describe_rule(Name=TIDY)["State"] == "DISABLED"
    assert _fires(world)
    world.sleep(10)
    assert not _fires(world)
    assert _fires(world, WEST)


def test_a_rule_that_is_enabled_again_should_fire_some_seconds_later(world: SyncWellWorld) -> None:
    events = world.client("events")
    events.disable_rule(Name=TIDY)
    world.sleep(30)
    events.enable_rule(Name=TIDY)
    assert not _fires(world)
    world.sleep(10)
    assert _fires(world)
    assert events.describe_rule(Name=TIDY)["State"] == "ENABLED"


def test_disabling_twice_should_be_disabling_once(world: SyncWellWorld) -> None:
    events = world.client("events")
    events.disable_rule(Name=TIDY)
    world.sleep(10)
    events.disable_rule(Name=TIDY)
    assert not _fires(world)


def test_a_rule_that_is_not_there_should_be_refused(world: SyncWellWorld) -> None:
    refused("ResourceNotFoundException", world.client("events").disable_rule, Name="nobody")
    refused("ResourceNotFoundException", world.client("events").describe_rule, Name="nobody")
