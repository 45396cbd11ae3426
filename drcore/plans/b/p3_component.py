"""Plan B, the remedies of an endpoint whose model is an inference component: another model, or more copies.

UpdateEndpoint leaves such a model as it is; a component is updated by calls of its own, and tells nothing of what it
goes over to until it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drcore.calls.gate import Call
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Answer, Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import by_region
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.errors import Busy
from drcore.plans.b import resources, titles
from drcore.plans.b.decided_remedy import OF_THE_COMPONENT, decided, not_decided
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.services import sagemaker
from drcore.services.sagemaker import ModelComponent

_UNDER_WAY, _GONE = ("Creating", "Updating"), ("Deleting", "Failed")


@dataclass(frozen=True, slots=True)
class ComponentSeen:
    """The endpoint's inference component; None: it is not what is changed, and was not read."""

    component: ModelComponent | None = field(metadata=label(""))


def see_component(run: BRun, target: Target) -> ComponentSeen:
    if decided(run).remedy not in OF_THE_COMPONENT:
        return ComponentSeen(None)  # a lever that is not pulled need not be there
    return ComponentSeen(sagemaker.component(run.aws, target.region, run.facts.endpoint.component.name))


def _as_decided(run: BRun, target: Target, seen: ModelComponent) -> bool:
    """Whether it has the model, or runs the copies, that were decided."""
    way = decided(run)
    if way.remedy is AiRemedy.COPIES:
        return min(seen.copies, seen.running) >= way.copies
    return seen.model == way.models.get(target.region, "")


def component_goes_over(run: BRun, target: Target, seen: ComponentSeen) -> Check:
    way, known = decided(run), seen.component
    other = not_decided(run, way.remedy if way.remedy in OF_THE_COMPONENT else AiRemedy.COMPONENT)
    if other:
        return other
    if known is None:
        return unknown("the inference component was not read")
    if way.remedy is AiRemedy.COMPONENT and not way.models.get(target.region):
        return unknown(f"{target.region} could not be looked at when it was decided: no model was chosen for it")
    if known.status == "Updating" and run.intended(titles.COMPONENT, target):
        return yes(f"{_told(known)}, and goes over")
    still = stands_still(known)
    if still.answer is not Answer.YES:
        return still
    return yes(_told(known)) if _as_decided(run, target, known) else no(_told(known))


def stands_still(seen: ModelComponent) -> Check:
    """Whether a component takes a change, or has taken it: not while another one goes on."""
    if seen.status == "InService":
        return yes(_told(seen))
    if seen.status in _UNDER_WAY:
        return no(_told(seen))
    if seen.status in _GONE:
        return never(f"{_told(seen)}; create it anew")
    return unknown(f"{_told(seen)}: a status that this plan does not know")


def _told(seen: ModelComponent) -> str:
    why = f": {seen.failure}" if seen.failure else ""
    return f"{seen.name} is {seen.status} with {seen.model}, {seen.running} of {seen.copies} copies run{why}"


def component_has_settled(run: BRun, target: Target, seen: ModelComponent | None) -> Check:
    """InService alone proves nothing: an update that was turned ends so, too, as do copies that have no room."""
    if seen is None:
        return unknown("the inference component was not read")
    still = stands_still(seen)
    if still.answer is not Answer.YES or _as_decided(run, target, seen):
        return still
    return never(f"{_told(seen)}: the update was turned back, or has no room")


def change_component(run: BRun, target: Target, seen: ComponentSeen) -> None:
    way = decided(run)
    known = _still(seen)
    if way.remedy is AiRemedy.COPIES:
        sagemaker.set_copies(run.aws, target.region, known.name, way.copies)
    else:
        sagemaker.update_component(run.aws, target.region, known, way.models[target.region])


def change_component_back(run: BRun, target: Target, before: ComponentSeen) -> None:
    known, old = _still(see_component(run, target)), before.component
    assert old  # it was read before the act
    if known.copies != old.copies:
        sagemaker.set_copies(run.aws, target.region, known.name, old.copies)
    else:
        sagemaker.update_component(run.aws, target.region, known, old.model)


def _still(seen: ComponentSeen) -> ModelComponent:
    """SageMaker takes no change while another one goes on. Raises Busy."""
    known = seen.component
    assert known  # only what was read is acted on
    if known.status in _UNDER_WAY:
        raise Busy(f"{known.name} is {known.status}, and takes no other change until it ends", "Updating")
    return known


def name_change(run: BRun, target: Target, seen: ComponentSeen) -> Call:
    """The update before it was decided on."""
    fields = {
        "InferenceComponentName": run.facts.endpoint.component.name,
        "Specification": {"ModelName": "<model>"},
    }
    return Call("sagemaker", "UpdateInferenceComponent", target.region, True, parameters=fields)


def _changing(run: BRun, states: Mapping[Target, ComponentSeen]) -> str:
    def change(target: Target, seen: ComponentSeen) -> str:
        way, known = decided(run), seen.component
        if way.remedy is AiRemedy.COPIES:
            return f"{known.running if known else '?'}→{way.copies} copies"
        return f"{known.model if known else '?'}→{way.models.get(target.region)}"

    return f"CHANGE {run.facts.endpoint.component.name}: " + by_region(states, change)


COMPONENT = Step(
    titles.COMPONENT,
    changes="the inference component goes over to the model that was decided, by batches, or runs more copies",
    look=see_component,
    expect=component_goes_over,
    act=change_component,
    supposed=name_change,
    undo=change_component_back,
    targets=regions,
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=_changing,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=lambda run: 60 * run.facts.remedy_minutes, every=30),
    permissions=iam_actions(
        "sagemaker:UpdateInferenceComponent",
        "sagemaker:UpdateInferenceComponentRuntimeConfig",
        on=resources.component,
    ),
)


STEPS = (COMPONENT,)
