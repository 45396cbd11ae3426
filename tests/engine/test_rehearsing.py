"""A rehearsal says what it would do, waits for nothing, and excuses only what stands on a step that it did not do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drcore.calls.gate import Call
from drcore.engine import loop
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, Target, never, unknown
from drcore.errors import Missing, StepFailed, Unknown
from drcore.parameters import Mode
from drcore.record.events import Kind
from drcore.run.runbook import Runbook
from tests.support.engine_world import (
    REGIONS,
    Opened,
    Seen,
    Things,
    events,
    mend,
    outcomes,
)
from tests.support.manual_clock import ManualClock


def test_a_rehearsal_should_say_what_it_would_do_and_do_nothing(opened: Opened) -> None:
    things = Things({"us-east-1": "bad", "us-west-2": "good"})
    step = mend(things, consent=Consent.TYPED)
    run = opened(step, mode=Mode.REHEARSE)
    result = loop.run_step(run.run, step)
    assert outcomes(result) == [Outcome.WOULD, Outcome.ALREADY]
    assert result.targets[0].why == 'WOULD tiny:Write {"value": "good"} in us-east-1'
    assert result.targets[0].calls[0].parameters == {"value": "good"}
    assert things.acts == [] and events(run, "intent", "consent") == []


def test_a_rehearsal_should_name_the_act_of_what_needs_none_now(opened: Opened) -> None:
    things = Things({"us-east-1": "good", "us-west-2": "good"})
    run = opened(step := mend(things), mode=Mode.REHEARSE)
    result = loop.run_step(run.run, step)
    assert outcomes(result) == [Outcome.ALREADY, Outcome.ALREADY]
    assert [str(call) for target in result.targets for call in target.if_needed] == [
        'tiny:Write {"value": "good"} in us-east-1',
        'tiny:Write {"value": "good"} in us-west-2',
    ]
    told = run.run.history.lines(Kind.IF_NEEDED)
    assert [line["call"] for line in told] == [str(each.if_needed[0]) for each in result.targets]
    assert things.acts == []


@pytest.mark.parametrize("trouble", [IndexError(), Unknown("nothing was decided")], ids=["odd", "unknown"])
def test_an_act_that_cannot_be_prepared_yet_should_be_named_by_what_is_supposed(
    opened: Opened, trouble: Exception
) -> None:
    def act(run: Run[Any, Any], target: Target, seen: Seen) -> None:
        raise trouble

    def supposed(run: Run[Any, Any], target: Target, seen: Seen) -> Call:
        return Call("tiny", "Write", target.region, True, parameters={"value": "<value>"})

    things = Things({"us-east-1": "good", "us-west-2": "good"})
    step = mend(things, act=act)
    without = opened(step, mode=Mode.REHEARSE)
    without.preflight()
    without.step(step)
    without.verify()
    assert not any(target.named for target in without.results[step.key].targets)
    assert without.verdict and "could not be named: Mend" in without.verdict.why
    without.close()

    with_it = loop.run_step(opened(named := replace(step, supposed=supposed), mode=Mode.REHEARSE).run, named)
    assert [str(each.if_needed[0]) for each in with_it.targets] == [
        'tiny:Write {"value": "<value>"} in us-east-1',
        'tiny:Write {"value": "<value>"} in us-west-2',
    ]


def test_what_is_empty_now_should_stand_by_its_name_in_what_would_be_called(opened: Opened) -> None:
    def act(run: Run[Any, Any], target: Target, seen: Seen) -> None:
        sent = {"id": "", "ids": [], "more": [{"text": "", "on": False}], "url": "http://here/things/"}
        run.calls.admit(Call("tiny", "Write", target.region, True, parameters=sent))

    things = Things({"us-east-1": "good", "us-west-2": "good"})
    result = loop.run_step(opened(step := mend(things, act=act), mode=Mode.REHEARSE).run, step)
    assert result.targets[0].if_needed[0].parameters == {
        "id": "<id>",
        "ids": "<ids>",
        "more": [{"text": "<text>", "on": False}],
        "url": "http://here/things/<id>",
    }


def test_a_rehearsal_should_not_wait(opened: Opened) -> None:
    things = Things()
    clock = ManualClock()
    step = mend(things, act=None, hold=300)
    result = loop.run_step(opened(step, mode=Mode.REHEARSE, clock=clock).run, step)
    assert result.outcome is Outcome.FAILED and clock.slept == 0


def test_an_act_that_writes_nothing_should_be_found_in_a_rehearsal(opened: Opened) -> None:
    things = Things()
    step = mend(things, act=lambda run, target, seen: None)
    result = loop.run_step(opened(step, mode=Mode.REHEARSE).run, step)
    assert result.outcome is Outcome.FAILED and "no write that could be rehearsed" in result.why


def test_an_act_that_cannot_be_prepared_should_be_unknown_in_a_rehearsal(opened: Opened) -> None:
    def act(run: Runbook, target: Target, seen: Seen) -> None:
        raise Unknown("the manifest cannot be read")

    things = Things()
    result = loop.run_step(opened(step := mend(things, act=act), mode=Mode.REHEARSE).run, step)
    assert result.outcome is Outcome.UNKNOWN and "manifest" in result.why


@pytest.mark.parametrize(
    "changes",
    [
        {"act": None},
        {"expect": lambda run, target, seen: never("there is no restored table")},
        {"expect": lambda run, target, seen: unknown("there is no restored table")},
        {"answers": [Missing("there is no restored table", "ResourceNotFound")] * 2},
        {"answers": [Unknown("there is no restored table")] * 2, "act": None},
    ],
)
def test_what_stands_on_a_rehearsed_step_should_say_so_and_be_no_failure(
    opened: Opened, changes: dict[str, Any]
) -> None:
    table = Things()
    restore = mend(table, "Restore")
    things = Things(answers=changes.get("answers", []))
    others = {name: value for name, value in changes.items() if name != "answers"}
    swap = mend(things, "Swap", needs=(restore.name,), **others)
    check = mend(Things(), "Check", needs=(swap.name,), act=None)
    run = opened(restore, swap, check, mode=Mode.REHEARSE)
    for step in (restore, swap, check):
        run.step(step)
    assert [run.results[step.key].outcome for step in (restore, swap, check)] == [
        Outcome.WOULD,
        Outcome.SKIPPED,
        Outcome.SKIPPED,
    ]
    assert "after Restore, which was not done in this rehearsal" in run.results["swap"].why
    assert "after Swap, which was not done in this rehearsal" in run.results["check"].why


def test_a_real_failure_in_a_rehearsal_should_stay_one(opened: Opened) -> None:
    ready = mend(Things(dict.fromkeys(REGIONS, "good")), "Ready")
    check = mend(Things(), "Check", needs=(ready.name,), act=None)
    run = opened(ready, check, mode=Mode.REHEARSE)
    run.step(ready)
    with pytest.raises(StepFailed, match="Check is FAILED"):
        run.step(check)
