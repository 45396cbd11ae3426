"""Traces as X-Ray tells of them: found by what is said of them, their services, what was thrown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.xray.state import Traces
from drcore.sandbox.syncwell.life.app_traces import AppTraces
from drcore.services import xray
from drcore.services.xray import ServiceNode, TraceStore

WEST, HOUR = "us-west-2", timedelta(hours=1)


@pytest.fixture(scope="module")
def told(world: InProcess) -> InProcess:
    """Ten minutes of two versions: three crashes of the bad one, two of its calls that went well."""
    traces, at = world.world.state(AppTraces), world.world.clock.now()
    traces.write(at, "play", 41100, 50, 9, crashing=True)
    traces.write(at, "play", 41000, 50, 0, crashing=False)
    world.request("POST", "/_sandbox/clock", {"sleep": 60})
    return world


def found(aws: Aws, world: InProcess, expression: str) -> tuple[xray.TraceSummary, ...]:
    now = world.world.clock.now()
    return xray.summaries(aws, WEST, expression, now - HOUR, now)


def test_traces_are_found_by_what_is_said_of_them(aws: Aws, told: InProcess) -> None:
    counts = {
        'annotation.app_version = "4.11.0"': 5,
        'annotation.app_version = "4.11.0" AND fault': 3,
        'annotation[app_version] != "4.11.0" OR fault = true': 5,
        'service("syncwell-app") { fault }': 3,
        'service("syncwell-api") { fault }': 0,
        "(ok AND responsetime > 0.001)": 4,
        "": 7,
    }
    assert {expression: len(found(aws, told, expression)) for expression in counts} == counts
    assert all(each.fault for each in found(aws, told, "fault"))
    assert found(aws, told, "error") == ()


def test_what_cannot_be_asked_is_refused(aws: Aws, told: InProcess) -> None:
    now = told.world.clock.now()
    with pytest.raises(Rejected, match="Invalid filter expression: edge"):
        xray.summaries(aws, WEST, 'edge("a", "b")', now - HOUR, now)
    with pytest.raises(Rejected, match="at most 6 hours"):
        xray.summaries(aws, WEST, "fault", now - 7 * HOUR, now)


def test_faulty_traces_have_their_services_and_what_was_thrown(aws: Aws, told: InProcess) -> None:
    ids = [each.id for each in found(aws, told, "fault")]
    nodes = {each.name: each for each in xray.service_map(aws, WEST, ids)}
    assert nodes["syncwell-app"] == ServiceNode("syncwell-app", "client", 3, 3, ("syncwell-api",))
    assert (nodes["syncwell-worker"].calls, nodes["syncwell-worker"].faults) == (3, 0)
    thrown = xray.thrown(aws, WEST, ids)
    assert {each.service for each in thrown} == {"syncwell-app"}
    assert ("IllegalStateException", "in SyncQueue.merge") in {(each.kind, each.message) for each in thrown}


def test_with_transaction_search_x_ray_finds_nothing_new(aws: Aws, told: InProcess) -> None:
    assert xray.destination(aws, WEST) is TraceStore.XRAY
    aws.call("xray", WEST, "update_trace_segment_destination", Destination="CloudWatchLogs")
    assert xray.destination(aws, WEST) is TraceStore.LOGS
    before = len(found(aws, told, ""))
    told.world.state(AppTraces).write(told.world.clock.now(), "play", 41100, 50, 9, crashing=True)
    told.request("POST", "/_sandbox/clock", {"sleep": 60})
    assert len(found(aws, told, "")) == before
    told.world.state(Traces).searched.clear()
