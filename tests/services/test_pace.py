"""The calls of a client are spread over time, and only as far as they must be."""

from __future__ import annotations

from drcore.services.pace import Pace
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
