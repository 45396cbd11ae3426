"""When the goal is missed and somebody says so, what a run has done is undone, last first, each act verified."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drcore.engine.consent import GOING_BACK, Approval, Approvals
from drcore.engine.context import Run
from drcore.engine.outcome import Check, Target, TargetResult, never, no
from drcore.engine.standing import what_stands
from drcore.engine.step import Plan, Reversibility, Step
from drcore.engine.verdict import Word
from drcore.errors import Exit, Refused, RollbackFailed, StepFailed
from drcore.plans import a, c, d, e, f, g
from drcore.plans.g.tables import restored_table
from drcore.plans.shared.release_shift import functions
from drcore.record.run_parameters import RunParameters
from drcore.run import undo as going_back
from drcore.run.runbook import Runbook
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import (
    SCENES,
    SHORT,
    Scene,
    Stage,
    carry_out,
    client,
    each_sampled_scene,
    ended,
    lines,
    locks,
    proven,
    transitions,
)

BAD_RELEASE = Scene(f.PLAN, "bad-release")
SWITCHED = next(scene for scene in SCENES if scene.way == "switch")
# They change once more what an earlier step of the run has changed. At the end, when that is undone as well, it is as
# it was before the earlier one; what it was before the later one can be seen only in between.
CHANGE_AGAIN = {
    *(step.title for step in (g.KEEP, g.ALLOW, g.WORKERS_AGAIN, g.FUNCTIONS_AGAIN)),
    *(step.title for step in (g.SOURCES_AGAIN, g.RULES_AGAIN, g.SCALING_AGAIN, g.PROVISIONED_AGAIN)),
}
# What a store was given is in its review, or out: to let the bad version out again beside it helps nobody. Tokens that
# are revoked do not come back, and a way back would open the hole again.
AT_ONCE = {c.SUBMIT_PLAY.title, c.SUBMIT_IOS.title, e.ISSUERS.title}


def unreachable(plan: Plan[Any]) -> Plan[Any]:
    """The same plan, but its goal is never seen to be reached."""
    goal = replace(
        plan.goal,
        expect=lambda run, target, state: no("users are not well"),
        patience=replace(plan.goal.patience, within=60),
        gate=True,
    )
    return replace(plan, goal=goal, steps=tuple(goal if step is plan.goal else step for step in plan.steps))


def _unsigned(step: Step[Any, Any]) -> Any:
    """A check that lets a step find that there is nothing to do, and stops it where there is."""

    def expect(run: Run[Any, Any], target: Target, state: Any) -> Check:
        check = step.expect(run, target, state)
        return never("nobody signs this") if check.answer == "no" else check

    return expect


def stopped_in_time(plan: Plan[Any]) -> Plan[Any]:
    """The same plan, but once it was at a point of no return it stops: past that nothing would be undone.

    Where a step is past it as soon as it is done, the plan stops before that one.
    """
    before = tuple(replace(step, expect=_unsigned(step)) if step.title in AT_ONCE else step for step in plan.steps)
    if before != plan.steps:
        return replace(plan, steps=before)
    last = next((step for step in plan.steps if step.reversibility is Reversibility.NO_RETURN), None)
    if last is None:
        return plan
    after = plan.steps[plan.steps.index(last) + 1]

    def expect(run: Run[Any, Any], target: Target, state: Any) -> Check:
        there = any(line["event"] == "intent" and line["step"] == last.title for line in run.record.events)
        return never("nobody signs this") if there else after.expect(run, target, state)

    stopping = replace(after, expect=expect)
    return replace(plan, steps=tuple(stopping if step is after else step for step in plan.steps))


def may_go_back(setting: RunParameters) -> Approvals:
    given = Approval(
        step=GOING_BACK,
        phrase=f"GO BACK {setting.run_id}",
        by="Ada",
        reason="it made things worse",
        expires=datetime(2026, 1, 6, tzinfo=UTC),
    )
    return Approvals(run=setting.run_id, approvals=(given,))


def opened(stage: Stage, scene: Scene, plan: Plan[Any] | None = None) -> Runbook:
    setting = stage.prepare(scene, facts=SHORT)
    return stage.open(setting, plan=plan or unreachable(scene.plan), approvals=may_go_back(setting))


def intents(run: Runbook) -> list[tuple[Step[Any, Any], Target, Any]]:
    """The acts of the plan, each with what was there before it was first done."""
    steps = {step.title: step for step in run.plan.steps}
    first: dict[tuple[str, Target], Any] = {}
    for line in lines(run, "intent"):
        if line["step"] in steps:
            first.setdefault((line["step"], Target(line["region"], line["thing"])), line["before"])
    return [(steps[title], target, before) for (title, target), before in first.items()]


@pytest.fixture
def back_at(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, Target], Any]:
    """What is seen of each act right after it was undone, by its step and target."""
    seen: dict[tuple[str, Target], Any] = {}
    undo = going_back.undo

    def undo_and_look(run: Run[Any, Any], step: Step[Any, Any], target: Target, before: Any) -> TargetResult:
        result = undo(run, step, target, before)
        with run.calls.under(step.waiver):
            seen[step.title, target] = step.look(run, target)
        return result

    monkeypatch.setattr(going_back, "undo", undo_and_look)
    return seen


@each_sampled_scene
def test_each_reversible_act_is_undone_last_first_and_is_as_it_was(
    stage: Stage, scene: Scene, back_at: dict[tuple[str, Target], Any]
) -> None:
    run = opened(stage, scene, stopped_in_time(unreachable(scene.plan)))

    trouble = carry_out(run)

    assert isinstance(trouble, StepFailed)
    assert run.verdict and run.verdict.word is Word.GONE_BACK
    assert ended(run).exit == Exit.MISSED
    undoable = [(step, target, before) for step, target, before in intents(run) if step.undo]
    assert undoable
    assert [(line["step"], line["target"]) for line in lines(run, "undone")] == [
        (step.title, str(target)) for step, target, _ in reversed(undoable)
    ]
    # Their steps judge by what the run has compared, seen and named: a fresh one sees nothing.
    again = scene.plan in (c.PLAN, d.PLAN, g.PLAN)
    later = stage.again(run) if again else stage.open(stage.prepare(replace(scene, fault="")))
    for step, target, before in undoable:
        assert back_at[step.title, target] == step.from_json(before)
        if step.title not in CHANGE_AGAIN:
            assert step.look(later.run, target) == step.from_json(before)
    told = ("notify-on-call", "tell-users")
    out = {step.title for step, _, _ in intents(run) if step.key.startswith(told)}
    assert out
    assert [title for title in out if title not in run.verdict.why] == [], "a page is sent, an incident is public"
    assert run.verdict.stands == what_stands(scene.plan.stands, run.run.history, scene.plan.guarded)
    if scene.plan is g.PLAN:  # users have written since, of which the run's export and comparison know nothing
        with pytest.raises(Refused, match="it has gone back"):
            later.preflight()
    assert locks(run) == []
    proven(run)


def test_past_the_point_of_no_return_nothing_is_undone_and_nobody_is_asked(stage: Stage) -> None:
    """Users have written to the new table: half of a way back would lose that, or leave the service halted."""
    run = opened(stage, SWITCHED)

    trouble = carry_out(run)

    assert isinstance(trouble, StepFailed)
    assert [line["why"].partition(",")[0] for line in lines(run, "no-way-back")] == ["Resume workers was done"]
    assert not lines(run, "undo-intent")
    assert not [line for line in lines(run, "consent") if line["step"] == GOING_BACK]
    assert run.verdict and run.verdict.word is Word.MISSED
    assert ended(run).exit == Exit.MISSED
    found = stage.truth()["corruption"]
    assert set(found["table_in_use"].values()) == {restored_table(run.run)}
    assert found["reading_old"] == []
    assert found["writers_running"]
    assert locks(run) == []
    proven(run)


def test_f_brings_back_the_very_versions_weights_and_deployments(stage: Stage) -> None:
    setting = stage.prepare(BAD_RELEASE, facts=SHORT)
    before = stage.truth()
    run = stage.open(setting, plan=unreachable(f.PLAN), approvals=may_go_back(setting))

    carry_out(run)

    after = stage.truth()
    assert (after["serving"], after["api"]) == (before["serving"], before["api"])
    assert run.verdict and run.verdict.word is Word.GONE_BACK


def test_nothing_is_undone_without_consent_even_where_the_policy_allows_all(stage: Stage) -> None:
    setting = stage.prepare(BAD_RELEASE, facts=SHORT)
    run = stage.open(setting, plan=unreachable(f.PLAN))
    assert run.run.service.drill_policy and "*" in run.run.service.drill_policy.approves

    carry_out(run)

    assert not lines(run, "undo-intent")
    assert [line["granted"] for line in lines(run, "consent") if line["step"] == GOING_BACK] == [False]
    assert run.verdict and run.verdict.word is Word.MISSED
    assert ended(run).exit == Exit.MISSED


def test_a_run_that_reached_its_goal_is_not_undone(stage: Stage) -> None:
    setting = stage.prepare(BAD_RELEASE, facts=SHORT)
    run = stage.open(setting, approvals=may_go_back(setting))
    assert carry_out(run) is None
    assert not lines(run, "undo-intent")


def test_an_undo_that_is_denied_is_a_failed_rollback_and_the_others_go_on(stage: Stage) -> None:
    run = opened(stage, BAD_RELEASE)
    forward(run)
    stage.fault("access-denied", service="lambda", operation="UpdateAlias", region="us-east-1")

    run.verify()
    with pytest.raises(RollbackFailed, match="Lambda rollback: syncwell-api in us-east-1"):
        run.go_back()
    run.close()

    failed = {(line["step"], line["target"]) for line in lines(run, "undo-failed")}
    assert failed == {(f.LAMBDA.title, f"{name} in us-east-1") for name in run.run.facts.functions}
    undone = {(line["step"], line["target"]) for line in lines(run, "undone")}
    assert undone == {(step.title, str(target)) for step, target, _ in intents(run) if step.undo} - failed
    assert run.verdict and run.verdict.word is Word.ROLLBACK_FAILED
    assert ended(run).exit == Exit.ROLLBACK_FAILED
    proven(run)


@pytest.mark.parametrize(
    ("fault", "options"),
    [("lost-response", {}), ("latency", {"seconds": 10}), ("throttling", {"count": 2})][: None if EXHAUSTIVE else 1],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_undo_whose_answer_is_lost_is_looked_up_and_not_done_twice(
    stage: Stage, fault: str, options: dict[str, object]
) -> None:
    run = opened(stage, BAD_RELEASE)
    forward(run)
    before = len(stage.effects)
    stage.fault(fault, service="lambda", operation="UpdateAlias", **options)

    run.verify()
    run.go_back()

    assert run.verdict and run.verdict.word is Word.GONE_BACK
    updates = [each.asked for each in stage.effects[before:] if each.call == "lambda:UpdateAlias"]
    assert len(updates) == len(set(updates)) == len(functions(run.run))


def test_a_switch_and_its_undo_are_each_done_once_where_the_answers_are_lost(stage: Stage) -> None:
    run = opened(stage, SWITCHED, stopped_in_time(unreachable(SWITCHED.plan)))
    stage.fault("lost-response", service="appconfig", operation="StartDeployment")

    carry_out(run)

    assert run.verdict and run.verdict.word is Word.GONE_BACK
    deployed = Counter(each.region for each in stage.effects if each.call == "appconfig:StartDeployment")
    assert deployed == dict.fromkeys(run.run.service.regions, 2), "there, and back again"


def forward(run: Runbook) -> None:
    """The plan up to its goal, which is missed."""
    run.preflight()
    for step in run.plan.steps:
        if step is run.plan.goal:
            break
        run.step(step)
    with pytest.raises(StepFailed):
        run.step(run.plan.goal)


def test_what_is_done_again_after_it_was_undone_is_undone_again(stage: Stage) -> None:
    """A run that went back and is resumed goes forward anew; if it misses its goal again, it can go back again."""
    run = opened(stage, BAD_RELEASE)
    before = stage.truth()["serving"]
    carry_out(run)
    again = stage.open(run.run.setting, plan=run.plan, approvals=may_go_back(run.run.setting))

    carry_out(again)

    assert stage.truth()["serving"] == before
    undone = [(line["step"], line["target"]) for line in lines(again, "undone")]
    assert undone[: len(undone) // 2] == undone[len(undone) // 2 :] != []
    assert again.verdict and again.verdict.word is Word.GONE_BACK


def test_after_going_back_a_resumed_run_closes_the_pipeline_before_it_rolls_back(stage: Stage) -> None:
    """It had opened the pipeline at its end. Going back has undone that, and so it counts as never done."""
    setting = stage.prepare(BAD_RELEASE, facts={**SHORT, "rto_minutes": 0.5})
    run = stage.open(setting, approvals=may_go_back(setting))
    carry_out(run)
    assert run.verdict and run.verdict.word is Word.GONE_BACK
    assert f.UNFREEZE.title in {line["step"] for line in lines(run, "undone")}
    assert all(transitions(run).values())
    again = stage.again(run)

    carry_out(again, until=f.FREEZE)

    assert not any(transitions(again).values())


def test_after_going_back_a_resumed_run_keeps_the_region_out_again(stage: Stage) -> None:
    """It had let the region in at its end. Going back has undone that, and the latch with it."""
    scene = Scene(a.PLAN, "region-outage")
    setting = stage.prepare(scene, facts={**SHORT, "rto_minutes": 0.5})
    run = stage.open(setting, approvals=may_go_back(setting))
    carry_out(run)
    assert a.LET_IN.title in {line["step"] for line in lines(run, "undone")}
    assert not out_of_service(run)
    again = stage.again(run)

    carry_out(again, until=a.LATCH)

    assert out_of_service(again) == {again.run.failed_region}


def out_of_service(run: Runbook) -> set[str]:
    """The regions that the lever of the failed one keeps out."""
    levers = run.run.facts.levers
    other = next(region for region in run.run.service.regions if region != run.run.failed_region)
    found = client(run, "s3", other).get_object(Bucket=levers.bucket.format(region=other), Key=levers.key)
    return {region for region, value in json.load(found["Body"]).items() if value == "out"}
