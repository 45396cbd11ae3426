"""Drills in which each act of a plan meets some trouble, and what became of it: for tests over all plans."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.outcome import Outcome, Target
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Verdict
from drcore.errors import StepFailed
from drcore.launcher.result import result_from_journal
from drcore.record.events import Event
from drcore.run.runbook import Runbook
from tests.support import models
from tests.support.effects import Effect
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import (
    GOOD,
    PLANS,
    SHORT,
    Scene,
    Stage,
    scenes_of,
    staged,
    targets,
)

ACTS = [(plan, step) for plan in PLANS for step in plan.steps if step.act]
each_act = pytest.mark.parametrize(("plan", "step"), ACTS, ids=[f"{plan.id}-{step.key}" for plan, step in ACTS])
# What only tells stops no plan: tests/plans/family/test_only_tells.py.
NEEDED = [(plan, step) for plan, step in ACTS if not step.only_tells]
each_needed_act = pytest.mark.parametrize(
    ("plan", "step"), NEEDED, ids=[f"{plan.id}-{step.key}" for plan, step in NEEDED]
)

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
BUSY = "it is busy, refusal "  # with the number of the refusal, of those that there are for the operation
BUSY_IN_TURN = "it is busy, each act by another refusal"
# What AWS answers with besides what the models declare: to each operation; to some.
THROTTLED = ("ThrottlingException", "Rate exceeded")
UNDECLARED = {
    "dynamodb:TransactWriteItems": [("TransactionCanceledException", "specific reasons [TransactionConflict]")],
    "dynamodb:UpdateContinuousBackups": [
        ("ContinuousBackupsUnavailableException", "Backups are being enabled for the table. Please retry later")
    ],
    "dynamodb:UpdateTimeToLive": [
        ("ValidationException", "Time to live has been modified multiple times within a fixed interval")
    ],
    "s3:DeleteObject": [("OperationAborted", "A conflicting conditional operation is currently in progress")],
    "s3:PutObject": [
        ("ConditionalRequestConflict", "A conflicting operation occurred during the upload"),
        ("OperationAborted", "A conflicting conditional operation is currently in progress"),
    ],
}
# What vendors answer with, whatever is asked.
OF_VENDORS = {
    "statuspage": [("TooManyRequests", "Rate limit exceeded")],
    "googleplay": [
        ("ABORTED", "A change was made to the application outside of this Edit, please create a new edit."),
        ("RESOURCE_EXHAUSTED", "Quota exceeded"),
    ],
    "llm": [("TooManyRequests", "Rate limit exceeded")],
    "appstoreconnect": [("RATE_LIMIT_EXCEEDED", "We've received too many requests for this API.")],
}
# Acts that no drill to the goal comes to: two things would have to fall together, or a region stays away.
BY_CHANCE = {
    "stop-what-deploys-again": "nothing enters here once the way in is closed; the act is that of the stop before it",
    "regions-in-reach": "no region is away: tests/plans/e/test_primary_region_down.py",
    "take-the-app-off-sale": "only where a person names territories: tests/plans/c/test_plan.py",
    "put-the-app-back-on-sale": "the same",
    "promote-the-replicas": "no region is away: tests/plans/e/test_primary_region_down.py",
}
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
    refusals: frozenset[str] = frozenset()  # the calls that were refused for now, each with its code


def refusals_of(operation: Mapping[str, str]) -> list[tuple[str, str]]:
    """By which codes an operation may be refused for now, and what AWS says with each."""
    service, name = operation["service"], operation["operation"]
    if service in OF_VENDORS:
        return OF_VENDORS[service]
    declared = [(code, "Another operation is in progress") for code in models.passing(service, name)]
    throttled = [] if THROTTLED[0] in dict(declared) else [THROTTLED]
    special = UNDECLARED.get(f"{service}:{name}", [])
    return [*special, *(each for each in declared if each[0] not in dict(special)), *throttled]


class Troubled:
    """Drills in which each act of a plan meets some trouble: one a trouble and scene, for all the plan's acts.

    As a rule each act meets but one of those that it bears, all in one drill; each meets all of them in `make proof`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._acts: dict[str, dict[str, Act]] = {}
        self._met: dict[tuple[str, str], dict[str, Met]] = {}
        self._verdicts: dict[tuple[str, str], Verdict] = {}

    def act(self, plan: Plan[Any], step: Step[Any, Any]) -> Act:
        """A step's act, from the scene in which it makes most kinds of calls. Skips the test of one without effect."""
        if step.key in BY_CHANCE and step.title not in self._known(plan):
            pytest.skip(BY_CHANCE[step.key])
        act = self._known(plan)[step.title]
        if not act.effects:
            pytest.skip("this act changes nothing where all is well: it is written down, or is to be refused")
        return act

    def first(self, plan: Plan[Any], *, needed: bool = True) -> tuple[Step[Any, Any], Act]:
        """The first act of a plan that changes something; `needed`: that nothing goes on without, by no lock's call."""
        known = self._known(plan)
        return next(
            (step, known[step.title])
            for step in plan.steps
            if step.title in known and known[step.title].effects and not step.goes_on
            if not needed
            or (not step.only_tells and all(each["service"] != "s3" for each in known[step.title].operations))
        )

    def borne(self, plan: Plan[Any], step: Step[Any, Any]) -> Iterator[tuple[str, Met]]:
        """What became of a step's act in each of the troubles that it is to bear."""
        if EXHAUSTIVE:
            yield from ((trouble, self.met(plan, step, trouble)) for trouble in BORNE)
        else:
            yield self.in_turn(plan)[step.title], self.met(plan, step, IN_TURN)

    def busy(self, plan: Plan[Any], step: Step[Any, Any]) -> Iterator[tuple[str, Met]]:
        """What became of a step's act that was refused for now: by one of the codes that there are, or by each."""
        act = self.act(plan, step)
        if EXHAUSTIVE:
            troubles = [f"{BUSY}{number}" for number in range(max(len(refusals_of(each)) for each in act.operations))]
        else:
            troubles = [BUSY_IN_TURN]
        yield from ((trouble, self.met(plan, step, trouble)) for trouble in troubles)

    def verdict(self, plan: Plan[Any], step: Step[Any, Any], trouble: str) -> Verdict | None:
        """How the drill ended in which a step's act was refused for now; None where it was not carried on to its end.

        That is done in a plan's first scene, where most of its acts are.
        """
        self.met(plan, step, trouble)
        return self._verdicts.get((self.act(plan, step).scene.name, trouble))

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
        wanted = {step.title for step in plan.steps if step.act and step.key not in BY_CHANCE}
        first, *others = scenes_of(plan)
        for scene in (first, *reversed(others)):  # those that differ most, until every act is known
            if wanted <= acts.keys():
                break
            with self._staged(scene, "none") as (stage, run):
                for step in plan.steps:
                    if scene != first and wanted <= acts.keys():
                        break
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
        troubles = dict.fromkeys(acts, trouble)
        if trouble == IN_TURN:
            troubles = self.in_turn(scene.plan)
        elif trouble == BUSY_IN_TURN:
            troubles = {title: f"{BUSY}{number}" for number, title in enumerate(acts)}
        met: dict[str, Met] = {}
        to_its_end = trouble.startswith("it is busy") and (EXHAUSTIVE or scene == scenes_of(scene.plan)[0])
        with self._staged(scene, trouble) as (stage, run):
            for step in scene.plan.steps:
                if step.title in acts:
                    met[step.title] = _in_trouble(stage, run, step, acts[step.title], troubles[step.title])
                    if set(met) == set(acts) and not to_its_end:
                        return met
                else:
                    run.step(step)
            run.verify()
            assert run.verdict
            self._verdicts[scene.name, trouble] = run.verdict
        return met

    @contextmanager
    def _staged(self, scene: Scene, trouble: str) -> Iterator[tuple[Stage, Runbook]]:
        """A run of a scene past its preflight. All have one id: a target that bears the run's name is the same."""
        folder = self._folder / f"{scene.name}, {trouble}"
        folder.mkdir()
        with staged(folder) as stage:
            setting = stage.prepare(scene, facts=SHORT, options=FEWER.get(scene.plan.id), run_id="troubled-1")
            run = stage.open(setting, plan=_one_by_one(scene.plan))
            run.preflight()
            yield stage, run


