"""What a run will ask, as far as that can be known before it gets there.

Who has no keyboard approves beforehand, and would else be refused once for each question. A step is looked at as it is
now: what it finds may be another thing when it is reached, and then its phrase is another one, which nobody approved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drcore.engine.consent import Choice, Consent, OpenQuestion
from drcore.engine.context import Run
from drcore.engine.looks import ODD
from drcore.engine.outcome import Answer
from drcore.engine.step import Plan, Step
from drcore.errors import DrcoreError


def foreseen(run: Run[Any, Any], plan: Plan[Any], after: str) -> Iterator[OpenQuestion]:
    """The questions of the steps after the one with this title that would be asked as things stand. Reads only."""
    titles = [step.title for step in plan.steps]
    for step in plan.steps[titles.index(after) + 1 :] if after in titles else ():
        made = len(run.calls.made)
        question = _question(run, step) if step.act and step.consent is not Consent.NONE else None
        del run.calls.made[made:]  # they are no part of the step that was refused
        if question:
            yield question


def _question(run: Run[Any, Any], step: Step[Any, Any]) -> OpenQuestion | None:
    """What a step would ask now; None where it asks nothing, or where that cannot be known yet."""
    try:
        with run.calls.under(step.waiver):
            seen = {target: step.look(run, target) for target in step.targets(run)}
            states = {each: at for each, at in seen.items() if step.expect(run, each, at).answer is Answer.NO}
            if not states:
                return None
            choices = tuple(step.choices(run, states)) if step.choices else ()
            return OpenQuestion(step.title, choices or (Choice("", step.asks(run, states)),))
    except (DrcoreError, *ODD):  # it is written for the moment at which it is reached, and lacks what comes before
        return None
