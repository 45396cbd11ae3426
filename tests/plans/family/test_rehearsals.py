"""A rehearsal reads everything, shows every act with its exact call, and writes nothing: for every plan and fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.gate import Call
from drcore.engine.outcome import Outcome
from drcore.engine.verdict import Word
from drcore.errors import Exit
from drcore.parameters import Mode
from drcore.record.events import Kind, read_events
from drcore.run.runbook import Runbook
from tests.support.drills import Drills
from tests.support.effects import Effect
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.looks_in_silence import BY_THE_RUN, EMPTY_IS_AN_ANSWER, believed
from tests.support.stage import (
    PLANS,
    SAMPLED,
    Scene,
    Stage,
    carry_out,
    client,
    each_sampled_scene,
    ended,
    lines,
    proven,
    staged,
)

A_TOKEN = re.compile(r'(?<=Token": ")[^"]+')  # made of what is asked for, times too, or of the run's id
# Of what an earlier act will have made.
A_REVISION = re.compile(r', "ExpectedRevisionId": "[^"]+"|, "LatestDeploymentNumber": \d+')
AN_EDIT = re.compile(r"(?<=/edits/)\d+")  # of Google Play: another one each time
A_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
QUIET = tuple(Scene(plan, "", "quiet") for plan in PLANS)
WORLDS = (*QUIET, *SAMPLED)
FIRST = tuple(Scene(plan, plan.faults[0]) for plan in PLANS if plan.id in BY_THE_RUN)
BROKEN = tuple(Scene(plan, plan.faults[0]) for plan in PLANS)
each_world = pytest.mark.parametrize("scene", WORLDS, ids=[scene.name for scene in WORLDS])


@dataclass(frozen=True)
class Rehearsed:
    """A rehearsal, with the world before it and after it."""

    run: Runbook
    before: Any
    after: Any
    effects: list[Effect]
    believed: tuple[set[str], set[str]]


Rehearsals = Callable[[Scene], Rehearsed]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsals:
    """Rehearsals, each carried out once for all tests of this file."""
    known: dict[str, Rehearsed] = {}

    def of(scene: Scene) -> Rehearsed:
        if scene.name not in known:
            with staged(tmp_path_factory.mktemp("records")) as stage:
                known[scene.name] = _rehearse(scene, stage)
        return known[scene.name]

    return of


def _rehearse(scene: Scene, stage: Stage) -> Rehearsed:
    setting = stage.prepare(scene, Mode.REHEARSE)
    before = stage.state()
    run = stage.open(setting)
    assert carry_out(run, until=scene.plan.steps[-1]) is None
    run.verify()
    run.go_back()
    after = stage.state()
    said = believed(stage, run) if scene in FIRST else (set[str](), set[str]())
    since = stage.state()  # to look in vain takes time, in which the world goes on by itself
    run.close()
    assert stage.state() == since
    effects = list(stage.effects)
    proven(run)
    return Rehearsed(run, before, after, effects, said)


@each_world
def test_a_rehearsal_can_be_carried_out_to_its_end_and_changes_nothing(rehearsed: Rehearsals, scene: Scene) -> None:
    seen = rehearsed(scene)
    run = seen.run
    assert seen.after == seen.before
    assert seen.effects == []
    assert run.verdict and run.verdict.word is Word.COULD_RUN
    assert ended(run).exit == Exit.REACHED
    assert list(run.results) == [step.key for step in scene.plan.steps]
    assert not [line for event in ("intent", "consent", "decision") for line in lines(run, event)]


@pytest.mark.parametrize("scene", BROKEN if EXHAUSTIVE else BROKEN[:1], ids=lambda scene: str(scene.name))
def test_what_is_refused_behind_the_first_act_is_excused_by_nothing(
    rehearsed: Rehearsals, scene: Scene, tmp_path: Path
) -> None:
    """What an act would have made may be missing; what the role may not read it may not read in earnest either."""
    behind = _read_behind_the_first_act(rehearsed(scene).run)
    if not behind:
        pytest.skip(
            "all that is read behind the first act is read before it too, or nothing is to be done in this scene"
        )
    for number, call in enumerate(behind if EXHAUSTIVE else behind[-1:]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with staged(folder) as stage:
            setting = stage.prepare(scene, Mode.REHEARSE)
            stage.fault("access-denied", service=call.service, operation=call.operation)
            run = stage.open(setting)
            carry_out(run)
            refusal = f"{call.service}:{call.operation} was refused"
            assert run.verdict and run.verdict.word is Word.COULD_NOT_RUN, refusal
            assert refusal in run.verdict.why


def _read_behind_the_first_act(run: Runbook) -> list[Call]:
    """Of each operation of AWS that nothing but steps behind the first act has read by, one call; in their order."""
    results = list(run.results.values())
    first = next((n for n, result in enumerate(results) if result.outcome is Outcome.WOULD), len(results))
    begun = takewhile(lambda line: line["event"] != Kind.STEP, read_events(run.folder))
    before = {line["call"] for line in begun if line["event"] == Kind.CALL}
    before |= {f"{call.service}:{call.operation}" for result in results[: first + 1] for call in result.calls}
    reads = [call for result in results[first + 1 :] for call in result.calls if not call.write]
    behind = {f"{call.service}:{call.operation}": call for call in reads if call.service != "http"}
    return [call for name, call in behind.items() if name not in before]


@each_world
def test_each_act_is_shown_with_its_exact_call_or_says_what_it_waits_for(rehearsed: Rehearsals, scene: Scene) -> None:
    run = rehearsed(scene).run
    for result in run.results.values():
        for each in result.targets:
            assert each.outcome in (Outcome.ALREADY, Outcome.SKIPPED, Outcome.WOULD), f"{result.name.title}: {each.why}"
            if each.outcome is Outcome.WOULD:
                assert each.calls and each.calls[0].write
                assert each.why == f"WOULD {each.calls[0]}"
            elif each.outcome is Outcome.SKIPPED and not each.why.startswith("after "):
                assert not scene.plan.step(result.name.key).gate, (
                    f"{result.name.title} is no question, and was skipped: {each.why}"
                )
            elif each.outcome is Outcome.SKIPPED:
                assert result.after_rehearsed, f"{result.name.title}: {each.why}"


@pytest.mark.parametrize("scene", QUIET, ids=[scene.name for scene in QUIET])
def test_each_step_that_acts_is_named_also_where_nothing_is_to_be_done_now(rehearsed: Rehearsals, scene: Scene) -> None:
    """What is not known yet stands as `<name>`; what is empty now is not shown as if it were meant so."""
    run = rehearsed(scene).run
    named = {step.key: run.results[step.key] for step in scene.plan.steps if step.act}
    for result in named.values():
        calls = [call for target in result.targets for call in target.named]
        assert calls, f"nothing says what {result.name.title} would call"
        assert all(call.write for call in calls)
        for each in result.targets:
            assert ': ""' not in "".join(map(str, each.if_needed)), result.name.title
    assert run.verdict and run.verdict.why == "every step could be read, and every act could be named"
    told = ended(run).as_data()["acts"]
    assert {act["id"] for act in told} == {*named}


@pytest.mark.parametrize("scene", FIRST, ids=[scene.name for scene in FIRST])
def test_no_look_believes_what_nobody_has_told_it(rehearsed: Rehearsals, scene: Scene) -> None:
    """Where a proxy answers, or nobody, or every list of AWS is empty."""
    in_silence, of_empty = rehearsed(scene).believed
    may = BY_THE_RUN[scene.plan.id]
    assert in_silence == may, "and the table says no more than that"
    assert of_empty <= may | EMPTY_IS_AN_ANSWER[scene.plan.id]


@each_sampled_scene
def test_the_goal_says_which_act_it_waits_for_where_one_is_only_rehearsed(rehearsed: Rehearsals, scene: Scene) -> None:
    run = rehearsed(scene).run
    goal = run.results[scene.plan.goal.key]
    first = goal.after_rehearsed
    if goal.outcome is not Outcome.ALREADY:
        assert first, "the goal is not reached, and yet nothing would be done"
        assert f"after {first}, which was not done in this rehearsal" in goal.why


@each_sampled_scene
def test_a_drill_makes_the_very_calls_that_the_rehearsal_has_shown(
    rehearsed: Rehearsals, drilled: Drills, scene: Scene
) -> None:
    """But for what has become needless until the drill comes to it, as when DNS has moved meanwhile."""
    seen, drill = rehearsed(scene), drilled(scene).run
    for title, result in seen.run.results.items():
        then = drill.results[title]
        made = [comparable(drill, call) for call in then.calls if call.write]
        needless = {plain(drill, each.target) for each in then.targets if each.outcome is Outcome.ALREADY}
        for each in result.targets:
            for call in () if plain(seen.run, each.target) in needless else each.calls:
                assert comparable(seen.run, call) in made


def plain(run: Runbook, told: object) -> str:
    """A call or a target without the run's id, whole or without its mode."""
    return str(told).replace(run.run.id, "RUN").replace(run.run.id.split("-", 2)[-1], "RUN")


