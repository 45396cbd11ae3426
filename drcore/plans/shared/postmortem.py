"""The step that begins the postmortem: the draft of the run so far becomes evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.engine.context import F, Run
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepName, Target, yes
from drcore.engine.step import Patience, Step
from drcore.learn.postmortem import NAME, Sentence, Teller, written
from drcore.record.events import Kind, Named
from drcore.record.evidence import Document, Exhibit


@dataclass(frozen=True, slots=True)
class Draft:
    """How much of the postmortem the record fills in, and how much is left to people."""

    sentences: int = field(metadata=label("sentences with their sources"), compare=False)
    questions: int = field(metadata=label("questions that people must answer"))


Telling = Callable[[Run[F]], Iterable[Sentence]]


def postmortem(
    name: StepName, *, headline: str, summary: Telling[F], impact: Telling[F], needs: tuple[StepName, ...]
) -> Step[F, Draft]:
    """Write the draft `postmortem.md` into the record. It only reads the journal, and stops nobody.

    `headline` is its title. `summary` and `impact` are what a plan can tell beside the journal's own moments: each
    sentence names its source (`seen_in`). What is not known is left out, not guessed.
    """

    def look(run: Run[F], target: Target) -> Draft:
        text = written(told_by(run), headline, summary(run), impact(run))
        return Draft(text.count("[journal ") + text.count("[evidence/"), text.count("- [ ]"))

    def expect(run: Run[F], target: Target, seen: Draft) -> Check:
        return yes(f"{seen.sentences} sentences, each with its source; {seen.questions} questions are left to people")

    def shows(run: Run[F], states: Mapping[Target, Draft]) -> Iterator[Exhibit]:
        text = written(told_by(run), headline, summary(run), impact(run))
        yield Document(NAME, "Postmortem: a draft, which people complete", text)

    return Step(
        name,
        changes="nothing: what the record knows is written down, for people to go on with",
        look=look,
        expect=expect,
        needs=needs,
        gate=False,
        patience=Patience(within=0),
        shows=shows,
    )


def told_by(run: Run[Any]) -> Teller:
    """What a run tells a draft of itself."""
    return Teller(run.history, run.id, run.setting.fault["name"] if run.setting.fault else "")


def seen_in(
    run: Run[Any], step: Named, text: str, *, first: bool = False, target: Target | None = None
) -> Iterator[Sentence]:
    """A sentence about what a step has seen (of one target, where it is given), with its first or last look's line.

    None where it did not look.
    """
    lines = [line["n"] for line in run.history.lines(Kind.LOOK, step=step, target=target)]
    if lines:
        yield Sentence(text, lines[0 if first else -1])
