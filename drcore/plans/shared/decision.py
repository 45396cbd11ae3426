"""A decision by a person: its consent is the act, the choice is recorded with its reason.

A plan says what is to be decided from what it sees: `decision` has one answer, `choices` has several, of which one is
typed. The state ends with what has been decided already, by `taken`: so a run that is opened again finds it, and asks
nobody twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from drcore.engine.consent import Choice, Consent
from drcore.engine.context import F, Run
from drcore.engine.outcome import Check, StepName, StepResult, Target, never, no, yes
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.record.events import Named
from drcore.record.evidence import Exhibit, Table


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
    supposed: Callable[[Run[F], Target, S], object] | None = None,
    begins: tuple[StepName, ...] = (),
) -> Step[F, S]:
    """Record who decided what, and why. The phrase that is typed names what follows from it.

    - `expect` answers while nothing is decided: no (it is to be decided), yes (there is nothing to decide), or never.
    - `choice` is what is recorded, `failed_region` the region that it says has failed.
    - `forbidden` says why it must not be so, whatever has been decided; empty: it may.
    - `begins`: the steps that need no consent of their own then, as of a step.
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
        supposed=supposed,
        needs=needs,
        begins=begins,
        consent=Consent.TYPED,
        phrase=phrase,
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=10),
        shows=shows,
        settles=Settles(moment, at=_when_decided, lost=lost),
    )


def _when_decided(result: StepResult) -> datetime | None:
    """Only where somebody has decided: that there is nothing to decide is no such moment."""
    states: Iterable[Decidable] = result.states.values()
    return result.since if any(seen.choice for seen in states) else None


def choices(
    name: StepName,
    *,
    changes: str,
    look: Callable[[Run[F], Target], S],
    answers: Callable[[Run[F], S], Sequence[Choice]],
    needs: tuple[StepName, ...],
    expect: Callable[[Run[F], Target, S], Check | None] = lambda run, target, seen: None,
    forbidden: Callable[[Run[F], S], str] = lambda run, seen: "",
    failed_region: Callable[[S], str] = lambda seen: "",
    shows: Callable[[Run[F], Mapping[Target, S]], Iterable[Exhibit]] | None = None,
    moment: str = "",
    lost: Callable[[Run[F], StepResult], float | None] | None = None,
) -> Step[F, S]:
    """Record which of several answers a person has typed, and why. They are shown beside each other with their numbers.

    - `answers` has the answers in the order in which they are shown. What a drill policy takes, and a rehearsal names,
      is the one that is recommended. Where none is, a policy takes none.
    - `expect` answers while nothing is decided, for what needs no question: yes (there is nothing to decide), never,
      unknown. None: it is to be decided.
    - All else is as in `decision`.
    """

    def is_to_be_decided(run: Run[F], target: Target, seen: S) -> Check:
        check = expect(run, target, seen)
        if check:
            return check
        offered = answers(run, seen)
        if all(each.barred for each in offered):
            return never("; ".join(f"{each.answer} cannot be taken: {each.barred}" for each in offered))
        advice = next((f"{each.answer} is recommended: {each.recommended}" for each in offered if each.recommended), "")
        return no("; ".join(filter(None, [" or ".join(each.answer for each in offered), advice])))

    def taken_or_recommended(run: Run[F], seen: S) -> str:
        given = run.history.answer(name)
        if given:
            return given
        return next((each.answer for each in answers(run, seen) if each.recommended), answers(run, seen)[0].answer)

    def offered(run: Run[F], states: Mapping[Target, S]) -> Sequence[Choice]:
        return answers(run, next(iter(states.values())))

    def shown(run: Run[F], states: Mapping[Target, S]) -> Iterator[Exhibit]:
        yield from shows(run, states) if shows else ()
        yield choices_table(name, offered(run, states))  # last: right above the question

    step = decision(
        name,
        changes=changes,
        look=look,
        expect=is_to_be_decided,
        choice=taken_or_recommended,
        phrase=lambda run, states: " or ".join(each.phrase for each in offered(run, states)),
        needs=needs,
        forbidden=forbidden,
        failed_region=failed_region,
        shows=shown,
        moment=moment,
        lost=lost,
        supposed=choice_not_known(name),
    )
    return replace(step, choices=offered)


def choice_not_known(name: StepName) -> Callable[[Run[Any], Target, Any], object]:
    """For `supposed` of a decision whose choice hangs on what is found."""
    return lambda run, target, seen: run.decide(name, "<choice>")


def choices_table(name: StepName, offered: Sequence[Choice]) -> Table:
    """Answers beside each other, a column an answer, a row a number."""
    names = dict.fromkeys(number for each in offered for number in each.numbers)
    rows = [(number, *(each.numbers.get(number) for each in offered)) for number in names]
    if any(each.barred for each in offered):
        rows.append(("cannot be taken now", *(each.barred for each in offered)))
    rows.append(("recommended", *("yes" if each.recommended else "" for each in offered)))
    best = next((each for each in offered if each.recommended), None)
    title = f"{name.title}: {best.answer} is recommended: {best.recommended}" if best else f"{name.title}: no advice"
    return Table(f"{name.key}-choices", title, ("", *(each.answer for each in offered)), tuple(rows))
