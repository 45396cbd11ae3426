"""Going back: what this run has done is undone, last first, each act verified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from drcore.engine import lock
from drcore.engine.context import Run
from drcore.engine.loop import run_step, undo_step
from drcore.engine.outcome import GOOD, Outcome, StepResult, Target, TargetResult
from drcore.engine.outcome_word import OutcomeWord
from drcore.engine.step import Plan, Reversibility, Step
from drcore.errors import DrcoreError, Unknown
from drcore.record.events import Kind
from drcore.record.redact import HIDDEN

_TRIES = 5  # to give the lock back


def give_lock_back(run: Run[Any, Any]) -> StepResult:
    """Whatever is in the way is tried again: a lock that stays refuses whoever is next."""
    for _ in range(_TRIES - 1):
        given_back = run_step(run, lock.GIVE)
        if given_back.outcome in GOOD:
            return given_back
        run.clock.sleep(lock.GIVE.patience.every)
    return run_step(run, lock.GIVE)


def acts(plan: Plan[Any], run: Run[Any, Any]) -> Iterator[tuple[Step[Any, Any], Target, Any]]:
    """What this run set out to do and has not undone, last first, each with what was there before."""
    for (key, _), act in reversed(run.history.standing().items()):
        if key in lock.KEYS:
            continue
        step = plan.step(key)
        yield step, Target(act.first["region"], act.first["thing"]), step.from_json(act.first["before"])


def as_they_stand(
    done: Iterable[tuple[Step[Any, Any], Target, Any]],
) -> list[tuple[Step[Any, Any], TargetResult]]:
    """What this run has done, before anything of it is undone."""
    return [
        (step, TargetResult(target, Outcome.DONE, "done by this run", own_word=OutcomeWord.STANDS))
        for step, target, _ in done
    ]


def still_out(done: Iterable[tuple[Step[Any, Any], Target, Any]]) -> Iterator[str]:
    """What of this run nothing takes back, in one clause: who was paged or told, what users were told."""
    lasting = [step for step, _, _ in done if not step.undo and step.reversibility is Reversibility.COMPENSABLE]
    out = [step.title for step in lasting if not step.unanswered]  # an answer of a person is no trace outside
    if out:
        yield f"out there still, as nothing takes it back: {', '.join(dict.fromkeys(reversed(out)))}"


def undo(run: Run[Any, Any], step: Step[Any, Any], target: Target, before: Any) -> TargetResult:
    """Undo one act. What could not be undone, or not be verified, is said in the result."""
    try:
        if HIDDEN in str(before):
            raise Unknown("what was there before holds a secret, which is not in the journal: undo it by hand")
        result = undo_step(run, step, target, before)
    except DrcoreError as error:
        result = TargetResult(target, Outcome.UNKNOWN, str(error), before)
    word = OutcomeWord.UNDONE if result.outcome in GOOD else OutcomeWord.NOT_UNDONE
    event = Kind.UNDONE if result.outcome in GOOD else Kind.UNDO_FAILED
    run.record.append(event, step=step, target=str(target), why=result.why)
    return replace(result, own_word=word)
