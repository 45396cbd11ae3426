"""The ways in which the AI Insights Service fails (plan B).

Clearing a fault makes a model well again that was ill; it undoes no deployment, and no key that has expired.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from drcore.sandbox.core.faults import Option, Options, Undo, fault
from drcore.sandbox.core.world import World
from drcore.sandbox.services.sagemaker.invocations import ModelBehaviour, Models
from drcore.sandbox.services.servicequotas import ServiceQuotas
from drcore.sandbox.syncwell.company import ai_service, names
from drcore.sandbox.syncwell.incidents.bad_deployment import BadDeployment, Broken, refuse_second
from drcore.sandbox.syncwell.life.ai_calls import AiCalls
from drcore.sandbox.syncwell.life.sync_jobs import JobsTotal, SyncJobs
from drcore.sandbox.vendors.llm import Llm, LlmHealth

NEW_KEY = "emulated-llm-key-5e71d8"
NEW_TOKEN = "7b3f5b5c-0d5e-4c07-9a86-2c1b7a5f6e22"  # noqa: S105 - an idempotency token
SHARE = Option(default=0.6, help="the share of the calls that meet it", least=0.1, most=1)
OPTIONS: Mapping[str, Option] = {"share": SHARE}
MOST: Mapping[str, Option] = {"share": replace(SHARE, default=0.95)}


@fault("ai-errors", options=OPTIONS)
def ai_errors(world: World, options: Options) -> Undo:
    """The model that serves since three weeks fails: what comes in has changed. The one before it does not."""
    _begin(world, "ai-errors", options)
    return _ill(world, names.AI_MODELS[-1], ModelBehaviour(errors=options["share"]))


@fault("ai-timeouts", options=OPTIONS)
def ai_timeouts(world: World, options: Options) -> Undo:
    """Calls of the model that serves do not end: the engine gives up after ten seconds."""
    _begin(world, "ai-timeouts", options)
    return _ill(world, names.AI_MODELS[-1], ModelBehaviour(timeouts=options["share"]))


@fault("ai-bad-deployment", options=OPTIONS)
def ai_bad_deployment(world: World, options: Options) -> Undo:
    """A new model was deployed a moment ago, all at once, without an alarm that would have turned it; it fails."""
    _begin(world, "ai-bad-deployment", options)
    for region in world.regions:
        ai_service.add_config(world, region, names.AI_NEXT_MODEL)
        ai_service.go_over(world, region, names.AI_NEXT_MODEL)
    return _ill(world, names.AI_NEXT_MODEL, ModelBehaviour(errors=options["share"]))


@fault("ai-bad-component", options=OPTIONS)
def ai_bad_component(world: World, options: Options) -> Undo:
    """The endpoint's model is an inference component, which was updated to a new model a moment ago; it fails."""
    _begin(world, "ai-bad-component", options)
    for region in world.regions:
        ai_service.by_component(world, region, names.AI_NEXT_MODEL, ai_service.SERVING, ai_service.SERVING)
    return _ill(world, names.AI_NEXT_MODEL, ModelBehaviour(errors=options["share"]))


@fault("ai-component-short")
def ai_component_short(world: World, options: Options) -> None:
    """The endpoint's model is an inference component, of which somebody left one copy: most calls time out."""
    _begin(world, "ai-component-short", {"share": 1.0})
    for region in world.regions:
        ai_service.by_component(world, region, names.AI_MODELS[-1], 1, ai_service.SERVING)


@fault("ai-fallback-broken", options=MOST)
def ai_fallback_broken(world: World, options: Options) -> Undo:
    """As ai-errors, and the fallback fails too: the jobs that meet a conflict fail, core sync is hit."""
    _begin(world, "ai-fallback-broken", options)
    jobs = world.state(SyncJobs)
    jobs.fallback_fails, well = 1.0, _ill(world, names.AI_MODELS[-1], ModelBehaviour(errors=options["share"]))

    def mend() -> None:
        jobs.fallback_fails = 0.0
        well()

    return mend


@fault("ai-slow-by-retries", options=MOST)
def ai_slow_by_retries(world: World, options: Options) -> Undo:
    """The LLM's model is not ready: the client asks again and again, until the engine's time is over."""
    _begin(world, "ai-slow-by-retries", options)
    return _llm(world, "ModelNotReadyException", options["share"], "primary")


@fault("ai-throttled", options=MOST)
def ai_throttled(world: World, options: Options) -> Undo:
    """The LLM's provider throttles us: the quota of its model is used up, until more is granted."""
    _begin(world, "ai-throttled", options)
    return _throttled(world, options["share"], "primary")


@fault("ai-quota-used-up", options=MOST)
def ai_quota_used_up(world: World, options: Options) -> Undo:
    """As ai-throttled, and the model that the gateway falls back to, which it tries already, shares the quota."""
    _begin(world, "ai-quota-used-up", options)
    llm = world.state(Llm)
    llm.rule = ("secondary", "primary")
    return _throttled(world, options["share"], *llm.rule)


@fault("ai-key-expired")
def ai_key_expired(world: World, options: Options) -> None:
    """The LLM's key has expired. A new one lies in the same secret, as AWSPENDING: nobody has moved the label."""
    _begin(world, "ai-key-expired", {"share": 1.0})
    first = world.regions[0]
    world.client("secretsmanager", first).put_secret_value(
        SecretId=names.LLM_SECRET, SecretString=NEW_KEY, VersionStages=["AWSPENDING"], ClientRequestToken=NEW_TOKEN
    )
    world.state(Llm).key = NEW_KEY


def _begin(world: World, name: str, options: Options) -> None:
    """From now on what happens to the conflicts is counted. Raises UnknownFault."""
    refuse_second(world, name)
    now, calls = world.clock.now(), world.state(AiCalls)
    world.state(BadDeployment).broken = Broken(name, now, now)
    calls.watched, calls.healthy_since, calls.ill_ticks = True, None, 0
    world.state(SyncJobs).total = JobsTotal()
    ai_service.wake(world)


def _ill(world: World, model: str, behaviour: ModelBehaviour) -> Undo:
    models = world.state(Models)
    models.behave(model, behaviour)
    return lambda: models.behave(model, ModelBehaviour())


def _throttled(world: World, share: float, *models: str) -> Undo:
    well = _llm(world, "ThrottlingException", share, *models)
    world.state(ServiceQuotas).known[names.LLM_QUOTA].granted = well
    return well


def _llm(world: World, error: str, share: float, *models: str) -> Callable[[], None]:
    llm = world.state(Llm)
    for model in models:
        llm.become(model, **{error: share})

    def well() -> None:
        for model in models:
            llm.models[model] = LlmHealth()

    return well
