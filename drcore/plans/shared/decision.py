"""A decision by a person: its consent is the act, the choice is recorded with its reason.

A plan says what is to be decided from what it sees. The state ends with what has been decided already, by `taken`:
so a run that is opened again finds it, and asks nobody twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from drcore.engine.consent import Consent
from drcore.engine.context import F, Run
from drcore.engine.outcome import Check, StepName, StepResult, Target, never, yes
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.record.events import Named
from drcore.record.evidence import Exhibit


class Decidable(Protocol):
    """What the state of such a step tells of the decision. An empty choice: none has been taken yet."""

    @property
    def choice(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def reason(self) -> str: ...


S = TypeVar("S", bound=Decidable)


def taken(run: Run[Any], step: Named) -> tuple[str, str, str]:
    """The last three fields of the state: what was decided, by whom, why; before a restart too."""
    decided = run.decided(step)
    return decided.choice, decided.by, decided.reason


def decision(
    name: StepName,
    *,
    changes: str,
    look: Callable[[Run[F], Target], S],
    expect: Callable[[Run[F], Target, S], Check],
    choice: Callable[[Run[F], S], str],
    phrase: Callable[[Run[F], Mapping[Target, S]], str],
    needs: tuple[StepName, ...],
    forbidden: Callable[[Run[F], S], str] = lambda run, seen: "",
    failed_region: Callable[[S], str] = lambda seen: "",
    shows: Callable[[Run[F], Mapping[Target, S]], Iterable[Exhibit]] | None = None,
    moment: str = "",
    lost: Callable[[Run[F], StepResult], float | None] | None = None,
) -> Step[F, S]:
    """Record who decided what, and why. The phrase that is typed names what follows from it.

    - `expect` answers while nothing is decided: no (it is to be decided), yes (there is nothing to decide), or never.
    - `choice` is what is recorded, `failed_region` the region that it says has failed.
    - `forbidden` says why it must not be so, whatever has been decided; empty: it may.
    """

    def is_decided(run: Run[F], target: Target, seen: S) -> Check:
        why_not = forbidden(run, seen)
        if why_not:
            return never(why_not)
        return yes(f"{seen.choice}, by {seen.by}: {seen.reason}") if seen.choice else expect(run, target, seen)

    def decide(run: Run[F], target: Target, seen: S) -> None:
        run.decide(name, choice(run, seen), failed_region=failed_region(seen))

    return Step(
        name,
        changes=changes,
        look=look,
        expect=is_decided,
        act=decide,
        needs=needs,
        consent=Consent.TYPED,
        phrase=phrase,
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=10),
        shows=shows,
        settles=Settles(moment, lost=lost),
    )
