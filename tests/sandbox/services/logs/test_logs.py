"""CloudWatch Logs: lines found by terms, time, page."""

from datetime import timedelta
from typing import Any

import pytest

from drcore.sandbox.endpoints import application
from drcore.sandbox.services.logs.state import Logs
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

GROUP = "/syncwell/api"
LINES = (
    "ERROR ConfigInvalid user=00042 reason=owner",
    "INFO sync user=00042 done",
    "ERROR ConfigInvalid user=00007 reason=blank",
    "ERROR Timeout user=00042",
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> SyncWellWorld:
    """An empty account but for one line a minute, the last one a minute ago."""
    monkeypatch.setattr(application, "build_company", lambda _: None)
    world = SyncWellWorld()
    logs = world.sandbox.world.state(Logs)
    with world.sandbox.world.clock.frozen():
        for minutes, line in zip((4, 3, 2, 1), LINES, strict=True):
            logs.write(EAST, GROUP, world.now - timedelta(minutes=minutes), line)
    return world


def _found(world: SyncWellWorld, pattern: str = "", **more: Any) -> list[str]:
    pages = world.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=GROUP, filterPattern=pattern, **more)
    return [event["message"] for page in found for event in page["events"]]


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        ("", [0, 1, 2, 3]),
        ("ERROR", [0, 2, 3]),
        ("ERROR ConfigInvalid", [0, 2]),
        ('"ERROR ConfigInvalid user=00042"', [0]),
        ('ERROR "user=00042"', [0, 3]),
        ("?Timeout ?done", [1, 3]),
        ("ERROR -ConfigInvalid", [3]),
        ("error", []),
    ],
)
def test_a_pattern_of_terms_should_find_the_lines_with_all_of_them(
    world: SyncWellWorld, pattern: str, lines: list[int]
) -> None:
    assert _found(world, pattern) == [LINES[number] for number in lines]


def test_a_range_of_time_should_hold_both_its_ends(world: SyncWellWorld) -> None:
    stamps = [e["timestamp"] for e in world.client("logs").filter_log_events(logGroupName=GROUP)["events"]]
    assert _found(world, startTime=stamps[1], endTime=stamps[2]) == list(LINES[1:3])


def test_many_lines_should_come_page_by_page(world: SyncWellWorld) -> None:
    assert _found(world, PaginationConfig={"PageSize": 1}) == list(LINES)


def test_a_line_of_the_future_should_be_found_when_its_time_has_come(world: SyncWellWorld) -> None:
    with world.sandbox.world.clock.frozen():
        world.sandbox.world.state(Logs).write(EAST, GROUP, world.now + timedelta(minutes=1), "later")
    assert "later" not in _found(world)
    world.sleep(60)
    assert _found(world)[-1] == "later"


def test_a_line_that_somebody_puts_should_be_found_among_the_others_in_its_order(world: SyncWellWorld) -> None:
    logs = world.client("logs")
    logs.create_log_stream(logGroupName=GROUP, logStreamName="mine")
    moment = int((world.now - timedelta(minutes=2, seconds=30)).timestamp() * 1000)
    logs.put_log_events(
        logGroupName=GROUP, logStreamName="mine", logEvents=[{"timestamp": moment, "message": "between"}]
    )
    assert _found(world) == [*LINES[:2], "between", *LINES[2:]]
    assert _found(world, logStreamNames=["mine"]) == ["between"]


def test_the_group_should_be_there_in_both_regions_with_its_retention() -> None:
    world = SyncWellWorld()
    for region in (EAST, WEST):
        groups = world.client("logs", region).describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
        assert [(group["logGroupName"], group["retentionInDays"]) for group in groups] == [(GROUP, 30)]


def test_a_group_that_is_not_there_or_a_pattern_that_is_not_known_should_be_refused(world: SyncWellWorld) -> None:
    logs = world.client("logs")
    refused("ResourceNotFoundException", logs.filter_log_events, logGroupName="nobody")
    refused("InvalidParameterException", logs.filter_log_events, logGroupName=GROUP, filterPattern="[a, b=1]")
