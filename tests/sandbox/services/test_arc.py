"""ARC routing control: five endpoints, one state, and a health endpoint that obeys it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

ENDPOINTS = (EAST, WEST, "eu-west-1", "ap-northeast-1", "ap-southeast-2")


def _cluster(world: SyncWellWorld, endpoint: str) -> Any:
    return world.client("route53-recovery-cluster", endpoint)


def _arn(world: SyncWellWorld, region: str) -> str:
    rows = _cluster(world, "eu-west-1").list_routing_controls()["RoutingControls"]
    return str(next(row["RoutingControlArn"] for row in rows if row["RoutingControlName"] == f"syncwell-{region}"))


def _set(world: SyncWellWorld, endpoint: str, **states: str) -> None:
    entries = [
        {"RoutingControlArn": _arn(world, region.replace("_", "-")), "RoutingControlState": state}
        for region, state in states.items()
    ]
    _cluster(world, endpoint).update_routing_control_states(UpdateRoutingControlStateEntries=entries)


def test_a_control_that_is_off_should_take_its_region_out_of_dns_and_on_should_bring_it_back() -> None:
    world = SyncWellWorld()
    _set(world, "ap-southeast-2", us_east_1="Off")
    assert _cluster(world, WEST).get_routing_control_state(RoutingControlArn=_arn(world, EAST))[
        "RoutingControlState"
    ] == ("Off")
    world.sleep(90)
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}
    _set(world, WEST, us_east_1="On")
    world.sleep(90)
    assert world.truth["dns"] == {EAST: 0.5, WEST: 0.5}


@pytest.mark.parametrize("region", [EAST, WEST])
def test_two_of_the_five_endpoints_should_be_dead_while_a_region_is_out(region: str) -> None:
    world = SyncWellWorld()
    arn = _arn(world, region)
    world.broken("region-outage", region=region, kind="drop")
    dead = []
    for endpoint in ENDPOINTS:
        try:
            _cluster(world, endpoint).get_routing_control_state(RoutingControlArn=arn)
        except (ClientError, ConnectionClosedError):
            dead.append(endpoint)
    assert dead == [region, "ap-northeast-1"]


def test_the_control_should_fail_over_where_the_health_check_does_not() -> None:
    world = SyncWellWorld().broken("region-outage-no-failover", region=EAST)
    _set(world, "eu-west-1", us_east_1="Off", us_west_2="On")
    world.sleep(90)
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}


def test_the_safety_rule_should_keep_one_control_on_unless_it_is_overridden() -> None:
    world = SyncWellWorld()
    cluster = _cluster(world, "eu-west-1")
    both = [{"RoutingControlArn": _arn(world, region), "RoutingControlState": "Off"} for region in (EAST, WEST)]
    message = refused("ConflictException", cluster.update_routing_control_states, UpdateRoutingControlStateEntries=both)
    rule = next(word for word in message.split() if "safetyrule" in word)
    cluster.update_routing_control_states(UpdateRoutingControlStateEntries=both, SafetyRulesToOverride=[rule])
    state = cluster.get_routing_control_state(RoutingControlArn=_arn(world, WEST))
    assert state["RoutingControlState"] == "Off"


def test_only_its_five_endpoints_should_know_the_cluster() -> None:
    world = SyncWellWorld()
    refused("AccessDeniedException", _cluster(world, "sa-east-1").list_routing_controls)
    refused("ResourceNotFoundException", _cluster(world, WEST).get_routing_control_state, RoutingControlArn="arn:x")
