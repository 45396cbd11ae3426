"""Why the AI service fails: what the jobs have logged, held against what was deployed, the key, the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from drcore.engine.labels import label
from drcore.errors import Rejected
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.services import llm_gateway, logs, sagemaker, secretsmanager
from drcore.services.llm_gateway import Gateway
from drcore.services.logs import LogQuery
from drcore.services.sagemaker import EndpointKind, ModelComponent
from drcore.services.secretsmanager import SecretVersions

WITHIN_S = 60.0  # a query takes seconds
_BY_ERROR = (
    'filter event = "conflict_resolution" and strategy != "AiMerge"'
    " | stats count(*) as n, avg(ms) as ms, max(attempts) as attempts by service, error"
)
_KEY = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException")
_QUOTA = ("ThrottlingException", "ServiceQuotaExceededException")


@dataclass(frozen=True, slots=True)
class AiCause:
    """One cause: which part of the fallbacks it explains, what shows it, what would end it."""

    what: str
    percent: float
    evidence: str
    remedy: AiRemedy
    other: AiRemedy = AiRemedy.PROPOSED  # that would end it, too

    def describe(self) -> str:
        return f"{self.what} ({self.percent:.0f} % of the fallbacks): {self.evidence}"


@dataclass(frozen=True, slots=True)
class Investigation:
    """What was found in a region, the causes by the part of the fallbacks that they explain.

    `key_valid` is None where the key could not be tried; `order` is empty where the gateway was not read.
    """

    causes: tuple[AiCause, ...] = field(metadata=label("causes"))
    fallbacks: int = field(metadata=label("fallbacks looked at"))
    status: str = field(metadata=label("endpoint"))
    configuration: str = field(metadata=label("endpoint configuration"))
    changed: datetime | None = field(metadata=label("endpoint last changed"))
    earlier: tuple[str, ...] = field(metadata=label("other configurations, newest first"))
    kind: str = field(metadata=label("models"))
    component: ModelComponent | None = field(metadata=label("inference component"))
    earlier_models: tuple[str, ...] = field(metadata=label("other models, newest first"))
    key_valid: bool | None = field(metadata=label("the LLM's key is valid"))
    key_since: datetime | None = field(metadata=label("key made at"))
    new_key: str = field(metadata=label("version of the new key"))
    order: tuple[str, ...] = field(metadata=label("order of the gateway"))
    old_is_live: bool = field(metadata=label("the old variant is kept up"))


def gateway(run: BRun) -> Gateway:
    """The LLM's gateway with its key. Raises Unknown, Rejected."""
    return Gateway(run.facts.llm.url, run.secret(run.facts.llm.key))


def key_versions(run: BRun) -> SecretVersions | None:
    """The versions of the LLM's key; None where it does not lie in Secrets Manager. Raises Unknown, Rejected."""
    kind, _, name = run.facts.llm.key.secret.partition(":")
    return secretsmanager.versions(run.aws, run.facts.llm.key_region, name) if kind == "aws" else None


def gateway_order(run: BRun) -> tuple[tuple[str, ...], bool]:
    """The order of the gateway, and whether it takes our key: else it tells no order. Raises Unknown, Rejected."""
    try:
        return llm_gateway.order(run.http, gateway(run)), True
    except Rejected as error:
        if llm_gateway.refuses_key(error):
            return (), False
        raise


def investigate(run: BRun, region: str, since: datetime | None) -> Investigation:
    """Look at everything that may be the cause, from the begin of the harm on. Raises Unknown, Rejected."""
    endpoint = sagemaker.endpoint(run.aws, region, run.facts.endpoint.name)
    configuration = sagemaker.configuration(run.aws, region, endpoint.config)
    versions, (order, valid) = key_versions(run), gateway_order(run)
    until = run.clock.now() - timedelta(seconds=logs.SEARCHABLE_S)
    begin = since or until - timedelta(minutes=run.facts.window_minutes)
    (rows,) = logs.insights(
        run.aws,
        run.clock,
        [LogQuery(region, (run.facts.jobs.group,), _BY_ERROR)],
        min(begin, until - timedelta(minutes=1)),
        until,
        within=WITHIN_S,
    )
    counted = {
        (row.text("service") or "", row.text("error") or ""): (int(row.number("n") or 0), row.number("attempts") or 1)
        for row in rows
    }
    names = sagemaker.configurations(run.aws, region, run.facts.endpoint.configurations)
    investigation = Investigation(
        (),
        sum(count for count, _ in counted.values()),
        endpoint.status,
        endpoint.config,
        endpoint.changed,
        names[names.index(endpoint.config) + 1 :] if endpoint.config in names else (),
        configuration.kind,
        *_component(run, region, configuration.kind),
        valid,
        versions.since if versions else None,
        versions.pending if versions else "",
        order,
        any(
            each.name == run.facts.endpoint.old_variant and each.count and not each.weight for each in endpoint.variants
        ),
    )
    return replace(investigation, causes=_causes(run, investigation, counted, since))


