"""Plan B, the remedies: of all levers the one that was decided is pulled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.calls.gate import Call
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, not_needed, not_this_way, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import by_region
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.errors import Busy, Rejected, Unknown
from drcore.plans.b import causes, p3_component, p3_quota, resources, titles
from drcore.plans.b.causes import gateway
from drcore.plans.b.decided_remedy import OF_THE_COMPONENT, decided, not_decided
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.plans.b.p1_detect import core_suffers
from drcore.plans.b.p3_component import component_has_settled, see_component
from drcore.plans.shared.status_page import investigating
from drcore.services import llm_gateway, sagemaker, secretsmanager
from drcore.services.sagemaker import BROKEN, UNDER_WAY, EndpointKind, Guardrails, InferenceEndpoint, ModelComponent
from drcore.services.secretsmanager import SecretVersions


def _cannot_go_over(seen: InferenceEndpoint) -> Check | None:
    """Why an endpoint takes no change, for good; None where it takes one, now or when it has settled."""
    if seen.status in BROKEN:
        return never(f"the endpoint is {seen.status}: {seen.failure or 'no reason is given'}; create it anew")
    return None


def _must_be_still(seen: InferenceEndpoint) -> None:
    """SageMaker takes no change while another one goes on. Raises Busy."""
    if seen.status in UNDER_WAY:
        raise Busy(f"the endpoint {seen.name} is {seen.status}, and takes no other change until it ends", "Updating")


def _update_s(run: BRun) -> float:
    """Seconds that the endpoint may take to settle, with the time for which an old fleet is kept."""
    return 60 * (run.facts.remedy_minutes + run.facts.rollout.keep_minutes)


# ── Shift to the old variant ─────────────────────────────────────────────────────────────────────────────────────────


def see_endpoint(run: BRun, target: Target) -> InferenceEndpoint:
    return sagemaker.endpoint(run.aws, target.region, run.facts.endpoint.name)


def old_variant_serves(run: BRun, target: Target, seen: InferenceEndpoint) -> Check:
    other = not_decided(run, AiRemedy.WEIGHTS)
    if other:
        return other
    old = run.facts.endpoint.old_variant
    if old not in {each.name for each in seen.variants}:
        return never(f"the endpoint has no variant {old} in {target.region}: choose another remedy")
    broken = _cannot_go_over(seen)
    if broken:
        return broken
    if all((each.desired_weight > 0) is (each.name == old) for each in seen.variants):
        return yes(f"all traffic is to go to {old}, the endpoint is {seen.status}")
    shares = ", ".join(f"{each.name} {each.desired_weight:g}" for each in seen.variants)
    return no(f"{seen.status}, weights: {shares}")


def serves_alone(seen: InferenceEndpoint, variant: str) -> bool:
    """Whether one variant has all the weight, as it is and as it is to be."""
    return all(
        (each.weight > 0) is (each.name == variant) and each.weight == each.desired_weight for each in seen.variants
    )


def shift_weights(run: BRun, target: Target, seen: InferenceEndpoint) -> None:
    _must_be_still(seen)
    old = run.facts.endpoint.old_variant
    weights = {each.name: float(each.name == old) for each in seen.variants}
    sagemaker.set_weights(run.aws, target.region, seen.name, weights)


def shift_weights_back(run: BRun, target: Target, before: InferenceEndpoint) -> None:
    _must_be_still(see_endpoint(run, target))
    weights = {each.name: each.weight for each in before.variants}
    sagemaker.set_weights(run.aws, target.region, before.name, weights)


WEIGHTS = Step(
    titles.WEIGHTS,
    changes="the model before this one, which is kept up, gets all calls of the endpoint",
    look=see_endpoint,
    expect=old_variant_serves,
    act=shift_weights,
    undo=shift_weights_back,
    targets=regions,
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=lambda run, states: "SHIFT " + by_region(states, lambda target, seen: f"{seen.name} to the old variant"),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=_update_s, every=20),
    permissions=iam_actions("sagemaker:UpdateEndpointWeightsAndCapacities", on=resources.endpoint),
)


# ── Change the endpoint configuration ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GoingOver:
    """The endpoint, and where its models stand."""

    endpoint: InferenceEndpoint = field(metadata=label(""))
    kind: EndpointKind = field(metadata=label("models"))


def see_configuration(run: BRun, target: Target) -> GoingOver:
    endpoint = see_endpoint(run, target)
    return GoingOver(endpoint, sagemaker.configuration(run.aws, target.region, endpoint.config).kind)


def configuration_is_wanted(run: BRun, target: Target, seen: GoingOver) -> Check:
    other = not_decided(run, AiRemedy.CONFIGURATION)
    if other:
        return other
    wanted, endpoint = decided(run).configurations.get(target.region, ""), seen.endpoint
    if not wanted:
        return unknown(
            f"{target.region} could not be looked at when it was decided: no configuration was chosen for it"
        )
    if seen.kind is EndpointKind.COMPONENTS:
        return never(
            "its models are inference components, which UpdateEndpoint leaves as they are: decide on component"
        )
    if endpoint.serves(wanted):
        return yes(f"in service with {wanted}")
    if endpoint.status == "Updating" and endpoint.pending == wanted:
        return yes(f"{endpoint.config} goes over to {wanted}")
    broken = _cannot_go_over(endpoint)
    if broken:
        return broken
    return no(f"{endpoint.status} with {endpoint.config}, goes over to {endpoint.pending or 'nothing else'}")


def go_over(run: BRun, target: Target, seen: GoingOver) -> None:
    _must_be_still(seen.endpoint)
    wanted = decided(run).configurations[target.region]
    sagemaker.go_over(run.aws, target.region, seen.endpoint.name, wanted, _guardrails(run))


def go_back_over(run: BRun, target: Target, before: GoingOver) -> None:
    endpoint = before.endpoint
    _must_be_still(see_endpoint(run, target))
    sagemaker.go_over(run.aws, target.region, endpoint.name, endpoint.config, _guardrails(run))


def _guardrails(run: BRun) -> Guardrails:
    """A canary, an old fleet that is kept; no alarm.

    One that watches the endpoint rings for the fleet that is left, and would turn the update back to it.
    """
    rollout = run.facts.rollout
    return Guardrails(rollout.canary_percent, int(60 * rollout.wait_minutes), int(60 * rollout.keep_minutes))


CONFIGURATION = Step(
    titles.CONFIGURATION,
    changes="the endpoint goes over to the configuration that was decided, by a canary; numbers of instances stay",
    look=see_configuration,
    expect=configuration_is_wanted,
    act=go_over,
    supposed=lambda run, target, seen: sagemaker.go_over(
        run.aws, target.region, seen.endpoint.name, "<configuration>", _guardrails(run)
    ),
    undo=go_back_over,
    targets=regions,
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=lambda run, states: (
        "GO OVER "
        + by_region(
            states, lambda target, seen: f"{seen.endpoint.config}→{decided(run).configurations.get(target.region)}"
        )
    ),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=_update_s, every=30),
    permissions=iam_actions("sagemaker:UpdateEndpoint", on=resources.endpoint_with_configurations),
)


# ── Wait for the endpoint ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Settling:
    """The endpoint; its inference component, where that is what is changed."""

    endpoint: InferenceEndpoint = field(metadata=label(""))
    component: ModelComponent | None = field(metadata=label("inference component"))


def see_settling(run: BRun, target: Target) -> Settling:
    return Settling(see_endpoint(run, target), see_component(run, target).component)


def endpoint_is_as_decided(run: BRun, target: Target, all_seen: Settling) -> Check:
    """InService alone proves nothing: an update that was turned ends so, too, with the configuration from before."""
    way, old, seen = decided(run), run.facts.endpoint.old_variant, all_seen.endpoint
    if way.remedy in OF_THE_COMPONENT:
        return component_has_settled(run, target, all_seen.component)
    wanted = way.configurations.get(target.region, "")
    if way.remedy not in (AiRemedy.WEIGHTS, AiRemedy.CONFIGURATION):
        return not_this_way(f"not the remedy: {way.words}") if way.remedy else not_needed("there is nothing to remedy")
    broken = _cannot_go_over(seen)
    if broken:
        return broken
    if way.remedy is AiRemedy.WEIGHTS and seen.status == "InService" and serves_alone(seen, old):
        return yes(f"all traffic goes to {old}")
    if way.remedy is AiRemedy.CONFIGURATION and seen.serves(wanted):
        return yes(f"in service with {wanted}")
    if seen.status == "InService" and way.remedy is AiRemedy.CONFIGURATION:
        return never(f"in service with {seen.config}, not with {wanted}: the update was turned back")
    if seen.status == "RollingBack":
        return no(f"RollingBack: the update to {wanted} is turned back to {seen.config}")
    return no(f"{seen.status} with {seen.config}")


SETTLED = Step(
    titles.SETTLED,
    changes="nothing: waits until the endpoint has gone over in every region",
    look=see_settling,
    expect=endpoint_is_as_decided,
    targets=regions,
    needs=(titles.WEIGHTS, titles.CONFIGURATION, titles.COMPONENT),
    patience=Patience(within=_update_s, every=30),
)


# ── Rotate the key ───────────────────────────────────────────────────────────────────────────────────────────────────


def the_key(run: BRun) -> Iterator[Target]:
    """The LLM's key where it is written; its copies follow."""
    yield Target(run.facts.llm.key_region, "the LLM's key")


