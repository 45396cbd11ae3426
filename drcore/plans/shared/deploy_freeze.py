"""Keeping new releases out: the way into the pipeline's deploy stage, closed at first, opened at last.

Steps that plans have in the same form; a plan's facts name the `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import by_region
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.errors import Busy
from drcore.plans.shared.facts import Pipeline
from drcore.plans.shared.resources import deploying_stages
from drcore.services import codepipeline
from drcore.services.codepipeline import Transition


class PipelineFacts(Protocol):
    """What the facts of such a plan hold."""

    @property
    def pipeline(self) -> Pipeline: ...


F = TypeVar("F", bound=PipelineFacts)

# To do it, and to undo it.
_BOTH_WAYS = iam_actions(
    "codepipeline:DisableStageTransition", "codepipeline:EnableStageTransition", on=deploying_stages
)


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
        permissions=_BOTH_WAYS,
    )


def unfreeze(name: StepName, *, needs: tuple[StepName, ...], beware: str = "") -> Step[Any, Transition]:
    """Open the way in again, where this run had closed it. What waits at the door would deploy at once: it is stopped.

    `beware` ends the sentence: what whoever opens it must have seen to, as this step cannot see it.

    What comes to the door between the two is not let in: the step fails, and is carried out again.
    """
    return Step(
        name,
        changes=f"an execution that waits at the door is stopped, then deployments may enter again{beware}",
        look=see_transition,
        expect=is_unfrozen,
        act=_unfreeze,
        supposed=_name_unfreezing,
        undo=lambda run, target, before: None if target.thing else _close(run, target, before),
        targets=lambda run: [each for region in regions(run) for each in (_door(region), region)],
        depends_on=lambda run, target: () if target.thing else (_door(target),),
        needs=needs,
        consent=Consent.GO,
        phrase=_words_to_unfreeze,
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=30, every=5),
        permissions=(*_BOTH_WAYS, *iam_actions("codepipeline:StopPipelineExecution", on=deploying_stages)),
    )


def _door(target: Target) -> Target:
    return Target(target.region, "the door")


def see_transition(run: Run[F], target: Target) -> Transition:
    return codepipeline.transition(run.aws, target.region, run.facts.pipeline.name, run.facts.pipeline.stage)


def is_unfrozen(run: Run[F], target: Target, seen: Transition) -> Check:
    if seen.open:
        return yes("deployments may enter")
    if run.id not in seen.reason:
        return yes(f"closed by somebody else, and left so: {seen.reason}")
    if target.thing:
        text = f"execution {seen.waiting} waits to enter, and would deploy at once"
        return no(text) if seen.waiting else yes("nothing waits to enter")
    return no("closed by this run")


def _unfreeze(run: Run[F], target: Target, seen: Transition) -> None:
    pipeline = run.facts.pipeline
    if target.thing:
        codepipeline.stop(run.aws, target.region, pipeline.name, seen.waiting, f"drcore {run.id}")
        return
    waiting = see_transition(run, target).waiting
    if waiting and not run.rehearsing:  # it has come since: to open would let it in
        raise Busy(f"execution {waiting} waits to enter, and would deploy at once", "ExecutionWaits")
    _open(run, target, seen)


def _name_unfreezing(run: Run[F], target: Target, seen: Transition) -> None:
    _unfreeze(run, target, replace(seen, waiting=seen.waiting or "<execution that waits>"))


def _words_to_unfreeze(run: Run[F], states: Mapping[Target, Transition]) -> str:
    waiting = {target: seen.waiting for target, seen in states.items() if target.thing}
    stop = f"STOP {by_region(waiting, lambda target, execution: execution)} AND " if waiting else ""
    return f"{stop}UNFREEZE {_pipeline(run, {target: seen for target, seen in states.items() if not target.thing})}"


def _close(run: Run[F], target: Target, seen: Transition) -> None:
    pipeline = run.facts.pipeline
    codepipeline.close(run.aws, target.region, pipeline.name, pipeline.stage, f"drcore {run.id}")


def _open(run: Run[F], target: Target, seen: Transition) -> None:
    codepipeline.open_(run.aws, target.region, run.facts.pipeline.name, run.facts.pipeline.stage)


def _pipeline(run: Run[F], states: Mapping[Target, Transition]) -> str:
    pipeline = run.facts.pipeline
    return f"{pipeline.name} {by_region(states, lambda target, seen: pipeline.stage)}"