def _one_by_one(plan: Plan[Any]) -> Plan[Any]:
    """The plan with each act in its own step's turn, so that a trouble meets the act of one step.

    What meets acts that are begun together stands in tests/plans/g/test_begun_together.py.
    """
    return replace(plan, steps=tuple(replace(step, begins=()) if step.begins else step for step in plan.steps))


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
    name = put_on(stage, step, act.operations, act.denied, trouble)
    try:
        run.step(step)
    except StepFailed as error:
        refusal = str(error)
    stage.mend(name)
    result = run.results[step.key]
    if (step.goes_on or step.only_tells) and result.outcome not in GOOD:
        refusal = result.why  # the plan goes on to the next lever, or without the word
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
    unanswered = frozenset(named(line) for line in written if line["answer"] != "OK")
    refusals = frozenset(f"{line['call']} {line['answer']}" for line in written if line["answer"] != "OK")
    return Met(*seen, unanswered, refusal, verdict, code, then, refusals)


def put_on(
    stage: Stage, step: Step[Any, Any], operations: Sequence[dict[str, str]], regions: frozenset[str], trouble: str
) -> str:
    """Have these calls of a step's act meet a trouble; denied they are in these regions. The sandbox's name of it."""
    name, options = UNNOTICED.get(trouble, (trouble, {}))
    match trouble:
        case "it is denied":
            name = "access-denied"
            _deny(stage, operations, regions)
        case "what is read is old":
            name = "stale-read"
            for service in {each["service"] for each in operations}:
                stage.fault(name, service=service, seconds=12)
        case _ if trouble.startswith(BUSY):
            name = "busy"
            for operation in operations:
                known = refusals_of(operation)
                refusal_code, message = known[int(trouble.removeprefix(BUSY)) % len(known)]
                stage.fault(name, **operation, code=refusal_code, message=message, count=1)
        case _:
            once = {"count": 1} if may_be_done_twice(step, trouble) else {}
            for operation in operations:
                stage.fault(name, **operation, **(options | once))
    return name


