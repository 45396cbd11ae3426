"""A person confirms that the fault is gone: recorded with how they know; where nobody does the verdict says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore.engine.outcome import Outcome
from drcore.engine.verdict import Word
from drcore.errors import Exit
from drcore.parameters import DrillPolicy
from drcore.plans import f
from tests.support.stage import SHORT, Scene, Stage, carry_out, ended, proven

BAD_RELEASE = Scene(f.PLAN, "bad-release")
ALL_ELSE = DrillPolicy(
    name="all else", approves=tuple(step.title for step in f.PLAN.steps if step is not f.CONFIRM_GONE)
)


def nobody(prompt: str) -> None:
    return None


def engineer(prompt: str) -> str:
    return "THE FAULT IS GONE" if "THE FAULT IS GONE" in prompt else "the preview of my own account is right again"


@pytest.mark.parametrize(
    ("keyboard", "outcome", "remark"),
    [
        (nobody, Outcome.SKIPPED, "not confirmed by a person"),
        (engineer, Outcome.DONE, ": the preview of my own account is right again"),
    ],
)
def test_the_verdict_says_who_has_confirmed_it_or_that_nobody_has(
    stage: Stage, keyboard: Callable[[str], Any], outcome: Outcome, remark: str
) -> None:
    """Users are told in any case, by what was measured: no recovery waits for it."""
    run = stage.open(stage.prepare(BAD_RELEASE, service={"drill_policy": ALL_ELSE}, facts=SHORT), keyboard=keyboard)
    assert carry_out(run) is None
    assert run.results[f.CONFIRM_GONE.key].outcome is outcome
    assert run.results[f.RESOLVED.key].outcome is Outcome.DONE
    assert run.verdict and run.verdict.word is Word.REACHED
    assert [told for told in ended(run).as_data()["remarks"] if told.endswith(remark)]
    assert ended(run).exit == Exit.REACHED
    proven(run)
