"""Noticing that something is wrong: the first step of a plan, in the form that every plan has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from drcore.engine.outcome import Check, State, StepResult, Target
from drcore.engine.step import Step
from drcore.record.evidence import Exhibit

if TYPE_CHECKING:
    from drcore.engine.context import Run

DETECTING = "Detect"


def detect(
    *,
    plan: str,
    changes: str,
    look: Callable[[Run, Target], State],
    expect: Callable[[Run, Target, State], Check],
    targets: Callable[[Run], Iterable[Target]],
    every: float,
    shows: Callable[[Run, Mapping[Target, State]], Iterable[Exhibit]],
    at: Callable[[StepResult], datetime | None] = lambda result: result.since,
) -> Step:
    """One target in trouble is enough. A drill waits for it, an incident is what it is; no trouble ends no plan."""
    return Step(
        title=DETECTING,
        plan=plan,
        changes=changes,
        look=look,
        expect=expect,
        targets=targets,
        gate=False,
        one_is_enough=True,
        within=lambda run: 60 * run.facts.detection_minutes if "fault" in run.moments else 0,
        every=every,
        shows=shows,
        moment="detected",
        at=at,
    )
