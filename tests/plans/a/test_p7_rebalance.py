"""Plan A, phase 7: a region that does not hold goes out again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, Target
from drcore.engine.verdict import Word
from drcore.errors import DrcoreError
from drcore.plans import a
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines

EAST = "us-east-1"


def test_a_second_outage_during_the_rebalance_should_be_backed_out_of(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(a.PLAN, f"region-outage:region={EAST},duration=9"), facts=SHORT))
    carry_out(run, until=a.REBALANCE_2)
    original = a.REBALANCE_3.act
    assert original

    def and_then_it_goes(run: Run[Any, Any], target: Target, state: Any) -> object:
        answer = original(run, target, state)
        stage.fault("region-outage", region=EAST, kind="lambda-sqs", duration=0)
        return answer

    third = replace(a.REBALANCE_3, act=and_then_it_goes)
    with pytest.raises(DrcoreError, match="backed out"):
        run.step(third)
    assert run.results[a.REBALANCE_3.key].outcome is Outcome.FAILED
    stage.sleep(120)
    assert stage.truth()["levers"][EAST] == "out"
    assert stage.truth()["dns"][EAST] == 0
    assert [line["step"] for line in lines(run, "backed-out")] == [a.REBALANCE_3.title]
    run.verify()
    assert run.verdict and run.verdict.word is Word.NOT_HELD
