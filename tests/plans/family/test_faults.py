"""What goes wrong with any call, at each act of each plan: done once all the same, or shown as failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drcore.engine.outcome import Outcome
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Word
from drcore.errors import Exit, StepFailed
from tests.support.lock_calls import kept_locks, lock_only
from tests.support.stage import (
    PLANS,
    SHORT,
    Stage,
    carry_out,
    each_plan,
    ended,
    lines,
    proven,
    staged,
)
from tests.support.troubled import (
    BORNE,
    DENIED,
    OLD,
    UNNOTICED,
    Troubled,
    deny,
    each_act,
    each_needed_act,
    made,
    may_be_done_twice,
)


@each_act
def test_an_act_is_done_and_not_twice_in_a_trouble_that_passes(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    act = troubled.act(plan, step)
    for trouble, met in troubled.borne(plan, step):
        assert met.outcome is Outcome.DONE, f"{trouble}: {met.why}"
        if may_be_done_twice(step, trouble):
            assert made(met.effects) == made(act.effects) + made(act.effects), trouble
            assert "may have gone out more than once" in met.why
        else:
            assert made(met.effects) == made(act.effects), trouble
        assert trouble == OLD or len(met.unanswered) == len(act.operations), f"{trouble}: was not met"


@each_plan
def test_each_trouble_is_met_by_some_act(troubled: Troubled, plan: Plan[Any]) -> None:
    """Of a plan that has fewer acts than there are troubles, each act meets another one."""
    acts = [step for step in plan.steps if step.act]
    assert set(troubled.in_turn(plan).values()) == set(BORNE[: len(acts)])


@each_act
def test_what_is_denied_in_one_region_fails_there_and_nowhere_else(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    act, met = troubled.act(plan, step), troubled.met(plan, step, DENIED)
    assert "denied" in met.refusal or "not authorized" in met.refusal
    not_tried = (Outcome.SKIPPED,) if step.depends_on else ()  # what depends on it, wherever that is
    for target, outcome in met.targets.items():
        if act.regions.get(target, frozenset()) & act.denied:
            assert outcome in (Outcome.FAILED, *not_tried), target
        elif target.region != act.first.region:  # there what hangs on what was denied may fail too
            assert outcome in (Outcome.DONE, Outcome.ALREADY, *not_tried), target
    assert met.outcome is Outcome.FAILED


@each_act
def test_a_failed_act_is_done_when_it_is_tried_again_and_nothing_is_in_its_way(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    troubled.act(plan, step)
    assert troubled.met(plan, step, DENIED).then is Outcome.DONE


@each_needed_act
def test_a_failed_act_is_no_success_to_whoever_started_the_run(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    troubled.act(plan, step)
    met = troubled.met(plan, step, DENIED)
    after_the_goal = plan.steps.index(step) > plan.steps.index(plan.goal)
    assert met.verdict and met.verdict.word is (Word.NOT_HELD if after_the_goal else Word.MISSED)
    assert f"{step.title} is FAILED" in met.verdict.why
    assert met.exit == Exit.MISSED


@each_plan
def test_nothing_is_done_after_a_failed_act(troubled: Troubled, tmp_path: Path, plan: Plan[Any]) -> None:
    step, act = troubled.first(plan)
    with staged(tmp_path) as stage:
        run = stage.open(stage.prepare(act.scene, facts=SHORT))
        deny(stage, act)

        assert isinstance(carry_out(run), StepFailed)

        assert run.verdict and run.verdict.word is Word.MISSED
        assert f"{step.title} is FAILED" in run.verdict.why
        assert ended(run).exit == Exit.MISSED
        assert [line["what"] for line in lines(run, "finding") if line["check"] == "no"] in ([], ["permissions"])
        assert list(run.results)[-1] == step.key, "nothing is done after a failed step"
        proven(run)


# ── The lock ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trouble", UNNOTICED)
@pytest.mark.parametrize("operation", ["PutObject", "DeleteObject"])
def test_the_lock_is_taken_and_given_back_when(stage: Stage, operation: str, trouble: str) -> None:
    run = stage.open(stage.prepare(PLANS[0]))
    name, options = UNNOTICED[trouble]
    stage.fault(name, service="s3", operation=operation, **options)

    run.preflight()
    run.close()

    assert lock_only(stage.effects), "a majority of the buckets has it, each that has it gives it back"
    assert kept_locks(stage.door.world, stage.prepare(PLANS[0]).service) == []
    assert lines(run, "closed")[-1]["lock"] == "given back"
    proven(run)


@pytest.mark.parametrize("operation", ["GetObject", "DeleteObject"])
def test_a_lock_that_cannot_be_given_back_is_tried_again_and_told(stage: Stage, operation: str) -> None:
    """Whoever is next would be refused, and would not know why."""
    denied = {"service": "s3", "operation": operation}
    passing, lasting = (stage.open(stage.prepare(PLANS[0], run_id=f"a-lock-{number}")) for number in (1, 2))

    passing.preflight()
    stage.fault("access-denied", **denied, count=2)
    passing.close()
    assert lines(passing, "closed")[-1]["lock"] == "given back"

    lasting.preflight()
    stage.fault("access-denied", **denied)
    lasting.close()
    told = ended(lasting)
    assert told.unfinished and told.as_data()["stands"] == list(told.stands)
    (left,) = told.stands
    assert left.startswith("the lock of the plan") and "AccessDenied" in left