def comparable(run: Runbook, call: Call) -> str:
    """A call without what may differ: the run's id, the time, the rates in words that go on to be measured.

    The time of a recovery point too: it is told from an export, and a rehearsal makes none.
    """
    told = AN_EDIT.sub("EDIT", plain(run, call))
    text = A_REVISION.sub("", A_TOKEN.sub("TOKEN", A_TIME.sub("TIME", told)))
    message = call.parameters.get("Message", "")
    return text.replace(A_TIME.sub("TIME", plain(run, json.dumps(message))), "MESSAGE") if message else text


def test_a_reader_that_takes_messages_from_others_would_be_noticed(stage: Stage) -> None:
    """The state that is compared above counts no mere look at a queue, but it does count a message taken away."""
    run = stage.open(stage.prepare(PLANS[0], Mode.REHEARSE))
    region = run.run.service.runner_region
    sqs = client(run, "sqs", region)
    url = sqs.create_queue(QueueName="somebodys")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")

    before = stage.state()
    long_poll = {"QueueUrl": url, "WaitTimeSeconds": 1}  # a short one finds a message by chance only
    assert sqs.receive_message(**long_poll, VisibilityTimeout=0)["Messages"]
    assert stage.state() == before
    assert sqs.receive_message(**long_poll, VisibilityTimeout=30)["Messages"]
    assert stage.state() != before
