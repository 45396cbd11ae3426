"""A run that has called nobody, and looks at states made by hand: of what can be told, of what cannot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcore.engine.context import Run
from drcore.engine.outcome import Answer, Check, Outcome, State, StepName, StepResult, Target, TargetResult
from drcore.engine.prepare import prepare
from drcore.engine.step import Plan
from drcore.parameters import Mode, put_in_world
from drcore.record.events import Kind
from drcore.record.redact import Redactor
from tests.support.manual_clock import START, ManualClock

EAST, WEST = Target("us-east-1"), Target("us-west-2")
NINE = START


@dataclass(frozen=True)
class Look:
    """What a step expects, asked of two states that differ in one thing: in `untold` it cannot be told.

    `why` is a part of the reason that is given; `moments` are those of the incident that have been. `there` is where
    the second state is, if not where the first one is.
    """

    expect: Callable[[Any, Target, Any], Check | None]
    known: State
    untold: State
    why: str
    at: Target = WEST
    there: Target | None = None
    moments: tuple[str, ...] = ()


@contextmanager
def lone_run(plan: Plan[Any], folder: Path, **incident: object) -> Iterator[Run[Any, Any]]:
    """A drill of a plan with the facts of the sandbox's parameter files; there is no sandbox."""
    setting = prepare(plan, "sandbox", Mode.DRILL, incident, seed=1)
    facts = plan.facts.model_validate_json(put_in_world(json.dumps(setting.facts), setting.service, None))
    given = plan.incident.model_validate_json(json.dumps(setting.incident))
    redact = Redactor(facts=setting.public)
    run = Run(plan.id, setting, facts, given, folder, redact=redact, clock=ManualClock())
    try:
        yield run
    finally:
        run.record.close()


def saw(run: Run[Any, Any], step: StepName, state: State) -> None:
    """As if the run had carried out a step that found this."""
    result = TargetResult(Target(), Outcome.DONE, "", state)
    run.results[step.key] = StepResult(step, (result,), NINE, NINE)


def decided(run: Run[Any, Any], step: StepName, choice: str) -> None:
    """As if a person had decided this."""
    run.record.append(Kind.DECISION, step=step, choice=choice)


def must_not_be_told(run: Run[Any, Any], look: Look) -> None:
    """What cannot be told is UNKNOWN, with the reason; the same state without that is not."""
    run.moments = dict.fromkeys(look.moments, NINE)
    known, untold = look.expect(run, look.at, look.known), look.expect(run, look.there or look.at, look.untold)
    assert known is None or known.answer is not Answer.UNKNOWN, known.why
    assert untold
    assert untold.answer is Answer.UNKNOWN, untold.why
    assert look.why in untold.why
