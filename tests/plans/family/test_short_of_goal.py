"""A drill of a fault at which the plan rightly ends short of its goal: said so, nothing torn, nothing called well."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcore.engine.verdict import Word
from drcore.errors import Exit, StepFailed
from drcore.record.proof import verify
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import PLANS, SHORT, Scene, carry_out, ended, staged

SHORT_OF_GOAL = [Scene(plan, fault) for plan in PLANS for fault in plan.short_of_goal[: None if EXHAUSTIVE else 1]]


@pytest.mark.parametrize("scene", SHORT_OF_GOAL, ids=lambda scene: scene.name)
def test_a_drill_that_cannot_reach_its_goal_should_say_so(tmp_path: Path, scene: Scene) -> None:
    with staged(tmp_path) as stage:
        run = stage.open(stage.prepare(scene, facts=SHORT))
        trouble = carry_out(run)
        assert trouble is None or isinstance(trouble, StepFailed)
        assert run.verdict and run.verdict.word in (Word.MISSED, Word.NOT_HELD)
        assert run.verdict.why
        assert ended(run).exit == Exit.MISSED
        assert verify(run.record.folder).holds
        if "detected" not in run.run.moments:
            assert "was not noticed" in run.verdict.why
            assert not [each for each in stage.effects if each.call.split(":")[0] in ("googleplay", "appstoreconnect")]
