"""Whatever chance brings, the goal is reached, and what is said of the time is true."""

from __future__ import annotations

import pytest

from drcore.clock import parse_time
from drcore.errors import Exit
from drcore.steps import Plan
from drcore.verdict import Word
from tests.plans.stage import SHORT, each_fault, ended, locks, pages_of, proven, staged

SEEDS = (2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377)
LATE = 300  # seconds by which health may be known later than it was there: a whole minute must be measured, and waits


@pytest.mark.parametrize("seed", SEEDS)
@each_fault
def test_a_drill_reaches_its_goal_with_any_seed_and_measures_honestly(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, fault: str, seed: int
) -> None:
    with staged(tmp_path_factory.mktemp("records"), seed) as stage:
        run = stage.drill(plan, fault, facts=SHORT)
        truth = stage.truth()

        assert run.verdict and run.verdict.word is Word.REACHED, run.verdict
        assert ended(run).exit == Exit.REACHED
        assert truth["healthy_since"]
        true = (parse_time(truth["healthy_since"]) - parse_time(truth["fault"]["at"])).total_seconds()
        assert run.verdict.rto.measured is not None
        assert true <= run.verdict.rto.measured <= true + LATE
        assert (pages_of(run), locks(run)) == (1, [])
        proven(run)
