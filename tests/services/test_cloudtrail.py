"""Calls of a control plane: oldest first, within the span, with what they asked for."""

from __future__ import annotations

from datetime import timedelta

from drcore.calls.aws import Aws
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services import cloudtrail, events
from tests.services.conftest import passing

EAST, RULE = "us-east-1", "syncwell-nightly-tidy"


def test_a_call_is_found_once_the_trail_has_it(world: InProcess, aws: Aws) -> None:
    since = world.world.clock.now()
    for _ in range(3):
        events.disable(aws, EAST, RULE)
        world.request("POST", "/_sandbox/clock", {"sleep": 30})
    passing(world, lambda: len(cloudtrail.calls(aws, EAST, "DisableRule", since, world.world.clock.now())) == 3)
    found = cloudtrail.calls(aws, EAST, "DisableRule", since, world.world.clock.now())
    assert [call.operation for call in found] == ["DisableRule"] * 3
    assert [call.at for call in found] == sorted(call.at for call in found)
    assert all(call.parameters.get("name", call.parameters.get("Name")) == RULE and call.by for call in found)

    first = cloudtrail.calls(aws, EAST, "DisableRule", since, found[0].at + timedelta(seconds=10))
    assert len(first) == 1


def test_an_event_without_its_body_is_a_call_without_parameters() -> None:
    assert cloudtrail._parameters({}) == {}
    assert cloudtrail._parameters({"CloudTrailEvent": '{"requestParameters": null}'}) == {}
