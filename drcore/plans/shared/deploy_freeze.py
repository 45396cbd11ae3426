"""Keeping new releases out: the way into the pipeline's deploy stage, closed at first, opened at last.

Steps that plans have in the same form; a plan's facts name the `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, Target, never, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import by_region
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.plans.shared.facts import Pipeline
from drcore.plans.shared.resources import deploying_stages
from drcore.services import codepipeline
from drcore.services.codepipeline import Transition


class PipelineFacts(Protocol):
    """What the facts of such a plan hold."""

    @property
    def pipeline(self) -> Pipeline: ...


F = TypeVar("F", bound=PipelineFacts)


def freeze(
    name: StepName,
    *,
    until: StepName,
    needs: tuple[StepName, ...],
    idle: Callable[[Run[F]], str] = lambda run: "",
    goes_on: bool = False,
) -> Step[Any, Transition]:
    """Close the way in, `until` another step. `idle` says in words why there is no need to, empty where there is.

    `goes_on` as of a step: whether a plan tries what comes next where this one fails.
    """

    def expect(run: Run[F], target: Target, seen: Transition) -> Check:
        if not seen.open:
            return yes(f"closed: {seen.reason}")
        if run.history.ended(name, until, target):
            return yes("this run had closed it, and has opened it again")
        why = idle(run)
        return yes(why) if why else no("deployments may enter")

    return Step(
        name,
        changes="nothing new can be deployed until it is unfrozen",
        look=see_transition,
        expect=expect,
        act=_close,
        undo=_open,
        targets=regions,
        needs=needs,
        goes_on=goes_on,
        consent=Consent.GO,
        phrase=lambda run, states: f"FREEZE {_pipeline(run, states)}",
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=30, every=5),
        permissions=iam_actions("codepipeline:DisableStageTransition", on=deploying_stages),
    )


def unfreeze(name: StepName, *, needs: tuple[StepName, ...]) -> Step[Any, Transition]:
    """Open the way in again, where this run had closed it."""
    return Step(
        name,
        changes="deployments may enter again",
        look=see_transition,
        expect=is_unfrozen,
        act=_open,
        undo=_close,
        targets=regions,
        needs=needs,
        consent=Consent.GO,
        phrase=lambda run, states: f"UNFREEZE {_pipeline(run, states)}",
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=30, every=5),
        permissions=iam_actions("codepipeline:EnableStageTransition", on=deploying_stages),
    )


def see_transition(run: Run[F], target: Target) -> Transition:
    return codepipeline.transition(run.aws, target.region, run.facts.pipeline.name, run.facts.pipeline.stage)


def is_unfrozen(run: Run[F], target: Target, seen: Transition) -> Check:
    if seen.open:
        return yes("deployments may enter")
    if run.id not in seen.reason:
        return yes(f"closed by somebody else, and left so: {seen.reason}")
    if seen.waiting:
        return never(
            f"execution {seen.waiting} waits to enter, and would deploy at once. Stop it first: aws codepipeline "
            f"stop-pipeline-execution --pipeline-name {run.facts.pipeline.name} --pipeline-execution-id {seen.waiting} "
            f"--abandon --region {target.region}"
        )
    return no("closed by this run")


def _close(run: Run[F], target: Target, seen: Transition) -> None:
    pipeline = run.facts.pipeline
    codepipeline.close(run.aws, target.region, pipeline.name, pipeline.stage, f"drcore {run.id}")


def _open(run: Run[F], target: Target, seen: Transition) -> None:
    codepipeline.open_(run.aws, target.region, run.facts.pipeline.name, run.facts.pipeline.stage)


def _pipeline(run: Run[F], states: Mapping[Target, Transition]) -> str:
    pipeline = run.facts.pipeline
    return f"{pipeline.name} {by_region(states, lambda target, seen: pipeline.stage)}"
