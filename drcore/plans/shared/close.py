"""The last step of a plan: how everything is left, when the plan was drilled last, when the next drill is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from drcore.calls.gate import Waiver
from drcore.engine.context import F, Run
from drcore.engine.last_drill import drill_due_text, last_drill
from drcore.engine.outcome import EVERYWHERE, Check, StepName, StepResult, Target
from drcore.engine.step import Patience, Step
from drcore.parameters import Mode
from drcore.record.evidence import Exhibit


class Drilled(Protocol):
    """What the state of such a step tells of drills. None: there was none yet, the next one is due now."""

    @property
    def last_drill(self) -> datetime | None: ...
    @property
    def next_drill(self) -> datetime | None: ...


S = TypeVar("S", bound=Drilled)


def drills(run: Run[Any]) -> tuple[datetime | None, datetime | None]:
    """The last two fields of the state: when this plan was drilled last, when it is to be drilled next."""
    last, every = last_drill(run), run.service.exercised_every(run.plan, Mode.DRILL)
    return last, last + every if last and every else None


def close(
    name: StepName,
    *,
    changes: str,
    look: Callable[[Run[F], Target], S],
    expect: Callable[[Run[F], Target, S], Check],
    shows: Callable[[Run[F], Mapping[Target, S]], Iterable[Exhibit]],
    needs: tuple[StepName, ...],
    targets: Callable[[Run[Any]], Iterable[Target]] = lambda run: EVERYWHERE,
    within: float | Callable[[Run[F]], float] = 10,
    every: float = 10,
    waiver: Waiver | None = None,
    remark: Callable[[Run[F], StepResult], str] | None = None,
) -> Step[F, S]:
    """Look only, at what the plan leaves behind. Whatever is found, the drills are told beside it."""

    def is_closed(run: Run[F], target: Target, seen: S) -> Check:
        check = expect(run, target, seen)
        return replace(check, why=f"{check.why}; {drill_due_text(seen.last_drill, seen.next_drill, run.clock.now())}")

    return Step(
        name,
        changes=changes,
        look=look,
        expect=is_closed,
        targets=targets,
        needs=needs,
        patience=Patience(within=within, every=every),
        shows=shows,
        waiver=waiver,
        remark=remark,
    )
