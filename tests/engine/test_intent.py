"""An intent is on disk before its act: a run that was killed goes on from it, and does nothing twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from drcore.engine import loop
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome
from drcore.engine.step import Step
from drcore.parameters import Mode
from drcore.record.events import read_events
from drcore.record.files import JOURNAL
from drcore.record.proof import verify
from drcore.sandbox.endpoints.in_process import InProcess
from tests.support.engine_world import (
    REGIONS,
    Opened,
    Things,
    events,
    mend,
    open_run,
    outcomes,
    plan_of,
)


def test_the_intent_should_be_on_disk_before_the_act(opened: Opened) -> None:
    read: list[dict[str, Any]] = []

    def look_at_the_journal(run: Run[Any, Any]) -> None:
        read.append(dict(read_events(run.folder)[-1]))

    things = Things(before_act=look_at_the_journal)
    step = mend(things)
    run = opened(step)
    run.step(step)
    assert [(line["event"], line["target"], line["before"]) for line in read] == [
        ("intent", "in us-east-1", {"value": "bad"}),
        ("intent", "in us-west-2", {"value": "bad"}),
    ]
    assert events(run, "intent", "result") == [
        *(("intent", "us-east-1"), ("result", "us-east-1")),
        *(("intent", "us-west-2"), ("result", "us-west-2")),
    ]


def test_the_intent_should_be_synced_before_the_act(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    sizes: list[tuple[int, int]] = []
    things = Things(before_act=lambda run: sizes.append((synced[-1], (run.folder / JOURNAL).stat().st_size)))
    step = mend(things)
    opened(step).step(step)
    assert len(sizes) == 2 and all(on_disk == written for on_disk, written in sizes)


def killed_in_the_act(folder: Path, door: InProcess, step: Step[Any, Any], things: Things, *, after: bool) -> None:
    """Leave a run as it is when its process is killed during the first act: what a kill leaves is the folder."""

    class Killed(BaseException):
        pass

    def die(run: Run[Any, Any]) -> None:
        if after:
            things.values["us-east-1"] = "good"
        raise Killed

    things.before_act = die
    run = open_run(folder, plan_of(step, id_=f"k{abs(hash(folder))}"), mode=Mode.DRILL, door=door)
    run.preflight()
    with pytest.raises(Killed):
        run.step(step)
    run.record._file.close()  # as the end of the process does
    things.before_act = lambda run: None


@pytest.mark.parametrize("after", [True, False])
def test_a_run_killed_between_intent_and_result_should_go_on_and_do_nothing_twice(
    tmp_path: Path, door: InProcess, after: bool
) -> None:
    things = Things()
    step = mend(things)
    folder = tmp_path / "t-1"
    killed_in_the_act(folder, door, step, things, after=after)
    assert [line["event"] for line in read_events(folder)][-1] == "intent"
    assert verify(folder).holds

    run = open_run(folder, plan_of(step, id_=f"k{abs(hash(folder))}"), mode=Mode.DRILL, door=door)
    run.preflight()
    run.step(step)
    assert outcomes(run.results["mend"]) == [Outcome.DONE, Outcome.DONE]
    acts = [] if after else [("us-east-1", "good")]
    assert things.acts == [*acts, ("us-west-2", "good")]
    run.close()
    assert verify(folder).holds


def test_what_was_so_before_the_kill_should_stay_already(tmp_path: Path, door: InProcess) -> None:
    """Only what this run set out to do counts as its own."""
    things = Things({"us-east-1": "bad", "us-west-2": "good"})
    step = mend(things)
    folder = tmp_path / "t-1"
    killed_in_the_act(folder, door, step, things, after=True)
    run = open_run(folder, plan_of(step, id_=f"k{abs(hash(folder))}"), mode=Mode.DRILL, door=door)
    run.preflight()
    assert outcomes(loop.run_step(run.run, step)) == [Outcome.DONE, Outcome.ALREADY]
    run.close()


def test_what_a_killed_run_did_should_be_undone_after_it_was_opened_again(tmp_path: Path, door: InProcess) -> None:
    things = Things()
    step = mend(things)
    folder = tmp_path / "t-1"
    killed_in_the_act(folder, door, step, things, after=True)
    plan = plan_of(step, id_=f"k{abs(hash(folder))}")
    run = open_run(folder, plan, mode=Mode.DRILL, door=door, keyboard=lambda prompt: "GO BACK t-1")
    run.preflight()
    run.go_back()
    assert things.values == dict.fromkeys(REGIONS, "bad") and things.acts == [("us-east-1", "bad")]
    run.close()
