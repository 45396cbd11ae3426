"""Metrics that come late delay a plan, and never make it believe what is not so."""

from __future__ import annotations

from typing import Any

import pytest

from drcore import plans
from drcore.engine.outcome import Answer, Outcome
from drcore.engine.preflight import Finding, findings
from drcore.engine.step import Plan
from drcore.errors import StepFailed
from drcore.parameters import Mode
from tests.support.honesty import honest
from tests.support.stage import Scene, Stage, carry_out, each_plan

F = plans.find("f")


def of_metrics(stage: Stage, plan: Plan[Any]) -> list[Finding]:
    run = stage.open(stage.prepare(plan, Mode.REHEARSE))
    return [each for each in findings(run.run, plan) if each.what.startswith("metrics in ")]


@each_plan
def test_the_preflight_should_measure_how_late_metrics_are(stage: Stage, plan: Plan[Any]) -> None:
    measured = of_metrics(stage, plan)
    assert measured
    assert {each.check.answer for each in measured} == {Answer.YES}
    assert all("ended" in each.check.why and "metric_delay_s = 180" in each.check.why for each in measured)


@each_plan
def test_metrics_that_are_later_than_assumed_should_be_told_and_stop_nothing(stage: Stage, plan: Plan[Any]) -> None:
    stage.fault("lateness", least=500, most=600)
    stage.sleep(600)
    measured = of_metrics(stage, plan)
    assert {each.check.answer for each in measured} == {Answer.NO}
    assert all("later than metric_delay_s = 180" in each.check.why for each in measured)
    assert not any(each.stops for each in measured)


@each_plan
def test_metrics_that_cannot_be_measured_should_be_unknown(stage: Stage, plan: Plan[Any]) -> None:
    stage.fault("lateness", least=7200, most=7200)
    stage.sleep(1500)
    assert {each.check.answer for each in of_metrics(stage, plan)} == {Answer.UNKNOWN}


@pytest.mark.parametrize(
    ("delay", "least", "most"),
    [(0, 60, 180), (180, 240, 600)],
    ids=["the newest minute is judged", "metrics are later than assumed"],
)
def test_a_goal_that_is_judged_too_early_should_be_unknown(stage: Stage, delay: int, least: int, most: int) -> None:
    """Users are well again, and the plan cannot know: it says so, with the reason."""
    stage.fault("lateness", least=least, most=most)
    run = stage.open(stage.prepare(Scene(F, "bad-release"), service={"metric_delay_s": delay}))
    trouble = carry_out(run)
    assert isinstance(trouble, StepFailed)
    goal = run.results[F.goal.key]
    assert goal.outcome is Outcome.UNKNOWN
    assert "too few to tell" in goal.why or f"later here than metric_delay_s = {delay}" in goal.why
    assert run.verdict and run.verdict.rto.measured is None


def test_what_is_later_but_known_to_be_should_only_take_longer(stage: Stage) -> None:
    stage.fault("lateness", least=200, most=500)
    run = stage.drill(Scene(F, "bad-release"), service={"metric_delay_s": 500})
    assert honest(run, stage.truth())
    assert run.verdict and run.verdict.rto.least is not None