def see_key(run: BRun, target: Target) -> SecretVersions:
    try:
        return causes.key_versions(run) or SecretVersions("", "", "")
    except (Rejected, Unknown):
        if not_decided(run, AiRemedy.KEY):
            return SecretVersions("", "", "")  # a lever that is not pulled need not be there
        raise


def key_is_new(run: BRun, target: Target, seen: SecretVersions) -> Check:
    other = not_decided(run, AiRemedy.KEY)
    if other:
        return other
    wanted = decided(run).key_version
    if seen.current == wanted:
        return yes(f"version {wanted} is the current one")
    if wanted not in (seen.pending, seen.previous):
        return never(f"version {wanted} is there no more, as a version that waits: start anew")
    return no(f"version {seen.current} is the current one")


def rotate(run: BRun, target: Target, seen: SecretVersions) -> None:
    _move_label(run, decided(run).key_version, seen.current)


def rotate_back(run: BRun, target: Target, before: SecretVersions) -> None:
    _move_label(run, before.current, decided(run).key_version)


def _move_label(run: BRun, version: str, instead_of: str) -> None:
    llm = run.facts.llm
    name = llm.key.secret.partition(":")[2]
    secretsmanager.make_current(run.aws, llm.key_region, name, version, instead_of)


def name_rotation(run: BRun, target: Target, seen: SecretVersions) -> Call:
    """The rotation before it was decided on."""
    fields = {
        "SecretId": run.facts.llm.key.secret.partition(":")[2],
        "VersionStage": "AWSCURRENT",
        "MoveToVersionId": "<version that waits>",
        "RemoveFromVersionId": seen.current or "<current version>",
    }
    return Call("secretsmanager", "UpdateSecretVersionStage", target.region, True, parameters=fields)


