"""Noticing that something is wrong: the first step of a plan, in the form that every plan has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from drcore.engine.context import Run
from drcore.engine.outcome import Between, Check, StepName, StepResult, Target
from drcore.engine.permissions import Permission
from drcore.engine.step import Patience, Settles, Step
from drcore.record.evidence import Exhibit


class DetectionFacts(Protocol):
    """What the facts of such a plan hold: how long a drill waits until its fault shows."""

    @property
    def detection_minutes(self) -> float: ...


F = TypeVar("F", bound=DetectionFacts)
S = TypeVar("S")


class Alarmed(Protocol):
    """What the state of such a step tells of its alarms."""

    @property
    def alarm_since(self) -> datetime | None: ...


def since_its_alarm(result: StepResult) -> datetime | None:
    """When the first target in trouble was known to be: since its alarm went on, else since it was seen.

    For `at` of a step whose states are `Alarmed`.
    """
    states: list[tuple[Alarmed | None, datetime | None]] = [(each.after, each.since) for each in result.targets]
    known = [(seen.alarm_since or since) for seen, since in states if seen and since]
    return min(known, default=None)


def detect(
    name: StepName,
    *,
    changes: str,
    look: Callable[[Run[F], Target], S],
    expect: Callable[[Run[F], Target, S], Check],
    targets: Callable[[Run[F]], Iterable[Target]],
    every: float,
    shows: Callable[[Run[F], Mapping[Target, S]], Iterable[Exhibit]],
    at: Callable[[StepResult], datetime | Between | None] = lambda result: result.settled,
    permissions: tuple[Permission, ...] = (),
) -> Step[F, S]:
    """One target in trouble is enough. A drill waits for it, an incident is what it is; no trouble ends no plan."""
    return Step(
        name,
        changes=changes,
        look=look,
        expect=expect,
        targets=targets,
        gate=False,
        one_is_enough=True,
        patience=Patience(
            within=lambda run: (60 * run.facts.detection_minutes + run.metrics.delay_s) * ("fault" in run.moments),
            every=every,
        ),
        shows=shows,
        settles=Settles("detected", at=at),
        permissions=permissions,
    )
