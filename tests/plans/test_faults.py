"""What goes wrong with any call, at each act of each plan: done once all the same, or shown as failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from drcore.errors import Exit, StepFailed
from drcore.run import Run
from drcore.steps import Outcome, Plan, Step
from drcore.verdict import Word
from tests.plans.stage import PLANS, SHORT, Effect, Stage, carry_out, ended, lines, proven, staged, targets

ACTS = [(plan, step) for plan in PLANS for step in plan.steps if step.act]
each_act = pytest.mark.parametrize(("plan", "step"), ACTS, ids=[f"{plan.id}-{step.id}" for plan, step in ACTS])

UNNOTICED = {
    "the answer is lost": ("lost-response", {}),
    "no answer comes in time": ("latency", {"seconds": 10}),
    "the connection breaks before": ("dropped-connection", {"count": 1}),
    "it is throttled twice": ("throttling", {"count": 2}),
}
each_trouble = pytest.mark.parametrize(("name", "options"), UNNOTICED.values(), ids=UNNOTICED)


@dataclass(frozen=True)
class Act:
    """What a step does where nothing goes wrong with its calls: in the drill of which fault, by which calls."""

    fault: str
    effects: tuple[Effect, ...]

    @property
    def operation(self) -> dict[str, str]:
        """Service and operation, as the sandbox's faults name them; each act makes one kind of call."""
        names = {each.call for each in self.effects}
        assert len(names) == 1, names
        service, operation = names.pop().split(":")
        return {"service": service, "operation": operation}


Acts = Callable[[Plan, Step], Act]


@pytest.fixture(scope="module")
def acts(tmp_path_factory: pytest.TempPathFactory) -> Acts:
    """The acts of each plan, each from the first fault that makes its step act."""
    # At once, as a world that is opened takes the place of the one before.
    known = {plan.id: found(plan, tmp_path_factory.mktemp("acts")) for plan in PLANS}

    def of(plan: Plan, step: Step) -> Act:
        act = known[plan.id][step.title]
        if not act.effects:
            pytest.skip("this act is written down, and calls nobody")
        return act

    return of


def found(plan: Plan, folder: Path) -> dict[str, Act]:
    acts: dict[str, Act] = {}
    for fault in reversed(plan.faults):
        with staged(folder) as stage:
            run = stage.open(stage.prepare(plan, fault=fault, facts=SHORT))
            run.preflight()
            for step in plan.steps:
                before = len(stage.effects)
                run.step(step)
                if run.results[step.title].outcome is Outcome.DONE and step.act:
                    acts.setdefault(step.title, Act(fault, tuple(stage.effects[before:])))
    return acts


def before(stage: Stage, plan: Plan, step: Step, act: Act) -> Run:
    """A drill that stands right before a step."""
    run = stage.open(stage.prepare(plan, fault=act.fault, facts=SHORT))
    run.preflight()
    for earlier in plan.steps[: plan.steps.index(step)]:
        run.step(earlier)
    return run


def made(effects: list[Effect] | tuple[Effect, ...]) -> Counter[tuple[str, str]]:
    return Counter((each.call, each.region) for each in effects)


@each_trouble
@each_act
def test_an_act_is_done_and_not_twice_when(
    stage: Stage, acts: Acts, plan: Plan, step: Step, name: str, options: dict[str, object]
) -> None:
    act = acts(plan, step)
    run = before(stage, plan, step, act)
    until_now = len(stage.effects)
    stage.fault(name, **act.operation, **options)

    run.step(step)

    assert run.results[step.title].outcome is Outcome.DONE, run.results[step.title].why
    assert made(stage.effects[until_now:]) == made(act.effects)
    answers = {line["answer"] for line in lines(run, "call") if line["write"]} - {"OK"}
    assert answers, "the fault was not met"


@each_act
def test_an_act_is_done_once_when_what_is_read_is_old(stage: Stage, acts: Acts, plan: Plan, step: Step) -> None:
    act = acts(plan, step)
    run = before(stage, plan, step, act)
    until_now = len(stage.effects)
    stage.fault("stale-read", service=act.operation["service"], seconds=12)

    run.step(step)

    assert run.results[step.title].outcome is Outcome.DONE, run.results[step.title].why
    assert made(stage.effects[until_now:]) == made(act.effects)


@each_act
def test_what_is_denied_in_one_region_fails_there_and_nowhere_else(
    stage: Stage, acts: Acts, plan: Plan, step: Step
) -> None:
    act = acts(plan, step)
    run = before(stage, plan, step, act)
    denied = act.effects[0].region
    stage.fault("access-denied", **act.operation, region=denied)

    with pytest.raises(StepFailed, match=r"denied|not authorized"):
        run.step(step)

    for target, outcome in targets(run, step.title).items():
        there = target.region in ("", denied)
        assert outcome in ((Outcome.FAILED,) if there else (Outcome.DONE, Outcome.ALREADY)), target
    assert run.results[step.title].outcome is Outcome.FAILED


@each_act
def test_a_failed_act_is_no_success_to_whoever_started_the_run(
    stage: Stage, acts: Acts, plan: Plan, step: Step
) -> None:
    act = acts(plan, step)
    run = stage.open(stage.prepare(plan, fault=act.fault, facts=SHORT))
    stage.fault("access-denied", **act.operation, region=act.effects[0].region)

    assert isinstance(carry_out(run), StepFailed)

    assert run.verdict and run.verdict.word is Word.MISSED
    assert f"{step.title} is FAILED" in run.verdict.why
    assert ended(run).exit == Exit.MISSED
    assert [line["what"] for line in lines(run, "finding") if line["check"] == "no"] in ([], ["permissions"])
    assert list(run.results)[-1] == step.title, "nothing is done after a failed step"
    proven(run)


# ── The lock ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@each_trouble
@pytest.mark.parametrize("operation", ["PutObject", "DeleteObject"])
def test_the_lock_is_taken_and_given_back_when(
    stage: Stage, operation: str, name: str, options: dict[str, object]
) -> None:
    run = stage.open(stage.prepare(PLANS[0]))
    stage.fault(name, service="s3", operation=operation, **options)

    run.preflight()
    run.close()

    assert [each.call for each in stage.effects] == ["s3:PutObject", "s3:DeleteObject"]
    assert lines(run, "closed")[-1]["lock"] == "given back"
    proven(run)
