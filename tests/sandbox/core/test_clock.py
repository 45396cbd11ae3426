"""Virtual time moves only when it is told to."""

from datetime import UTC, datetime, timedelta

import pytest

from drcore.sandbox.core.clock import OPENING, VirtualClock
from drcore.sandbox.endpoints.in_process import InProcess
from tests.sandbox.conftest import Client


def test_it_should_tick_at_each_ten_second_boundary_in_order_of_registration() -> None:
    clock = VirtualClock()
    seen: list[tuple[str, float]] = []
    clock.on_tick(lambda at: seen.append(("first", (at - OPENING).total_seconds())))
    clock.on_tick(lambda at: seen.append(("second", (clock.now() - OPENING).total_seconds())))
    clock.advance(9.95)
    assert seen == []
    clock.advance(10.05)
    assert seen == [("first", 10), ("second", 10), ("first", 20), ("second", 20)]
    assert clock.advance(3) == OPENING + timedelta(seconds=23)
    assert len(seen) == 4


def test_it_should_not_go_backwards() -> None:
    with pytest.raises(ValueError, match="expected seconds >= 0, saw -1"):
        VirtualClock().advance(-1)


def test_it_should_not_be_moved_from_within_a_tick() -> None:
    clock = VirtualClock()

    def meddle(_: datetime) -> None:
        clock.advance(1)

    clock.on_tick(meddle)
    with pytest.raises(RuntimeError, match="a tick may not move the virtual clock"):
        clock.advance(10)


def test_it_should_show_the_process_the_virtual_time_and_then_the_real_one_again() -> None:
    clock = VirtualClock()
    real = datetime.now(UTC)
    with clock.frozen(), clock.frozen():
        assert datetime.now(UTC) == OPENING
        clock.advance(25)
        assert datetime.now(UTC) == OPENING + timedelta(seconds=25)
        with clock.at(datetime(2025, 12, 18, tzinfo=UTC)):
            assert datetime.now(UTC) == datetime(2025, 12, 18, tzinfo=UTC)
        assert datetime.now(UTC) == OPENING + timedelta(seconds=25)
    assert datetime.now(UTC) >= real


def test_it_should_cost_a_call_a_twentieth_of_a_second_and_control_nothing(empty: InProcess, client: Client) -> None:
    assert empty.request("GET", "/_sandbox/clock") == (200, {"now": "2026-01-05T09:00:00.000000Z"})
    client("sts").get_caller_identity()
    assert empty.request("GET", "/_sandbox/clock")[1] == {"now": "2026-01-05T09:00:00.050000Z"}
    slept = empty.request("POST", "/_sandbox/clock", {"sleep": 30})[1]
    assert slept == {"now": "2026-01-05T09:00:30.050000Z"}


@pytest.mark.parametrize("sleep", [-1, "30", None, True, 1e12])
def test_it_should_refuse_a_sleep_that_is_none(empty: InProcess, sleep: object) -> None:
    status, document = empty.request("POST", "/_sandbox/clock", {"sleep": sleep})
    assert status == 400
    assert document["error"].startswith("sleep: expected seconds from 0 to 2592000; saw ")


def test_it_should_date_resources_in_virtual_time(empty: InProcess, client: Client) -> None:
    empty.request("POST", "/_sandbox/clock", {"sleep": 60})
    client("s3").create_bucket(Bucket="some-bucket")
    created = client("s3").list_buckets()["Buckets"][0]["CreationDate"]
    assert created.replace(microsecond=0) == OPENING + timedelta(seconds=60)


def test_calls_in_flight_together_should_pass_the_time_of_the_longest() -> None:
    clock = VirtualClock()
    clock.together(3)
    for seconds in (0.05, 0.05, 2.0):
        clock.call(seconds)
    assert clock.now() == OPENING + timedelta(seconds=2)
    clock.call(0.05)
    assert clock.now() == OPENING + timedelta(seconds=2.05), "the fourth was not announced"


def test_calls_that_were_announced_and_never_came_should_give_no_time_away(empty: InProcess, client: Client) -> None:
    world, began = empty, empty.world.clock.now()
    assert world.request("POST", "/_sandbox/clock", {"together": 5})[0] == 200
    world.request("POST", "/_sandbox/clock", {"sleep": 0})
    for _ in range(4):
        client("sts").get_caller_identity()
    assert world.world.clock.now() - began == timedelta(seconds=0.2)
    for wrong in (0, 101, True, "two"):
        assert world.request("POST", "/_sandbox/clock", {"together": wrong})[0] == 400
