"""Time that a person reads between two cells passes, where a person is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from drcore import show
from drcore.run.runbook import Runbook
from tests.support.engine_world import Things, mend
from tests.support.manual_clock import ManualClock
from tests.support.opened import door, opened

__all__ = ["door", "opened"]


@pytest.mark.parametrize("there", [True, False])
def test_the_world_goes_on_while_somebody_reads(
    opened: Callable[..., Runbook], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """From the opened page on, before each cell, once; what a cell calls itself is no cell."""
    monkeypatch.setattr(show, "watched", lambda: there)
    clock = ManualClock()
    step = mend(Things())
    run = opened(step, clock=clock)
    clock.thought, began = 20, clock.now()
    run.overview()
    run.step(step)
    took = run.results[step.key].seconds  # human: a manual clock thinks at each consent, also where none is needed
    assert clock.now() - began == timedelta(seconds=40 * there + took.cloud + took.human)
    before = clock.now()
    run.go_on()  # which verifies, too
    assert clock.now() - before == timedelta(seconds=20 * there)
