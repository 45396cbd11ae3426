"""What a plan's author may write: it type-checks, and mypy knows the facts and the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_type

from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, Target, yes
from drcore.engine.step import Patience, Step
from drcore.parameters import Model


class Facts(Model):
    """The facts of a plan."""

    workers: int
    hold_minutes: float


class Incident(Model):
    """What only the incident knows."""

    release: str


TRun = Run[Facts, Incident]


@dataclass(frozen=True, slots=True)
class Scaling:
    """What the step looks at."""

    tasks: int


def see_scaling(run: TRun, target: Target) -> Scaling:
    return Scaling(run.facts.workers)


def is_halted(run: TRun, target: Target, seen: Scaling) -> Check:
    return yes(f"{seen.tasks} of {run.facts.workers}, release {run.incident.release}")


def halt(run: TRun, target: Target, seen: Scaling) -> None:
    assert seen.tasks


STEP = Step(
    StepName("halt", "Halt", "T.1"),
    changes="nothing runs any more",
    look=see_scaling,
    expect=is_halted,
    act=halt,
    undo=halt,
    patience=Patience(within=lambda run: 60 * run.facts.hold_minutes, every=5),
)

assert_type(STEP, Step[Facts, Scaling])
