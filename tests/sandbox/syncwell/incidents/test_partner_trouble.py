"""The faults of plan D do what they say, and end as they say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.syncwell_world import SyncWellWorld

PARTNER = "pulsewatch"


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def page(world: SyncWellWorld) -> Any:
    return world.sandbox.request("GET", f"/partner-status/{PARTNER}/api/v2/summary.json")[1]["status"]["indicator"]


def asked(world: SyncWellWorld, partner: str = PARTNER, operation: str = "read-activities") -> set[int]:
    """The statuses of ten calls; 0 where no answer came."""
    headers = {"Authorization": f"Bearer emulated-{partner}-key-1"}
    found = set()
    for _ in range(10):
        try:
            found.add(world.sandbox.request("GET", f"/partner/{partner}/v1/{operation}", None, headers)[0])
        except TimeoutError:
            found.add(0)
    return found


def truth(world: SyncWellWorld) -> Any:
    return world.sandbox.request("GET", "/_sandbox/truth")[1]


def test_an_outage_goes_unnoticed_is_told_late_by_the_page_and_ends_by_itself(world: SyncWellWorld) -> None:
    began = world.now
    world.inject("partner-outage", duration=12, page_lag=8)
    assert (world.now - began).total_seconds() == 300
    assert page(world) == "none"
    assert truth(world)["healthy_since"] is None
    world.sleep(200)
    assert page(world) == "critical"
    world.sleep(240)
    assert asked(world) <= {200, 503}
    assert page(world) == "critical", "it is late at the end, too"


def test_a_part_of_the_calls_gets_no_answer_where_that_is_asked_for(world: SyncWellWorld) -> None:
    status, told = world.inject("partner-outage", silent=1.5)
    assert (status, told["error"]) == (400, "options.silent: expected a number from 0 to 0.95; saw 1.5")
    world.inject("partner-outage", silent=0.95)
    assert asked(world) <= {200, 0}
    assert 0 in asked(world)


def test_a_partner_has_one_fault_at_a_time(world: SyncWellWorld) -> None:
    world.inject("partner-outage")
    status, told = world.inject("partner-outage", partner="strideon")
    assert status == 400
    assert "expected a world without partner-outage" in told["error"]
