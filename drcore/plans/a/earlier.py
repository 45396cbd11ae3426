"""What this run has done before, also before a restart, by its journal."""

from __future__ import annotations

from typing import TypeVar

from drcore.engine.outcome import StepName
from drcore.engine.step import Step
from drcore.plans.a import titles
from drcore.plans.a.facts import ARun, Facts
from drcore.record.events import Kind

S = TypeVar("S")


def first_seen(run: ARun, step: Step[Facts, S]) -> S | None:
    """What the first look of a step saw that saw anything; None before it."""
    line = next((line for line in run.history.lines(Kind.LOOK, step=step) if line["state"]), None)
    return step.from_json(line["state"]) if line else None


def tried_before(run: ARun, step: StepName) -> bool:
    """Whether this run has begun the act of a step before the try that is under way: its answer may be lost."""
    act = run.history.act(step)
    return act is not None and act.tries > 1


def let_in_again(run: ARun) -> bool:
    """Whether this run has let the region in, and has neither undone it nor backed out since."""
    act = run.history.act(titles.LET_IN)
    return act is not None and all(line["n"] < act.last["n"] for line in run.history.lines(Kind.BACKED_OUT))
