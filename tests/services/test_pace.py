"""The calls of a client are spread over time, and only as far as they must be."""

from __future__ import annotations

from drcore.services.pace import Pace, SharedPace
from tests.support.manual_clock import ManualClock


def test_calls_should_be_apart_and_a_late_one_not_wait() -> None:
    clock = ManualClock()
    pace = Pace(clock, 0.5)
    pace.wait()
    assert clock.slept == 0
    pace.wait()
    pace.wait()
    assert clock.slept == 1
    clock.sleep(0.2)
    pace.wait()
    assert round(clock.slept, 6) == 1.5, "what has passed by itself counts"
    clock.sleep(60)
    pace.wait()
    assert round(clock.slept, 6) == 61.5


def test_a_shared_quota_should_be_asked_less_while_the_service_is_busy_and_more_again_later() -> None:
    clock = ManualClock()
    pace = SharedPace(clock, 40)
    for _ in range(8):
        pace.wait(10)
    assert round(clock.slept, 6) == 1.75, "ten calls, a quarter of a second each"
    pace.heard(busy=True)
    pace.heard(busy=True)
    assert pace.rate == 20, "halved once for one second"
    for _ in range(20):
        clock.sleep(1)
        pace.heard(busy=True)
    assert pace.rate == 0.5, "never none"
    for _ in range(30):
        clock.sleep(1)
        pace.heard(busy=False)
    assert pace.rate == 40
