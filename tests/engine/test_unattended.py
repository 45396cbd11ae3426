"""An act that was begun, and whose process is gone, goes on by itself: it is not left to itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from drcore.engine.context import Run
from drcore.engine.outcome import Check, Outcome, Target, never, no, yes
from drcore.engine.standing import what_stands
from drcore.engine.step import Step
from drcore.errors import StepFailed, Unknown
from drcore.run.runbook import Runbook
from tests.support.engine_world import EAST, Opened, Seen, Things, events, mend


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Scene:
    """A run whose first step only looks, and whose second one was killed in its act: what it changes goes on."""

    run: Runbook
    watched: Things
    ramp: Things
    watch: Step[Any, Any]
    let_in: Step[Any, Any]

    @property
    def stands(self) -> list[str]:
        return [*what_stands((), self.run.run.history, self.run.plan.guarded)]


def ramped(run: Run[Any], target: Target, seen: Seen) -> Check:
    if seen.value == "ill":
        return never("it fails again")
    return yes("all have it") if seen.value == "all" else no(f"{seen.value} have it")


Resumed = Callable[..., Scene]


@pytest.fixture
def resumed(opened: Opened) -> Resumed:
    def open_(*, preflight: bool = True) -> Scene:
        watched, ramp = Things(), Things()
        watch = mend(watched, "Watch", act=None, undo=None, targets=lambda run: [EAST])
        let_in = mend(
            ramp,
            "Let in",
            expect=ramped,
            act=lambda run, target, seen: ramp.write(run, target, "some"),
            undo=None,
            back_out=lambda run, target, seen: ramp.write(run, target, "none"),
            targets=lambda run: [EAST],
        )

        def dies(run: Run[Any]) -> None:
            ramp.before_act = lambda run: None
            raise Killed

        watched.values[EAST.region], ramp.before_act = "good", dies
        first = opened(watch, let_in)
        first.step(watch)
        with pytest.raises(Killed):
            first.step(let_in)
        first.record.close()
        ramp.values[EAST.region], watched.values[EAST.region] = "some", "bad"
        return Scene(opened(watch, let_in, preflight=preflight), watched, ramp, watch, let_in)

    return open_


def test_it_should_be_backed_out_of_while_another_step_waits_as_soon_as_it_goes_wrong(resumed: Resumed) -> None:
    scene = resumed()
    scene.ramp.answers = ["some", "some", "ill"]
    scene.watched.answers = [*["bad"] * 6, "good"]
    scene.run.step(scene.watch)
    assert scene.ramp.values[EAST.region] == "none" and len(scene.ramp.acts) == 1
    assert scene.run.results["watch"].outcome is Outcome.DONE, "and the run goes on"
    assert events(scene.run, "back-out-intent", "backed-out") == [
        ("back-out-intent", "us-east-1"),
        ("backed-out", "us-east-1"),
    ]
    assert scene.stands == []


@pytest.mark.parametrize("by", ["the step that fails", "the verdict"])
def test_it_should_be_backed_out_of_before_the_run_ends_where_nobody_knows_what_becomes_of_it(
    resumed: Resumed, by: str
) -> None:
    scene = resumed()
    assert scene.stands == ["Let in was begun, and nobody has seen what becomes of it (in us-east-1)"]
    if by == "the verdict":
        scene.run.verify()
    else:
        with pytest.raises(StepFailed, match="it is bad"):
            scene.run.step(scene.watch)
    assert scene.ramp.values[EAST.region] == "none" and scene.stands == []


def test_what_nobody_can_see_should_be_backed_out_of_too(resumed: Resumed) -> None:
    scene = resumed()
    scene.ramp.answers = [Unknown("no answer")]
    scene.run.verify()
    assert scene.ramp.values[EAST.region] == "none" and scene.stands == []


def test_backing_out_that_failed_should_be_tried_again_and_stand_until_then(resumed: Resumed) -> None:
    scene = resumed()
    scene.ramp.troubles = [Unknown("no answer")]
    scene.run.verify()
    assert scene.ramp.values[EAST.region] == "some" and len(scene.stands) == 1
    assert scene.run.verdict and [*scene.run.verdict.stands] == scene.stands
    scene.run.verify()
    assert scene.ramp.values[EAST.region] == "none" and scene.stands == []


def test_what_has_come_to_hold_meanwhile_should_be_left_alone(resumed: Resumed) -> None:
    scene = resumed()
    scene.ramp.values[EAST.region] = "all"
    scene.run.verify()
    assert scene.ramp.values[EAST.region] == "all" and scene.ramp.acts == []


def test_nothing_should_be_changed_without_the_lock_but_it_should_be_said(resumed: Resumed) -> None:
    scene = resumed(preflight=False)
    scene.run.verify()
    assert scene.ramp.values[EAST.region] == "some" and scene.ramp.acts == []
    assert scene.run.verdict and len(scene.run.verdict.stands) == 1
