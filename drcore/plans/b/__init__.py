"""Plan B: conflicts are resolved without the AI Insights Service, as it fails.

`titles.py` is the plan on one page. A phase is a file, its steps stand there in the order in which they are done; what
each looks at, expects, does is right above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from drcore.engine.outcome import Check, no, wrong, yes
from drcore.engine.preflight import checked
from drcore.engine.step import Plan
from drcore.errors import Rejected
from drcore.plans.b import by_hand, causes, health, p1_detect, p2_decide, p3_remediate, p4_verify, p5_close, titles
from drcore.plans.b.facts import BRun, Facts, Incident
from drcore.plans.b.p1_detect import ACKNOWLEDGE, DETECT, GRACEFUL, NOTIFY
from drcore.plans.b.p2_decide import DECIDE, INVESTIGATE
from drcore.plans.b.p3_component import COMPONENT
from drcore.plans.b.p3_quota import QUOTA
from drcore.plans.b.p3_remediate import CONFIGURATION, GATEWAY, KEY, PROLONGED, SETTLED, WEIGHTS
from drcore.plans.b.p4_verify import RESOLVED, VERIFY
from drcore.plans.b.p5_close import CLOSE
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.plans.shared.on_call import on_call_topic, second_on_call_topic
from drcore.plans.shared.traffic import can_be_proved
from drcore.plans.shared.unwatched import cannot_tell
from drcore.services import sagemaker
from drcore.services.sagemaker import EndpointKind


def must_exist(run: BRun) -> Iterator[tuple[str, Check] | tuple[str, Check, bool]]:
    """Preflight: the way to on-call; the endpoint in every region that answers.

    What the goal will be judged by, and the gateway, are looked at as well: they stop nobody.
    """
    yield on_call_topic(run)
    yield second_on_call_topic(run)
    if run.incident.configuration:
        for region in run.service.regions:
            yield f"configuration in {region}", checked(_configuration, run, region)
    if run.incident.model:
        for region in run.service.regions:
            yield f"model in {region}", checked(_model, run, region)
    for region in run.service.regions:
        yield f"endpoint in {region}", checked(_endpoint, run, region)
        yield f"alarms in {region}", checked(_alarms, run, region), False
        yield f"conflicts in {region}", checked(_conflicts, run, region), False
    yield "the LLM's gateway", checked(_gateway, run), False
    yield from metrics_in_time(run, {region: health.job_metrics(run) for region in run.service.regions})


def _endpoint(run: BRun, region: str) -> Check:
    endpoint = sagemaker.endpoint(run.aws, region, run.facts.endpoint.name)
    kind = sagemaker.configuration(run.aws, region, endpoint.config).kind
    text = f"{endpoint.name} is {endpoint.status} with {endpoint.config}"
    if kind is EndpointKind.VARIANTS:
        return yes(text)
    component = sagemaker.component(run.aws, region, run.facts.endpoint.component.name)
    return yes(f"{text}; {component.name} is {component.status}, {component.running} of {component.copies} copies run")


def _model(run: BRun, region: str) -> Check:
    """The one that was named must be there, like a configuration."""
    names = sagemaker.models(run.aws, region, run.facts.endpoint.component.models)
    named = run.incident.model
    if named in names:
        return yes(f"{named} is there")
    return wrong("model", f"expected one of {', '.join(names)}; seen {named!r}")


def _configuration(run: BRun, region: str) -> Check:
    """The one that was named must be there: a name that is wrong is told before anything is touched."""
    try:
        sagemaker.configuration(run.aws, region, run.incident.configuration)
    except Rejected as error:
        if not sagemaker.is_missing(error):
            raise
        names = sagemaker.configurations(run.aws, region, run.facts.endpoint.configurations)
        return wrong("configuration", f"expected one of {', '.join(names)}; seen {run.incident.configuration!r}")
    return yes(f"{run.incident.configuration} is there")


def _alarms(run: BRun, region: str) -> Check:
    alarms = health.alarms(run, region)
    why = cannot_tell(alarms, run.facts.alarms.prefix)
    return no(why) if why else yes(f"{len(alarms)} begin with {run.facts.alarms.prefix}")


def _conflicts(run: BRun, region: str) -> Check:
    minutes = run.facts.window_minutes
    signals = health.read_signals(run, region, minutes)
    return can_be_proved(VERIFY.name, "the AI service", signals.conflicts, minutes, run.facts.minimum_sample)


def _gateway(run: BRun) -> Check:
    order, valid = causes.gateway_order(run)
    return yes(f"it tries {', '.join(order)}") if valid else no("it refuses the LLM's key")


PLAN = Plan(
    id="b",
    title="AI Insights Service failure",
    notebook="b_ai_insights_failure.ipynb",
    steps=p1_detect.STEPS + p2_decide.STEPS + p3_remediate.STEPS + p4_verify.STEPS + p5_close.STEPS,
    goal=VERIFY,
    stands=titles.STANDS,
    facts=Facts,
    incident=Incident,
    faults=(
        *("ai-errors", "ai-timeouts", "ai-bad-deployment", "ai-fallback-broken"),
        *("ai-slow-by-retries", "ai-throttled", "ai-quota-used-up", "ai-key-expired"),
        *("ai-bad-component", "ai-component-short"),
    ),
    rto=lambda run: 60 * float(run.facts.rto_minutes),
    must_exist=must_exist,
    by_hand=by_hand.card,
)