def named(call: Event) -> str:
    """Which kind of call this is: of one by HTTP the path, without what names one thing."""
    url = str(call["parameters"].get("url", "")) if call["call"].startswith("http:") else ""
    return " ".join([call["call"], re.sub(r"/[^/]*\d[^/]*(?=[/:?]|$)", "/…", url)]).strip()


def may_be_done_twice(step: Step[Any, Any], trouble: str) -> bool:
    """A page cannot be looked for, and two are better than none: it is the one act that goes by its answer alone."""
    return step.key == "notify-on-call" and trouble in LOST


def deny(stage: Stage, act: Act) -> None:
    """Deny all kinds of calls of an act in a region."""
    _deny(stage, act.operations, act.denied)


def _deny(stage: Stage, operations: Sequence[dict[str, str]], regions: frozenset[str]) -> None:
    for operation in operations:
        for region in regions:
            stage.fault("access-denied", **operation, region=region)


def _on_the_way_again(run: Runbook, step: Step[Any, Any]) -> None:
    """What a step that has backed out asks for: the way on which it lies is gone again from its first step."""
    for each in run.plan.steps[: run.plan.steps.index(step) + 1]:
        if each.back_out:
            run.step(each)


def _exit_if_closed(run: Runbook) -> int:
    """What the launcher would say if the run were left now."""
    return result_from_journal([*run.record.events, {"event": "closed"}], run.folder, run.run.setting, None).exit


def made(effects: tuple[Effect, ...]) -> Counter[tuple[str, str]]:
    return Counter((each.call, each.region) for each in effects)
