"""Every write of every plan may be refused for now, by each code that AWS has for it: it is done all the same, once."""

from __future__ import annotations

from typing import Any

from drcore.engine.outcome import Outcome
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Word
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import each_plan
from tests.support.troubled import OF_VENDORS, Troubled, each_act, made, refusals_of


@each_act
def test_an_act_that_is_refused_for_now_is_done_once_and_the_goal_is_reached(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    act = troubled.act(plan, step)
    for trouble, met in troubled.busy(plan, step):
        assert met.outcome is Outcome.DONE, f"{met.refusals}: {met.why}"
        assert made(met.effects) == made(act.effects), met.refusals
        verdict = troubled.verdict(plan, step, trouble)
        assert verdict is None or verdict.word is Word.REACHED, met.refusals
        assert len(met.unanswered) == len(act.operations), f"{trouble}: was not met"


@each_plan
def test_the_goal_is_reached_in_spite_of_all_that_is_refused_for_now(troubled: Troubled, plan: Plan[Any]) -> None:
    step, _ = troubled.first(plan, needed=False)
    verdicts = [troubled.verdict(plan, step, trouble) for trouble, _ in troubled.busy(plan, step)]
    assert all(verdict and verdict.word is Word.REACHED for verdict in verdicts)


@each_act
def test_each_code_by_which_an_operation_is_refused_for_now_is_met(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    """By one act or another of a plan that makes the call; each act meets each of them in `make proof`."""
    act = troubled.act(plan, step)
    met = set().union(*(met.refusals for _, met in troubled.busy(plan, step)))
    for operation in act.operations:
        name = f"{operation['service']}:{operation['operation']}"
        known = {f"{name} {code}" for code, _ in refusals_of(operation)}
        if operation["service"] not in OF_VENDORS:
            assert met & known
            assert not EXHAUSTIVE or known <= met
