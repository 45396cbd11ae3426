"""What goes wrong with any call, at each act of each plan: done once all the same, or shown as failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.outcome import Outcome, Target
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Verdict, Word
from drcore.errors import Exit, StepFailed
from drcore.launcher.result import result_from_journal
from drcore.record.events import Event
from drcore.run.runbook import Runbook
from tests.support.effects import Effect
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import (
    GOOD,
    PLANS,
    SHORT,
    Scene,
    Stage,
    carry_out,
    each_plan,
    ended,
    lines,
    proven,
    scenes_of,
    staged,
    targets,
)

ACTS = [(plan, step) for plan in PLANS for step in plan.steps if step.act]
each_act = pytest.mark.parametrize(("plan", "step"), ACTS, ids=[f"{plan.id}-{step.key}" for plan, step in ACTS])

UNNOTICED: dict[str, tuple[str, dict[str, object]]] = {
    "the answer is lost": ("lost-response", {}),
    "no answer comes in time": ("latency", {"seconds": 10}),
    "the connection breaks before": ("dropped-connection", {"count": 1}),
    "it is throttled twice": ("throttling", {"count": 2}),
}
LOST = ("the answer is lost", "no answer comes in time")
OLD = "what is read is old"
DENIED = "it is denied"
BORNE = (*UNNOTICED, OLD)  # after which an act is done all the same
IN_TURN = "each act in another trouble"
# The same number of batches of a repair, however long a trouble takes; and less of the past to be lived again.
FEWER = {"g": {"share": "0.025", "minutes": "4"}}


@dataclass(frozen=True)
class Act:
    """What a step does where nothing goes wrong with its calls: in the drill of which scene, by which calls.

    `regions` are those of the calls for each target.
    """

    scene: Scene
    effects: tuple[Effect, ...]
    regions: Mapping[Target, frozenset[str]]

    @property
    def operations(self) -> list[dict[str, str]]:
        """Service and operation of each kind of call, as the sandbox's faults name them; most acts make one kind."""
        names = [each.split(":") for each in sorted({each.call for each in self.effects})]
        return [{"service": service, "operation": operation} for service, operation in names]

    @property
    def first(self) -> Target:
        return next(iter(self.regions))

    @property
    def denied(self) -> frozenset[str]:
        """The regions of the calls for the first target's region: as a rule that one, and no other."""
        own = (called for target, called in self.regions.items() if target.region == self.first.region)
        return frozenset().union(*own)


@dataclass(frozen=True)
class Met:
    """How it went with a step whose calls met some trouble, and how when it was carried out again after a failure."""

    outcome: Outcome
    why: str
    targets: dict[Target, Outcome]
    effects: tuple[Effect, ...]
    unanswered: frozenset[str]
    refusal: str
    verdict: Verdict | None
    exit: int
    then: Outcome


class Troubled:
    """Drills in which each act of a plan meets some trouble: one a trouble and scene, for all the plan's acts.

    As a rule each act meets but one of those that it bears, all in one drill; each meets all of them in `make proof`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._acts: dict[str, dict[str, Act]] = {}
        self._met: dict[tuple[str, str], dict[str, Met]] = {}

    def act(self, plan: Plan[Any], step: Step[Any, Any]) -> Act:
        """A step's act, from the scene in which it makes most kinds of calls. Skips the test of one without effect."""
        act = self._known(plan)[step.title]
        if not act.effects:
            pytest.skip("this act changes nothing where all is well: it is written down, or is to be refused")
        return act

    def first(self, plan: Plan[Any]) -> tuple[Step[Any, Any], Act]:
        """The first act of a plan that changes something, and is not one lever of several."""
        known = self._known(plan)
        return next(
            (step, known[step.title])
            for step in plan.steps
            if step.title in known and known[step.title].effects and not step.goes_on
        )

    def borne(self, plan: Plan[Any], step: Step[Any, Any]) -> Iterator[tuple[str, Met]]:
        """What became of a step's act in each of the troubles that it is to bear."""
        if EXHAUSTIVE:
            yield from ((trouble, self.met(plan, step, trouble)) for trouble in BORNE)
        else:
            yield self.in_turn(plan)[step.title], self.met(plan, step, IN_TURN)

    def in_turn(self, plan: Plan[Any]) -> dict[str, str]:
        """Which trouble each act meets where each meets but one."""
        acting = (title for title, act in self._known(plan).items() if act.effects)
        return dict(zip(acting, cycle(BORNE), strict=False))

    def met(self, plan: Plan[Any], step: Step[Any, Any], trouble: str) -> Met:
        """What became of a step's act in trouble."""
        scene = self.act(plan, step).scene
        if (scene.name, trouble) not in self._met:
            self._met[scene.name, trouble] = self._drill(scene, trouble)
        return self._met[scene.name, trouble][step.title]

    def _known(self, plan: Plan[Any]) -> dict[str, Act]:
        if plan.id not in self._acts:
            self._acts[plan.id] = self._alone(plan)
        return self._acts[plan.id]

    def _alone(self, plan: Plan[Any]) -> dict[str, Act]:
        acts: dict[str, Act] = {}
        first, *others = scenes_of(plan)
        for scene in (first, *reversed(others)):  # those that differ most, until every act is known
            if all(step.title in acts for step in plan.steps if step.act):
                break
            with self._staged(scene, "none") as (stage, run):
                for step in plan.steps:
                    before, told = len(stage.effects), len(run.record.events)
                    run.step(step)
                    if run.results[step.key].outcome is Outcome.DONE and step.act:
                        act = Act(scene, tuple(stage.effects[before:]), _regions(run.record.events[told:]))
                        known = acts.get(step.title)
                        if known is None or len(known.operations) < len(act.operations):
                            acts[step.title] = act
        return acts

    def _drill(self, scene: Scene, trouble: str) -> dict[str, Met]:
        """A drill of a scene, with the trouble put on before each act that is looked at in it, and taken off after."""
        acts = {title: act for title, act in self._acts[scene.plan.id].items() if act.scene == scene and act.effects}
        troubles = self.in_turn(scene.plan) if trouble == IN_TURN else dict.fromkeys(acts, trouble)
        met: dict[str, Met] = {}
        with self._staged(scene, trouble) as (stage, run):
            for step in scene.plan.steps:
                if step.title in acts:
                    met[step.title] = _in_trouble(stage, run, step, acts[step.title], troubles[step.title])
                    if set(met) == set(acts):
                        break
                else:
                    run.step(step)
        return met

    @contextmanager
    def _staged(self, scene: Scene, trouble: str) -> Iterator[tuple[Stage, Runbook]]:
        """A run of a scene past its preflight. All have one id: a target that bears the run's name is the same."""
        folder = self._folder / f"{scene.name}, {trouble}"
        folder.mkdir()
        with staged(folder) as stage:
            run = stage.open(stage.prepare(scene, facts=SHORT, options=FEWER.get(scene.plan.id), run_id="troubled-1"))
            run.preflight()
            yield stage, run