KEY = Step(
    titles.KEY,
    changes="the version of the LLM's key that waits becomes the current one; no value of it is read",
    look=see_key,
    expect=key_is_new,
    act=rotate,
    supposed=name_rotation,
    undo=rotate_back,
    targets=the_key,
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=lambda run, states: "ROTATE " + by_region(states, lambda target, seen: target.thing),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=60, every=5),
    permissions=iam_actions("secretsmanager:UpdateSecretVersionStage", on=resources.key_where_written),
)


# ── Reorder the gateway ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GatewayOrder:
    """The models that the gateway tries, first to last; empty where it does not tell: it refuses our key."""

    models: tuple[str, ...] = field(default=(), metadata=label("order"))


def the_gateway(run: BRun) -> Iterator[Target]:
    """The gateway, which is one for all regions."""
    yield Target("", "the LLM's gateway")


def see_order(run: BRun, target: Target) -> GatewayOrder:
    try:
        return GatewayOrder(causes.gateway_order(run)[0])
    except (Rejected, Unknown):
        if not_decided(run, AiRemedy.GATEWAY):
            return GatewayOrder()  # a lever that is not pulled need not be there
        raise


def order_is_wanted(run: BRun, target: Target, seen: GatewayOrder) -> Check:
    other = not_decided(run, AiRemedy.GATEWAY)
    if other:
        return other
    if not seen.models:
        return never("the gateway refuses our key: rotate it first, by a run with remedy=key")
    now = f"it tries {', '.join(seen.models)}"
    return yes(now) if seen.models == decided(run).order else no(now)


def reorder(run: BRun, target: Target, seen: GatewayOrder) -> None:
    llm_gateway.set_order(run.http, gateway(run), decided(run).order)


def reorder_back(run: BRun, target: Target, before: GatewayOrder) -> None:
    llm_gateway.set_order(run.http, gateway(run), before.models)


def _reordering(run: BRun, states: Mapping[Target, GatewayOrder]) -> str:
    seen = next(iter(states.values()))
    return f"REORDER {', '.join(seen.models)}→{', '.join(decided(run).order)}"


GATEWAY = Step(
    titles.GATEWAY,
    changes="the LLM's gateway tries its models in another order, in all regions",
    look=see_order,
    expect=order_is_wanted,
    act=reorder,
    undo=reorder_back,
    targets=the_gateway,
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=_reordering,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=60, every=5),
)


# ── Tell users that AI features have issues ──────────────────────────────────────────────────────────────────────────


def words_if_prolonged(run: BRun) -> str:
    """The plan's own words; where core sync suffers they would be untrue, and others stand in for them."""
    detected = run.moments.get("detected")
    if detected is None:
        return ""
    begun = run.moments.get("fault", detected)
    if (run.clock.now() - begun).total_seconds() < 60 * run.facts.prolonged_minutes:
        return ""
    return run.facts.core_message if core_suffers(run) else run.facts.ai_message


PROLONGED = investigating(
    titles.PROLONGED,
    words_if_prolonged,
    needs=(titles.DETECT,),
    headline="AI-powered features have issues",
)


STEPS = (WEIGHTS, CONFIGURATION, *p3_component.STEPS, SETTLED, KEY, GATEWAY, *p3_quota.STEPS, PROLONGED)
