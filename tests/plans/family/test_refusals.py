"""What a run refuses, or stops at, before it can do harm: nothing is written after that."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from drcore import plans
from drcore.engine.outcome import Outcome
from drcore.engine.step import Plan
from drcore.errors import BadInput, Exit, Refused, StepFailed
from drcore.plans import f
from drcore.run.runbook import Runbook
from tests.support.effects import Effect
from tests.support.lock_holders import put, remove
from tests.support.stage import (
    SHORT,
    Scene,
    Stage,
    carry_out,
    client,
    each_plan,
    ended,
    lines,
    locks,
    outcomes,
    proven,
    scene_of,
)

OTHER_ACCOUNT = "999999999999"


def refused(stage: Stage, run: Runbook, why: str, kind: type[Exception] = Refused, status: Exit = Exit.REFUSED) -> None:
    """The run is refused, with that reason; it has written nothing, and its record says so."""
    before = list(stage.effects)
    trouble = carry_out(run)
    assert isinstance(trouble, kind), trouble
    assert re.search(why, str(trouble)), trouble
    assert stage.effects == before
    assert ended(run).exit == status
    assert lines(run, "refused")
    proven(run)


@each_plan
@pytest.mark.parametrize("by_a_role", [False, True], ids=["own keys", "a role"])
def test_a_run_in_the_wrong_account_is_refused(stage: Stage, plan: Plan[Any], by_a_role: bool) -> None:
    """By whose keys it signs with; where it takes on a role of that account, already as it must not."""
    known = stage.prepare(plan).service
    assert known.role
    topics = {region: arn.replace(known.account, OTHER_ACCOUNT) for region, arn in known.on_call.topics.items()}
    role = known.role.replace(known.account, OTHER_ACCOUNT) if by_a_role else None
    on_call = known.on_call.model_copy(update={"topics": topics, "second": topics})
    run = stage.open(
        stage.prepare(scene_of(plan), service={"account": OTHER_ACCOUNT, "role": role, "on_call": on_call})
    )
    expected = f"expected account {OTHER_ACCOUNT}, seen .* in account {known.account}"
    refused(stage, run, f"sts:AssumeRole on resource: {role}" if role else expected)


@each_plan
def test_a_runner_in_the_failed_region_is_refused(stage: Stage, plan: Plan[Any]) -> None:
    run = stage.open(stage.prepare(scene_of(plan)))
    run.run._lost_region = (
        run.run.service.runner_region
    )  # as if the incident had named it: plan F has no such parameter
    refused(stage, run, "the region that has failed: run it from another one")


@each_plan
def test_a_runner_whose_own_region_does_not_answer_is_refused(stage: Stage, plan: Plan[Any]) -> None:
    run = stage.open(stage.prepare(scene_of(plan)))
    stage.fault("dropped-connection", region=run.run.service.runner_region)
    refused(stage, run, f"identity: sts assume_role in {run.run.service.runner_region}: .* run it from another one")


@each_plan
def test_a_second_operator_is_refused_and_told_who_is_at_work(stage: Stage, plan: Plan[Any]) -> None:
    first = stage.open(stage.prepare(scene_of(plan), run_id="first"))
    first.preflight()
    second = stage.open(stage.prepare(plan, run_id="second"))
    refused(stage, second, r"held by arn:\S+ for run first since .*drcore resume first")
    assert locks(first) == [f"locks/{plan.id}.json"], "the lock is still the first one's"


@each_plan
def test_a_run_whose_lock_was_taken_over_does_not_act_any_more(stage: Stage, plan: Plan[Any]) -> None:
    run = stage.open(stage.prepare(scene_of(plan)))
    run.preflight()
    take_over(run)
    before = list(stage.effects)
    trouble = first_trouble(run)
    assert isinstance(trouble, Refused)
    assert "somebody else has taken over" in str(trouble)
    assert stage.effects == before
    run.close()
    assert locks(run) == [f"locks/{plan.id}.json"], "the lock of somebody else is not given back"
    assert ended(run).exit == Exit.REFUSED


@each_plan
def test_a_lock_that_is_lost_between_two_acts_of_a_step_stops_the_second(stage: Stage, plan: Plan[Any]) -> None:
    """By somebody who takes over as soon as the first thing is written."""
    run = stage.open(stage.prepare(scene_of(plan)))
    run.preflight()
    begun = len(stage.effects)
    note = run.run.calls.note

    def noted(call: object, answer: str, request_id: str = "") -> None:
        note(call, answer, request_id)  # type: ignore[arg-type]  # passed on as it came
        if len(stage.effects) == begun + 1:
            take_over(run)

    run.run.calls.note = noted  # type: ignore[method-assign]  # the last moment before a next act
    trouble = first_trouble(run)
    assert isinstance(trouble, Refused)
    assert [each for each in stage.effects[begun:] if not of_the_lock(each)] == stage.effects[begun : begun + 1]


def of_the_lock(effect: Effect) -> bool:
    return '"Key": "locks/' in effect.asked


def first_trouble(run: Runbook) -> Exception | None:
    """Carry out the steps until one is refused, or fails."""
    try:
        for step in run.plan.steps:
            run.step(step)
    except (Refused, StepFailed) as error:
        return error
    return None


def take_over(run: Runbook) -> None:
    """What the other operator does by hand: remove the lock, and take it for a run of his own."""
    s3 = partial(client, run, "s3")
    remove(s3, run.run.service, run.plan.id)
    put(s3, run.run.service, run.plan.id, "other", "somebody else")


# ── Plan F ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_f_refuses_a_release_that_does_not_exist_and_names_those_that_do(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(plans.find("f"), "bad-release"), incident={"release": "2031.01.1"}))
    why = r"release: expected one of .*2026\.01\.1.*, seen '2031\.01\.1'"
    refused(stage, run, why, BadInput, Exit.BAD_INPUT)


@pytest.mark.parametrize("fault", plans.find("f").faults)
def test_f_does_not_roll_back_past_a_change_of_the_schema(stage: Stage, fault: str) -> None:
    setting = stage.prepare(Scene(plans.find("f"), fault), options={"schema_changed": "true"}, facts=SHORT)
    run = stage.open(setting)

    trouble = carry_out(run)

    assert isinstance(trouble, StepFailed)
    assert outcomes(run)[f.DECIDE.title] is Outcome.FAILED
    assert "Do not roll back: go to plan G" in run.results[f.DECIDE.key].why
    assert list(run.results)[-1] == f.FREEZE.key, "users are told, and the next release is kept out all the same"
    told = {"sns:Publish", "statuspage:create_incident", "codepipeline:DisableStageTransition"}
    assert {each.call for each in stage.effects if not of_the_lock(each)} == told
    assert ended(run).exit == Exit.MISSED
    assert locks(run) == []
    proven(run)
