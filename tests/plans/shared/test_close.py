"""The last step: whatever it finds, the drills are told beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.context import Run
from drcore.engine.outcome import EVERYWHERE, Answer, Check, StepName, Target, no, yes
from drcore.plans.shared.close import close
from tests.support.engine_world import open_run, plan_of
from tests.support.manual_clock import ManualClock

(ALL,) = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Left:
    """How a test leaves things."""

    good: bool
    last_drill: datetime | None
    next_drill: datetime | None


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize(
    ("ago", "words"),
    [(30, "next due {next:%Y-%m-%d}"), (120, "next due {next:%Y-%m-%d}, OVERDUE"), (None, "next due now, OVERDUE")],
)
def test_the_drills_should_be_told_beside_what_is_left(tmp_path: Path, good: bool, ago: int | None, words: str) -> None:
    clock = ManualClock()
    last = clock.now() - timedelta(days=ago) if ago else None
    due = last + timedelta(days=91) if last else None

    def look(run: Run[Any], target: Target) -> Left:
        return Left(good, last, due)

    def expect(run: Run[Any], target: Target, seen: Left) -> Check:
        return yes("it serves") if seen.good else no("it does not serve")

    name = StepName("close", "Close", "T.1")
    step = close(name, changes="nothing", look=look, expect=expect, shows=lambda run, states: (), needs=())
    run = open_run(tmp_path / "t-1", plan_of(step), clock=clock).run
    run.record.close()

    check = step.expect(run, ALL, step.look(run, ALL))

    assert check.answer is (Answer.YES if good else Answer.NO)
    drilled = f"{last:%Y-%m-%d}" if last else "never"
    assert check.why == f"it {'serves' if good else 'does not serve'}; last drill {drilled}, {words.format(next=due)}"
