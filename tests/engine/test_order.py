"""What lets an act through: consent, the preflight, the lock, the steps that it needs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drcore.engine import loop
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome
from drcore.errors import Refused, Rejected, StepFailed
from drcore.parameters import Mode
from drcore.record.events import Kind
from drcore.record.proof import verify
from drcore.sandbox.endpoints.in_process import InProcess
from tests.support.engine_world import (
    EAST,
    Opened,
    Things,
    events,
    mend,
    open_run,
    outcomes,
)
from tests.support.lock_holders import put
from tests.support.manual_clock import ManualClock


def test_without_consent_nothing_should_be_done(opened: Opened) -> None:
    things = Things()
    step = mend(things, consent=Consent.TYPED)
    run = opened(step, drill_policy=None)
    with pytest.raises(Refused, match=r"there is no keyboard(.|\n)*drcore resume t-1 --approvals"):
        run.step(step)
    assert things.acts == [] and events(run, "intent") == []
    assert run.run.history.last(Kind.CONSENT, step=step) is not None
    assert verify(run.folder).holds


def test_consent_should_be_asked_once_for_what_is_left_as_it_is_now(opened: Opened) -> None:
    asked: list[str] = []

    def person(prompt: str) -> str:
        asked.append(prompt)
        clock.thought = 40
        return "MEND bad in us-west-2" if len(asked) == 1 else "because"

    clock = ManualClock()
    things = Things({"us-east-1": "good", "us-west-2": "bad"})
    step = mend(
        things,
        consent=Consent.TYPED,
        phrase=lambda run, states: "MEND " + ", ".join(f"{seen.value} {target}" for target, seen in states.items()),
    )
    run = opened(step, drill_policy=None, keyboard=person, clock=clock)
    result = loop.run_step(run.run, step)
    assert outcomes(result) == [Outcome.ALREADY, Outcome.DONE]
    assert len(asked) == 2 and result.seconds.human == 40 and result.seconds.machine == 0


def test_an_act_should_need_the_preflight(opened: Opened) -> None:
    things = Things()
    step = mend(things)
    run = opened(step, preflight=False)
    with pytest.raises(Refused, match="preflight has not been passed"):
        run.step(step)
    assert things.acts == [] and events(run, "intent") == []


def test_a_lock_that_somebody_else_has_taken_should_stop_the_next_act(opened: Opened, door: InProcess) -> None:
    things = Things()
    step = mend(things)
    run = opened(step)

    def steal(_: Run[Any, Any]) -> None:
        put(partial(door.world.client, "s3"), run.run.service, run.plan.id, "t-2", "bob")

    things.before_act = steal
    with pytest.raises(Refused, match="somebody else has taken over"):
        run.step(step)
    assert things.acts == [("us-east-1", "good")], "the second region is not touched any more"


def test_a_second_run_of_a_plan_should_be_refused_while_the_first_is_at_work(
    opened: Opened, door: InProcess, tmp_path: Path
) -> None:
    step = mend(Things())
    run = opened(step)
    other = open_run(tmp_path / "t-2", run.plan, mode=Mode.DRILL, door=door)
    with pytest.raises(Refused, match=r"held by .* for run t-1 (.|\n)*drcore resume t-1"):
        other.preflight()
    run.close()
    other.preflight()
    other.close()


def test_a_step_should_be_refused_before_what_it_needs(opened: Opened) -> None:
    first = mend(Things(), "First")
    then = mend(things := Things(), "Then", needs=(first.name,))
    run = opened(first, then)
    with pytest.raises(Refused, match="Then needs First"):
        run.step(then)
    run.step(then, despite="First was done by hand")
    assert len(things.acts) == 2
    despite = [line["despite"] for line in run.record.events if line["event"] == "step"]
    assert despite == ["First was done by hand"]


def test_where_one_lever_of_several_fails_the_next_one_is_tried_and_what_needs_it_is_not(opened: Opened) -> None:
    refused = Things(troubles=[Rejected("not now", "AccessDenied")] * 9)
    first = mend(refused, "First", targets=lambda run: [EAST], goes_on=True, within=0)
    second = mend(others := Things(), "Second", targets=lambda run: [EAST])
    proof = mend(unproved := Things(), "Proof", needs=(first.name, second.name))
    run = opened(first, second, proof)
    run.step(first)
    run.step(second)
    assert len(others.acts) == 1
    with pytest.raises(StepFailed, match=r"Proof was not begun: First is FAILED: .*not now"):
        run.step(proof)
    assert unproved.acts == []
    assert run.run.history.last(Kind.REFUSED) is None, "something was changed: that is no refusal"
    run.step(proof, despite="it was done by hand")
    assert unproved.acts != []
