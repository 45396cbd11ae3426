"""Harm that was there before a drill's fault is dated once, and known after a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from drcore.plans import f
from tests.support.lone_run import NINE, lone_run

EARLIER = NINE - timedelta(minutes=5)


def test_harm_from_before_the_fault_should_be_in_the_journal(tmp_path: Path) -> None:
    with lone_run(f.PLAN, tmp_path) as run:
        run.settle_moment("fault", NINE)
        run.settle_moment("detected", EARLIER)
        run.settle_harm(EARLIER - timedelta(minutes=5))
        assert run.moments == {"fault": NINE, "harm": EARLIER, "detected": NINE}, "nobody detects before the fault"
        assert run.history.moments() == run.moments


def test_harm_from_after_the_fault_should_be_the_faults(tmp_path: Path) -> None:
    with lone_run(f.PLAN, tmp_path) as run:
        run.settle_moment("fault", NINE)
        run.settle_harm(NINE)
        assert "harm" not in run.moments
