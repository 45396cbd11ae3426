"""What the loop does with an act that is refused for now: it tries again, for as long as the step is patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore.engine import loop
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, Target
from drcore.errors import Busy, Unknown
from drcore.run.runbook import Runbook
from tests.support.engine_world import REGIONS, Seen, Things, mend

EAST = Target(REGIONS[0])
Opened = Callable[..., Runbook]
BUSY = Busy("being updated", "ResourceInUseException")


@pytest.mark.parametrize(
    ("within", "fails", "outcome", "acts"),
    [(60, 1, "DONE", 2), (60, 12, "DONE", 13), (60, 99, "FAILED", 13), (0, 99, "FAILED", 3)],
    ids=["once", "for as long as the step is patient", "for longer", "a step that is not patient"],
)
def test_an_act_should_be_tried_in_patience_while_the_service_is_busy(
    opened: Opened, within: float, fails: int, outcome: str, acts: int
) -> None:
    things = Things(troubles=[BUSY] * fails)
    step = mend(things, targets=lambda run: [EAST], within=within)
    run = opened(step)
    result = loop.run_step(run.run, step)
    assert result.outcome is Outcome(outcome) and len(things.acts) == acts
    assert tries_of(run) == list(range(1, acts + 1)), "each has its own intent"
    assert result.seconds.cloud == 5 * (acts - 1), "no time is waited twice"
    if outcome == "FAILED":
        assert "being updated" in result.why and "then seen: it is bad" in result.why


def test_a_service_that_is_busy_should_not_use_up_the_tries_of_an_answer_that_is_lost(opened: Opened) -> None:
    things = Things(troubles=[BUSY, BUSY, Unknown("no answer"), BUSY, Unknown("no answer")])
    step = mend(things, targets=lambda run: [EAST])
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.DONE and len(things.acts) == 6


def test_what_is_done_while_the_service_says_busy_should_not_be_done_again(opened: Opened) -> None:
    things = Things(troubles=[BUSY], lost=True)
    step = mend(things, targets=lambda run: [EAST])
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.DONE and len(things.acts) == 1


def test_backing_out_should_be_tried_in_patience_while_the_service_is_busy(opened: Opened) -> None:
    things, refusals = Things(), [BUSY, BUSY]

    def back_out(run: Run[Any, Any], target: Target, seen: Seen) -> None:
        if refusals:
            raise refusals.pop()
        things.write(run, target, "safe")

    step = mend(
        things,
        targets=lambda run: [EAST],
        act=lambda run, target, seen: things.write(run, target, "worse"),
        back_out=back_out,
    )
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.FAILED and "backed out" in result.why
    assert things.values["us-east-1"] == "safe" and not refusals


def tries_of(run: Runbook) -> list[int]:
    return [line["try"] for line in run.record.events if line["event"] == "intent" and line["step"] == "Mend"]