def _component(run: BRun, region: str, kind: EndpointKind) -> tuple[ModelComponent | None, tuple[str, ...]]:
    """The endpoint's inference component, and the models before the one that it has; none where it has no such."""
    if kind is not EndpointKind.COMPONENTS:
        return None, ()
    known = run.facts.endpoint.component
    component, names = sagemaker.component(run.aws, region, known.name), sagemaker.models(run.aws, region, known.models)
    return component, names[names.index(component.model) + 1 :] if component.model in names else ()


def _causes(
    run: BRun,
    investigation: Investigation,
    counted: Mapping[tuple[str, str], tuple[int, float]],
    since: datetime | None,
) -> tuple[AiCause, ...]:
    if not investigation.fallbacks:
        return ()
    causes = []
    for (service, error), (count, attempts) in counted.items():
        percent = round(100 * count / investigation.fallbacks, 1)
        if service == "endpoint":
            causes.append(_of_the_endpoint(run, investigation, error, percent, since))
        else:
            causes.append(_of_the_llm(run, investigation, error, percent, int(attempts)))
    return tuple(sorted(causes, key=lambda cause: (-cause.percent, cause.what)))


def _of_the_endpoint(
    run: BRun, investigation: Investigation, error: str, percent: float, since: datetime | None
) -> AiCause:
    what = {"ReadTimeout": "the endpoint's model does not answer in time"}.get(error, "the endpoint's model fails")
    if investigation.component:
        return _of_the_component(
            run, investigation, investigation.component, f"{what}; the jobs log {error}", percent, since
        )
    remedy = AiRemedy.WEIGHTS if investigation.old_is_live else AiRemedy.CONFIGURATION
    if remedy is AiRemedy.CONFIGURATION and not investigation.earlier:
        remedy = AiRemedy.WAIT
    ago = _lately(run, investigation.changed, since)
    if ago is not None:
        text = f"the endpoint was changed {ago:.0f} minutes before, to {investigation.configuration}"
        return AiCause(f"{what} since a deployment", percent, f"{text}; the jobs log {error}", remedy)
    when = f"{investigation.changed:%Y-%m-%d %H:%M}" if investigation.changed else "a time that is not told"
    return AiCause(what, percent, f"the jobs log {error}; {investigation.configuration}, last changed {when}", remedy)


def _of_the_component(
    run: BRun, investigation: Investigation, seen: ModelComponent, what: str, percent: float, since: datetime | None
) -> AiCause:
    least = run.facts.endpoint.component.copies
    if seen.running < least:
        text = f"{what}; {seen.running} of {seen.copies} copies of {seen.name} run, {least} are to"
        text += f"; {seen.failure}" if seen.failure else ""
        return AiCause("the inference component has too few copies", percent, text, AiRemedy.COPIES)
    remedy = AiRemedy.COMPONENT if investigation.earlier_models else AiRemedy.WAIT
    text = f"{what}; {seen.name} has {seen.model}"
    what, ago = "the inference component's model fails", _lately(run, seen.changed, since)
    if ago is None:
        return AiCause(what, percent, text, remedy)
    return AiCause(f"{what} since an update", percent, f"{text}, updated {ago:.0f} minutes before", remedy)


def _lately(run: BRun, changed: datetime | None, since: datetime | None) -> float | None:
    """How many minutes before the trouble something was changed; None: not lately, or a time is not known."""
    if not since or not changed:
        return None
    ago = (since - changed).total_seconds() / 60
    return max(ago, 0) if -1 <= ago <= run.facts.recent_deployment_minutes else None


def _of_the_llm(run: BRun, investigation: Investigation, error: str, percent: float, attempts: int) -> AiCause:
    order = run.facts.llm.fallback_order
    reorder = AiRemedy.GATEWAY if investigation.order and investigation.order != order else AiRemedy.WAIT
    made = f", made {investigation.key_since:%Y-%m-%d}" if investigation.key_since else ""
    if error in _KEY:
        valid = "the gateway takes it" if investigation.key_valid else "the gateway refuses it"
        new = "a new version waits with the label AWSPENDING" if investigation.new_key else "no new version is there"
        remedy = AiRemedy.KEY if investigation.new_key else AiRemedy.WAIT
        return AiCause("the LLM's key is refused", percent, f"{error}; the key{made}: {valid}; {new}", remedy)
    tried = f"the gateway tries {', '.join(investigation.order) or 'what is not known'}"
    if error in _QUOTA:
        first = reorder if reorder is AiRemedy.GATEWAY else AiRemedy.QUOTA
        return AiCause("the LLM's quota is used up", percent, f"{error}; {tried}", first, AiRemedy.QUOTA)
    if error == "ModelNotReadyException":
        slower = f"{error}, asked up to {attempts} times each, which makes slow slower; {tried}"
        return AiCause("the LLM's model is not ready", percent, slower, reorder)
    return AiCause(f"the LLM answers {error or 'nothing that is known'}", percent, tried, reorder)
