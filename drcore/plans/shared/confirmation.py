"""After the proof by numbers a person confirms that the fault is gone. Nobody there: the verdict says *not confirmed*.

A step that plans share; no recovery waits for it, and users are told in any case by what was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drcore.engine.consent import Consent
from drcore.engine.context import F, Run
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepName, StepResult, Target, no, yes
from drcore.engine.step import Patience, Reversibility, Step, Unanswered
from drcore.plans.shared.decision import taken

NOT_CONFIRMED = "not confirmed by a person"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What was measured; who has confirmed that the fault is gone, how they know (empty: nobody yet)."""

    measured: str = field(compare=False)
    choice: str = field(default="", metadata=label("confirmed"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False, metadata=label("how it is known"))


def confirm_gone(
    name: StepName, *, measured: Callable[[Run[F]], str], check: str, needs: tuple[StepName, ...]
) -> Step[F, Confirmed]:
    """Ask whoever is there to look for themselves, and to say that the fault is gone.

    `measured` is what the plan has seen of it; empty: there was no fault. `check` says what a person looks at.
    """

    def look(run: Run[F], target: Target) -> Confirmed:
        return Confirmed(measured(run), *taken(run, name))

    def expect(run: Run[F], target: Target, seen: Confirmed) -> Check:
        if seen.choice:
            return yes(f"confirmed by {seen.by}: {seen.reason}")
        return no(f"{NOT_CONFIRMED} yet: {check}") if seen.measured else yes("there was no fault")

    def act(run: Run[F], target: Target, seen: Confirmed) -> None:
        run.decide(name, "the fault is gone")

    return Step(
        name,
        only_tells=True,
        changes=f"records who has confirmed that the fault is gone, and how they know: {check}",
        look=look,
        expect=expect,
        act=act,
        needs=needs,
        consent=Consent.TYPED,
        phrase=lambda run, states: "THE FAULT IS GONE",
        reversibility=Reversibility.COMPENSABLE,
        patience=Patience(within=0),
        unanswered=Unanswered(),
        remark=_remark,
    )


def _remark(run: Run[F], result: StepResult) -> str:
    seen: Confirmed | None = next(iter(result.states.values()), None)
    if not seen or not seen.measured:
        return ""
    return f"that the fault is gone is confirmed by {seen.by}: {seen.reason}" if seen.choice else NOT_CONFIRMED
