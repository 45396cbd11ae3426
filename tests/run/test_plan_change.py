"""A run goes on by the plan that it was begun with, or by one that differs only in what it has not reached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drcore.archive.reader import read
from drcore.engine.outcome import StepName, Target
from drcore.engine.step import Step
from drcore.errors import Refused
from drcore.parameters import Mode
from drcore.record.events import Kind, read_events
from drcore.record.files import JOURNAL
from drcore.run.host import lock
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints.in_process import InProcess
from tests.support.engine_world import Things, mend, open_run, plan_of

GO_BACK = ["GO BACK t-1", "it is a test"]


@pytest.fixture(scope="module")
def door() -> InProcess:
    return InProcess(seed=1)


@pytest.fixture
def runs(tmp_path: Path, door: InProcess) -> Iterator[Any]:
    opened: list[Runbook] = []

    def opening(*steps: Step[Any, Any]) -> Runbook:
        for before in opened:
            before.record.close()
        answers = iter(GO_BACK)
        run = open_run(
            tmp_path / "t-1",
            plan_of(*steps),
            mode=Mode.DRILL,
            door=door,
            keyboard=lambda prompt: next(answers, None),
        )
        opened.append(run)
        return run

    yield opening
    for run in opened:
        run.record.close()


def named(key: str, title: str) -> StepName:
    return StepName(key, title, "T.1")


def begun(runs: Any, things: Things, *more: Step[Any, Any]) -> Step[Any, Any]:
    """A run that has done its first step; nobody has gone on with it."""
    first = replace(mend(things), name=named("mend", "Mend"))
    run = runs(first, *more)
    run.preflight()
    run.step(first)
    return first


def test_a_title_that_was_changed_is_no_other_step(runs: Any) -> None:
    things = Things()
    first = begun(runs, things)
    run = runs(replace(first, name=named("mend", "Make it good")))
    run.preflight()
    run.go_back()
    assert things.values == dict.fromkeys(things.values, "bad")


def test_another_key_of_a_step_that_was_reached_is_refused_with_the_revision(runs: Any, tmp_path: Path) -> None:
    things = Things()
    first = begun(runs, things)
    with pytest.raises(Refused, match=r"steps that it has reached \(mend, repair\)\. Check out revision"):
        runs(replace(first, name=named("repair", "Mend")))
    assert read_events(tmp_path / "t-1")[-1]["event"] == Kind.REFUSED
    assert things.values == dict.fromkeys(things.values, "good")


@dataclass(frozen=True, slots=True)
class Other:
    """Another shape of what is seen."""

    size: int


def test_another_shape_of_a_state_that_was_kept_is_refused(runs: Any) -> None:
    first = begun(runs, Things())

    def look(run: Any, target: Target) -> Other:
        return Other(1)

    with pytest.raises(Refused, match="has changed since this run was begun"):
        runs(replace(first, look=look))


def test_a_change_of_what_was_not_reached_is_said_and_goes_on(runs: Any) -> None:
    things, later = Things(), Things()
    second = replace(mend(later, "Later"), name=named("later", "Later"))
    first = begun(runs, things, second)
    third = replace(second, name=named("another", "Another"))
    run = runs(first, third)
    run.preflight()
    run.step(first)
    run.step(third)
    assert later.values == dict.fromkeys(later.values, "good")
    assert len(things.acts) == len(things.values), "nothing is done twice"


def test_a_run_that_was_begun_before_keys_is_not_gone_on_with(runs: Any, tmp_path: Path) -> None:
    first = begun(runs, Things())
    journal = tmp_path / "t-1" / JOURNAL
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    old = [{name: value for name, value in line.items() if name not in ("key", "steps", "format")} for line in lines]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in old))
    with pytest.raises(Refused, match="begun before steps had keys"):
        runs(first)


def test_the_journal_of_a_run_should_say_what_it_stands_on(runs: Any, tmp_path: Path) -> None:
    begun(runs, Things())
    told = read(tmp_path / "t-1")
    assert told.host["lock"] == lock() != ""
    assert len(told.policy) == 16 and list(told.planned) == ["mend"]