def _regions(told: Sequence[Event]) -> dict[Target, frozenset[str]]:
    """The regions of the writes for each target, by what the journal tells of a step."""
    found: dict[Target, frozenset[str]] = {}
    target = Target()
    for line in told:
        if line["event"] == "intent":
            target = Target(line["region"], line["thing"])
        elif line["event"] == "call" and line["write"]:
            found[target] = found.get(target, frozenset()) | {line["region"]}
    return found


def _in_trouble(stage: Stage, run: Runbook, step: Step[Any, Any], act: Act, trouble: str) -> Met:
    until_now, told, refusal = len(stage.effects), len(run.record.events), ""
    name, options = UNNOTICED.get(trouble, (trouble, {}))
    match trouble:
        case "it is denied":
            name = "access-denied"
            deny(stage, act)
        case "what is read is old":
            name = "stale-read"
            for service in {each["service"] for each in act.operations}:
                stage.fault(name, service=service, seconds=12)
        case _:
            once = {"count": 1} if _may_be_done_twice(step, trouble) else {}
            for operation in act.operations:
                stage.fault(name, **operation, **(options | once))
    try:
        run.step(step)
    except StepFailed as error:
        refusal = str(error)
    stage.mend(name)
    result = run.results[step.key]
    if step.goes_on and result.outcome not in GOOD:
        refusal = result.why  # the plan goes on to the next lever
    written = [line for line in run.record.events[told:] if line["event"] == "call" and line["write"]]
    seen = (result.outcome, result.why, targets(run, step.title), tuple(stage.effects[until_now:]))
    verdict, code = None, 0
    if refusal:
        run.verify()
        verdict, code = run.verdict, _exit_if_closed(run)
        with suppress(StepFailed):
            run.step(step)
        if run.results[step.key].outcome is not Outcome.DONE and step.back_out:
            _on_the_way_again(run, step)
    then = run.results[step.key].outcome
    unanswered = frozenset(line["call"] for line in written if line["answer"] != "OK")
    return Met(*seen, unanswered, refusal, verdict, code, then)


def _may_be_done_twice(step: Step[Any, Any], trouble: str) -> bool:
    """A page cannot be looked for, and two are better than none: it is the one act that goes by its answer alone."""
    return step.key == "notify-on-call" and trouble in LOST


def deny(stage: Stage, act: Act) -> None:
    """Deny all kinds of calls of an act in a region."""
    for operation in act.operations:
        for region in act.denied:
            stage.fault("access-denied", **operation, region=region)


def _on_the_way_again(run: Runbook, step: Step[Any, Any]) -> None:
    """What a step that has backed out asks for: the way on which it lies is gone again from its first step."""
    for each in run.plan.steps[: run.plan.steps.index(step) + 1]:
        if each.back_out:
            run.step(each)


def _exit_if_closed(run: Runbook) -> int:
    """What the launcher would say if the run were left now."""
    return result_from_journal([*run.record.events, {"event": "closed"}], run.folder, run.run.setting, None).exit


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Troubled:
    return Troubled(tmp_path_factory.mktemp("records"))


def made(effects: tuple[Effect, ...]) -> Counter[tuple[str, str]]:
    return Counter((each.call, each.region) for each in effects)


@each_act
def test_an_act_is_done_and_not_twice_in_a_trouble_that_passes(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    act = troubled.act(plan, step)
    for trouble, met in troubled.borne(plan, step):
        assert met.outcome is Outcome.DONE, f"{trouble}: {met.why}"
        if _may_be_done_twice(step, trouble):
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


@each_act
def test_a_failed_act_is_no_success_to_whoever_started_the_run(
    troubled: Troubled, plan: Plan[Any], step: Step[Any, Any]
) -> None:
    troubled.act(plan, step)
    met = troubled.met(plan, step, DENIED)
    assert met.verdict and met.verdict.word is Word.MISSED
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

    assert [each.call for each in stage.effects] == ["s3:PutObject", "s3:DeleteObject"]
    assert lines(run, "closed")[-1]["lock"] == "given back"
    proven(run)
