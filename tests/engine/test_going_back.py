"""Going back: what was there before comes back, the last act first, looked up like an act."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcore.engine import loop
from drcore.engine.outcome import Outcome, TargetResult
from drcore.errors import RollbackFailed, Unknown
from drcore.record.proof import verify
from tests.support.engine_world import (
    EAST,
    REGIONS,
    Opened,
    Seen,
    Things,
    events,
    mend,
)


def test_going_back_should_bring_back_what_was_there_last_first_and_look(opened: Opened, tmp_path: Path) -> None:
    def person(prompt: str) -> str:
        return "GO BACK t-1" if "GO BACK" in prompt else "because"

    first, then = Things({"us-east-1": "one", "us-west-2": "good"}), Things(dict.fromkeys(REGIONS, "two"))
    steps = mend(first, "First"), mend(then, "Then")
    run = opened(*steps, keyboard=person)
    for step in steps:
        run.step(step)
    run.go_back()
    assert first.values == {"us-east-1": "one", "us-west-2": "good"} and then.values == dict.fromkeys(REGIONS, "two")
    assert first.acts == [("us-east-1", "good"), ("us-east-1", "one")], "what was good already is left alone"
    undone = [(line["step"], line["target"]) for line in run.record.events if line["event"] == "undone"]
    assert undone == [("Then", "in us-west-2"), ("Then", "in us-east-1"), ("First", "in us-east-1")]
    run.go_back()
    assert len(then.acts) == 4, "nothing is undone twice"
    run.close()
    assert verify(run.folder).holds


def test_going_back_should_need_a_person_even_in_a_drill_whose_policy_approves_all(opened: Opened) -> None:
    things = Things()
    run = opened(step := mend(things))
    run.step(step)
    run.go_back()
    assert things.values == dict.fromkeys(REGIONS, "good") and events(run, "undo-intent") == []


def test_past_a_point_of_no_return_nothing_should_be_undone_and_that_is_said(opened: Opened) -> None:
    first, then, passed = Things(), Things(), ["users are here"]
    steps = mend(first, "First"), mend(then, "Then", no_return=lambda run: passed[0])
    run = opened(*steps, keyboard=lambda prompt: "GO BACK t-1")
    for step in steps:
        run.step(step)
    asked = events(run, "consent")
    run.go_back()
    assert first.values == then.values == dict.fromkeys(REGIONS, "good")
    assert events(run, "undo-intent") == [] and events(run, "consent") == asked
    assert [line["why"] for line in run.record.events if line["event"] == "no-way-back"] == passed
    passed[0] = ""
    run.go_back()
    assert first.values == then.values == dict.fromkeys(REGIONS, "bad"), "before it there is a way back"


def test_an_undo_that_does_not_bring_it_back_should_be_a_failed_rollback(opened: Opened) -> None:
    things = Things()
    step = mend(things, undo=lambda run, target, before: things.write(run, target, "worse"), targets=lambda run: [EAST])
    run = opened(step, keyboard=lambda prompt: "GO BACK t-1")
    run.step(step)
    with pytest.raises(RollbackFailed, match="not as it was before") as failed:
        run.go_back()
    assert failed.value.exit == 5
    assert events(run, "undo-failed") == [("undo-failed", "us-east-1")]


def test_an_undo_should_be_looked_up_and_verified_like_an_act(opened: Opened) -> None:
    things = Things()
    step = mend(things, targets=lambda run: [EAST])
    run = opened(step)
    loop.run_step(run.run, step)
    things.troubles, things.lost = [Unknown("lost")], True
    back = loop.undo_step(run.run, step, EAST, Seen("bad"))
    assert (back.outcome, back.after) == (Outcome.DONE, Seen("bad"))
    assert things.acts == [("us-east-1", "good"), ("us-east-1", "bad")]
    again = loop.undo_step(run.run, step, EAST, Seen("bad"))
    assert isinstance(again, TargetResult) and again.outcome is Outcome.ALREADY and len(things.acts) == 2
