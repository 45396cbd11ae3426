"""Whatever chance brings, the goal is reached, and what is said of the time is true."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest

from drcore.engine.step import Plan
from drcore.engine.verdict import Word
from drcore.errors import Exit
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.honesty import honest
from tests.support.stage import PLANS, SHORT, Scene, ended, locks, pages_due, pages_of, proven, scenes_of, staged

SEEDS = (2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377)
RUNS = 6 if EXHAUSTIVE else 1  # of a plan, dealt to its scenes; at least one each where everything is to be proved
FEWER = {"g": 2}  # of a plan whose drill takes long


def runs(plan: Plan[Any], scenes: int) -> int:
    """How many runs a plan gets; each of its scenes is drilled with one seed in test_drills.py anyhow."""
    return max(FEWER.get(plan.id, RUNS), scenes) if EXHAUSTIVE else RUNS


DEALT = [
    (scene, seed)
    for plan in PLANS
    for of_plan in [scenes_of(plan)]
    for scene, seed in zip(cycle(of_plan), SEEDS[: runs(plan, len(of_plan))], strict=False)
]


@pytest.mark.parametrize(("scene", "seed"), DEALT, ids=[f"{scene.name}-{seed}" for scene, seed in DEALT])
def test_a_drill_reaches_its_goal_with_any_seed_and_measures_honestly(
    tmp_path_factory: pytest.TempPathFactory, scene: Scene, seed: int
) -> None:
    with staged(tmp_path_factory.mktemp("records"), seed) as stage:
        run = stage.drill(scene, facts=SHORT)
        truth = stage.truth()

        assert run.verdict and run.verdict.word is Word.REACHED, run.verdict
        assert ended(run).exit == Exit.REACHED
        assert honest(run, truth)
        assert (pages_of(run), locks(run)) == (pages_due(scene.plan), [])
        proven(run)
