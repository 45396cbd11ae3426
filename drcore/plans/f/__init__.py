"""Plan F: back to the last stable version of the backend.

The steps stand in the order in which they are done; PLAN at the end lists them. What each step looks at, expects,
does is right above it. "F.automated" and "F.manual" are the two lists of the plan's text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from drcore.engine.consent import Consent
from drcore.engine.step import Check, Plan, Step, StepResult, Target, Way, minutes, never, no, regions, unknown, yes
from drcore.errors import Rejected, Unknown
from drcore.parameters import Minutes, Model
from drcore.plans.f import health
from drcore.plans.f.health import Signals, Synthetic
from drcore.plans.shared.deploy_freeze import freeze, unfreeze
from drcore.plans.shared.detection import detect
from drcore.plans.shared.facts import Api, Pipeline, SyntheticCheck
from drcore.plans.shared.last_drill import last_drill, said
from drcore.plans.shared.releases import Manifest, Release, read_releases
from drcore.plans.shared.status_page import audit_queue, investigating, notify_on_call, resolved
from drcore.record.evidence import Exhibit, Table
from drcore.services import apigateway, codedeploy, lambda_

if TYPE_CHECKING:
    from drcore.engine.context import Run


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class CodeDeploy(Model):
    """Who shifts the traffic of a canary."""

    application: str
    group: str


class Alarms(Model):
    """The alarms that watch the backend: all whose names begin so."""

    prefix: Annotated[str, Field(min_length=1)]


class BugCheck(Model):
    """How the critical bug is told from its absence: the status and some fields of the JSON answer to one request."""

    path: Annotated[str, Field(pattern="^/")]
    status: int
    fields: Annotated[dict[str, str | int | float | bool | None], Field(min_length=1)]


class Facts(Model):
    """`f.yaml`: what plan F needs to know of an environment."""

    functions: Annotated[tuple[str, ...], Field(min_length=1)]
    alias: str
    api: Api
    releases: Manifest
    pipeline: Pipeline
    codedeploy: CodeDeploy
    alarms: Alarms
    error_rate_percent: Annotated[float, Field(gt=0, lt=100)]
    p99_ms: Annotated[float, Field(gt=0)]
    minimum_sample: Annotated[int, Field(gt=0)]
    window_minutes: Minutes
    detection_minutes: Minutes
    automation_minutes: Minutes
    hold_minutes: Minutes
    provisioned_minutes: Minutes
    rto_minutes: Minutes
    synthetic: SyntheticCheck
    critical_bug: BugCheck
    drill_every_days: Annotated[int, Field(gt=0)]


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    release: str = ""  # to go back to, by name or by a version of a function; empty: the newest stable one
    bug: str = ""  # what a person has found, where no alarm shows it


# ── Where ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def functions(run: Run) -> list[Target]:
    return [Target(region, function) for region in run.service.regions for function in run.facts.functions]


def target_release(run: Run, region: str) -> Release:
    return read_releases(run, region).target(run.incident.release)


# ── 1 Detect ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def see_signals(run: Run, target: Target) -> Signals:
    return health.read_signals(run, target.region, run.facts.window_minutes)


def trouble_is_seen(run: Run, target: Target, signals: Signals) -> Check:
    found = health.trouble(run, signals)
    if found:
        return yes("; ".join(found))
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.incident.bug:
        return yes(f"found by a person: {run.incident.bug}")
    if not signals.api.requests and not signals.versions:
        return unknown("no traffic was measured: that is not the same as no errors")
    if signals.bug is None:
        return unknown("nothing is wrong but that the critical-bug check got no answer that could tell")
    return no(f"no trouble: {signals.api.requests} requests to the API, {signals.api.error_percent} % errors")


def when_detected(result: StepResult) -> datetime | None:
    since = [each.after.alarm_since or each.since for each in result.targets if each.after and each.since]
    return min((moment for moment in since if moment), default=None)


def show_trouble(run: Run, states: Mapping[Target, Signals]) -> Iterator[Exhibit]:
    yield health.alarm_history(run, "alarm-history", run.service.regions)
    yield health.rates_table("detected-rates", f"Rates over the last {run.facts.window_minutes:g} minutes", states)
    yield from health.charts(run, "detected", run.service.regions)


DETECT = detect(
    plan="F.automated 1",
    changes="nothing: alarms, error rates, latency, the critical bug are read",
    look=see_signals,
    expect=trouble_is_seen,
    targets=regions,
    every=30,
    shows=show_trouble,
    at=when_detected,
)


# ── 2 Automatic rollback ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Automation:
    """What the automation left: where each alias points, and the rollback that did it (empty: there was none)."""

    aliases: tuple[tuple[str, str], ...]
    stable: bool
    canary: bool
    rollback: str
    at: datetime | None


def see_automation(run: Run, target: Target) -> Automation:
    wanted = target_release(run, target.region).regions[target.region].functions
    found = {name: lambda_.alias(run.aws, target.region, name, run.facts.alias) for name in run.facts.functions}
    begun = run.moments.get("fault") or run.moments.get("detected") or run.clock.now()
    deploys = run.facts.codedeploy
    done = codedeploy.rollbacks(
        run.aws, target.region, deploys.application, deploys.group, begun - timedelta(minutes=run.facts.window_minutes)
    )
    return Automation(
        aliases=tuple((name, str(alias)) for name, alias in found.items()),
        stable=all(alias == lambda_.Alias(wanted[name]) for name, alias in found.items()),
        canary=any(alias.weights for alias in found.values()),
        rollback=done[-1].id if done else "",
        at=done[-1].began if done else None,
    )


def automation_has_acted(run: Run, target: Target, seen: Automation) -> Check:
    where = ", ".join(f"{name}: {alias}" for name, alias in seen.aliases)
    if seen.stable:
        return yes(f"rolled back by {seen.rollback}; {where}" if seen.rollback else f"nothing to roll back; {where}")
    if seen.canary:
        return no(f"not yet, a canary still gets traffic: {where}; it becomes the operator's act")
    return never(
        f"the release is fully rolled out, automation only watches canaries: {where}; it becomes the operator's act"
    )


AUTOMATIC = Step(
    title="Automatic rollback",
    plan="F.automated 2",
    changes="nothing: asks whether the automation has put all traffic back",
    look=see_automation,
    expect=automation_has_acted,
    targets=regions,
    gate=False,
    within=minutes("automation_minutes"),
    every=30,
)


# ── 3 Notify on-call ─────────────────────────────────────────────────────────────────────────────────────────────────


def words_for_on_call(run: Run) -> str:
    if "detected" not in run.moments:
        return ""
    seen = [f"{region}: {'; '.join(_trouble(run, region)) or 'quiet now'}" for region in run.service.regions]
    automatic = run.results.get(AUTOMATIC.title)
    done = "rolled back automatically" if automatic and automatic.outcome in ("ALREADY", "DONE") else "not rolled back"
    return f"Backend release {done}. " + ". ".join(seen)


def _trouble(run: Run, region: str) -> list[str]:
    try:
        return health.trouble(run, health.read_signals(run, region, run.facts.window_minutes))
    except (Unknown, Rejected) as error:
        return [f"cannot be read: {error}"]


NOTIFY = notify_on_call(words_for_on_call, plan="F.automated 3", needs=(DETECT.title,))


# ── 4 Decide ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be decided (back from which releases, to which), and what has been (empty: nothing yet)."""

    target: str
    leaving: tuple[str, ...]
    unsafe: tuple[str, ...]
    live: bool
    choice: str
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_decision(run: Run, target: Target) -> Decision:
    releases = read_releases(run, run.service.runner_region)
    back_to = releases.target(run.incident.release)
    leaving = releases.newer_than(back_to)
    decided = run.decided(DECIDE)
    return Decision(
        target=back_to.release,
        leaving=tuple(release.release for release in leaving),
        unsafe=tuple(release.release for release in leaving if not release.rollback_safe),
        live=all(_is_live(run, region, back_to) for region in run.service.regions),
        choice=decided.choice,
        by=decided.by,
        reason=decided.reason,
    )


def _is_live(run: Run, region: str, release: Release) -> bool:
    wanted = release.regions[region]
    stage = apigateway.stage(run.aws, region, wanted.api.rest_api_id, wanted.api.stage)
    aliases = {name: lambda_.alias(run.aws, region, name, run.facts.alias) for name in run.facts.functions}
    return stage == apigateway.Stage(wanted.api.deployment_id) and all(
        alias == lambda_.Alias(wanted.functions[name]) for name, alias in aliases.items()
    )


def is_decided(run: Run, target: Target, decision: Decision) -> Check:
    if decision.unsafe:
        return never(
            f"{', '.join(decision.unsafe)} changed the schema of the data, and older code may corrupt it. "
            "Do not roll back: go to plan G, or mend forward"
        )
    if decision.choice:
        return yes(f"{decision.choice}, by {decision.by}: {decision.reason}")
    if decision.live:
        return yes(f"{decision.target} serves alone everywhere, there is nothing to decide")
    return no(f"to decide: roll back from {', '.join(decision.leaving)} to {decision.target}")


def decide(run: Run, target: Target, decision: Decision) -> None:
    run.decide(DECIDE, f"roll back to {decision.target}")


DECIDE = Step(
    title="Decide",
    plan="F.manual 1",
    changes="records who decided to roll back to which release, and why",
    look=see_decision,
    expect=is_decided,
    act=decide,
    needs=(DETECT.title,),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"ROLL BACK TO {next(iter(states.values())).target} IN {', '.join(run.service.regions)}",
    way=Way.REVERSIBLE,
    within=10,
    moment="decided",
)


# ── 5 Tell users that we investigate ─────────────────────────────────────────────────────────────────────────────────


def words_investigating(run: Run) -> str:
    if "detected" not in run.moments:
        return ""
    return "We are investigating errors after a change to our service. Some syncs may fail or be slow."


INVESTIGATING = investigating(
    "Tell users that we investigate", words_investigating, plan="F.manual 5", needs=(DETECT.title,)
)


# ── 6 Stop the running deployment ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Deploying:
    """The deployments that shift traffic now."""

    running: tuple[str, ...]


def see_deployments(run: Run, target: Target) -> Deploying:
    deploys = run.facts.codedeploy
    found = codedeploy.running(run.aws, target.region, deploys.application, deploys.group)
    return Deploying(tuple(each.id for each in found))


def nothing_deploys(run: Run, target: Target, seen: Deploying) -> Check:
    return no(f"running: {', '.join(seen.running)}") if seen.running else yes("no deployment is running")


def stop_deployment(run: Run, target: Target, seen: Deploying) -> None:
    codedeploy.stop(run.aws, target.region, seen.running[0])


STOP = Step(
    title="Stop the running deployment",
    plan="F.manual 2",
    changes="CodeDeploy is stopped, so that it does not fight the rollback",
    look=see_deployments,
    expect=nothing_deploys,
    act=stop_deployment,
    targets=regions,
    needs=(DECIDE.title,),
    consent=Consent.GO,
    phrase=lambda run, states: "STOP " + _each(states, lambda seen: ", ".join(seen.running)),
    way=Way.COMPENSABLE,
    within=180,
    repeat=True,
    permissions=("codedeploy:StopDeployment",),
)


# ── 7 Freeze the pipeline ────────────────────────────────────────────────────────────────────────────────────────────


def nothing_to_roll_back(run: Run) -> str:
    decided = run.results.get(DECIDE.title)
    if "detected" not in run.moments and decided and decided.outcome == "ALREADY":
        return "deployments may enter, and may go on to: no trouble was seen, nothing is to be rolled back"
    return ""


FREEZE = freeze(plan="F.manual 2", needs=(DECIDE.title,), idle=nothing_to_roll_back)


# ── 8 Lambda rollback ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Serving:
    """Where an alias points, where it should point, and whether that version can take traffic."""

    alias: lambda_.Alias
    wanted: str = field(compare=False)
    version: lambda_.Version = field(compare=False)


def see_serving(run: Run, target: Target) -> Serving:
    wanted = target_release(run, target.region).regions[target.region].functions[target.thing]
    return Serving(
        lambda_.alias(run.aws, target.region, target.thing, run.facts.alias),
        wanted,
        lambda_.version(run.aws, target.region, target.thing, wanted),
    )


def serves_wanted(run: Run, target: Target, seen: Serving) -> Check:
    if seen.alias == lambda_.Alias(seen.wanted):
        return yes(f"all traffic goes to version {seen.wanted}")
    if not seen.version.state:
        return never(f"version {seen.wanted} does not exist any more: choose another release, or mend forward")
    if (seen.version.state, seen.version.last_update) != ("Active", "Successful"):
        return never(f"version {seen.wanted} is {seen.version.state}, {seen.version.last_update}: warm it up first")
    return no(f"{seen.alias}, should be version {seen.wanted}")


def point_at_wanted(run: Run, target: Target, seen: Serving) -> None:
    to = lambda_.Alias(seen.wanted)
    lambda_.point_alias(run.aws, target.region, target.thing, run.facts.alias, to, seen.alias.revision)


def point_back(run: Run, target: Target, before: Serving) -> None:
    now = lambda_.alias(run.aws, target.region, target.thing, run.facts.alias)
    lambda_.point_alias(run.aws, target.region, target.thing, run.facts.alias, before.alias, now.revision)


def show_versions(run: Run, states: Mapping[Target, Serving]) -> Iterator[Exhibit]:
    rows = tuple((t.region, t.thing, str(seen.alias), f"version {seen.wanted}") for t, seen in states.items())
    yield Table("versions", "Where each alias points", ("region", "function", "points at", "wanted"), rows)


def when_acted(result: StepResult) -> datetime | None:
    return result.ended if any(each.outcome == "DONE" for each in result.targets) else None


LAMBDA = Step(
    title="Lambda rollback",
    plan="F.manual 2",
    changes="alias live → the release's version of each function, in each region, with no routing weights",
    look=see_serving,
    expect=serves_wanted,
    act=point_at_wanted,
    undo=point_back,
    targets=functions,
    needs=(DECIDE.title, STOP.title, FREEZE.title),
    consent=Consent.GO,
    phrase=lambda run, states: (
        "POINT "
        + ", ".join(f"{t.thing} {seen.alias.version}→{seen.wanted} in {t.region}" for t, seen in states.items())
    ),
    way=Way.REVERSIBLE,
    within=60,
    every=5,
    shows=show_versions,
    moment="acted",
    at=when_acted,
    permissions=("lambda:UpdateAlias",),
)


# ── 9 API Gateway rollback ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Published:
    """What the stage serves, what it should serve, and whether that deployment is still kept."""

    stage: apigateway.Stage
    wanted: str = field(compare=False)
    kept: bool = field(compare=False)


def see_stage(run: Run, target: Target) -> Published:
    api = target_release(run, target.region).regions[target.region].api
    return Published(
        apigateway.stage(run.aws, target.region, api.rest_api_id, api.stage),
        api.deployment_id,
        api.deployment_id in apigateway.deployments(run.aws, target.region, api.rest_api_id),
    )


def stage_is_wanted(run: Run, target: Target, seen: Published) -> Check:
    if seen.stage == apigateway.Stage(seen.wanted):
        return yes(f"the stage serves deployment {seen.wanted}")
    if not seen.kept:
        return never(f"deployment {seen.wanted} is not in the history any more: choose another release")
    canary = ", with a canary" if seen.stage.canary else ""
    return no(f"the stage serves deployment {seen.stage.deployment_id}{canary}, should be {seen.wanted}")


def repoint_stage(run: Run, target: Target, seen: Published) -> None:
    _point_stage(run, target, apigateway.Stage(seen.wanted), seen.stage)


def repoint_back(run: Run, target: Target, before: Published) -> None:
    _point_stage(run, target, before.stage, see_stage(run, target).stage)


def _point_stage(run: Run, target: Target, to: apigateway.Stage, now: apigateway.Stage) -> None:
    api = target_release(run, target.region).regions[target.region].api
    apigateway.point_stage(run.aws, target.region, api.rest_api_id, api.stage, to, now)


API = Step(
    title="API Gateway rollback",
    plan="F.manual 3",
    changes="the stage is pointed at the release's deployment; nothing is deployed anew",
    look=see_stage,
    expect=stage_is_wanted,
    act=repoint_stage,
    undo=repoint_back,
    targets=regions,
    needs=(DECIDE.title, FREEZE.title),
    consent=Consent.GO,
    phrase=lambda run, states: (
        f"POINT stage {run.facts.api.stage} " + _each(states, lambda seen: f"{seen.stage.deployment_id}→{seen.wanted}")
    ),
    way=Way.REVERSIBLE,
    within=60,
    every=5,
    permissions=("apigateway:GET", "apigateway:PATCH"),
)


# ── 10 Provisioned concurrency ───────────────────────────────────────────────────────────────────────────────────────


def see_provisioned(run: Run, target: Target) -> lambda_.Provisioned:
    return lambda_.provisioned(run.aws, target.region, target.thing, run.facts.alias)


def is_warm(run: Run, target: Target, seen: lambda_.Provisioned) -> Check:
    if not seen.status:
        return yes("none is configured")
    told = f"{seen.available} of {seen.requested} are there, {seen.status}"
    if seen.status == "FAILED":
        return never(f"{told}: requests start cold; configure it again")
    return yes(told) if seen.status == "READY" else no(f"{told}: some requests start cold")


PROVISIONED = Step(
    title="Provisioned concurrency",
    plan="F.manual 2",
    changes="nothing: waits until the old version is warm again",
    look=see_provisioned,
    expect=is_warm,
    targets=functions,
    needs=(LAMBDA.title,),
    gate=False,
    within=minutes("provisioned_minutes"),
    every=20,
)


# ── 11 Verify ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Health:
    """The region's signals over the last whole minute, with requests of our own."""

    signals: Signals
    synthetic: Synthetic


def see_health(run: Run, target: Target) -> Health:
    return Health(health.read_signals(run, target.region, 1), health.synthetic(run, target.region))


def is_healthy(run: Run, target: Target, seen: Health) -> Check:
    found = health.trouble(run, seen.signals)
    if seen.synthetic.good < seen.synthetic.sent:
        found.append(f"{seen.synthetic.sent - seen.synthetic.good} of {seen.synthetic.sent} synthetic requests failed")
    if found:
        return no("; ".join(found))
    api = seen.signals.api
    if seen.signals.bug is None:
        return unknown("the critical-bug check got no answer that could tell")
    if api.requests < run.facts.minimum_sample or api.error_percent is None:
        return unknown(
            f"{api.requests} requests in the last minute, too few to tell (minimum {run.facts.minimum_sample})"
        )
    return yes(
        f"{api.error_percent:g} % errors in {api.requests} requests, {seen.synthetic.good} synthetic requests good, "
        "the critical bug is absent"
    )


def show_health(run: Run, states: Mapping[Target, Health]) -> Iterator[Exhibit]:
    signals = {target: seen.signals for target, seen in states.items()}
    yield health.rates_table("verified-rates", "Rates over the last minute", signals)
    yield from health.charts(run, "verified", run.service.regions)


VERIFY = Step(
    title="Verify",
    plan="F.manual 4",
    changes="nothing: error rate, synthetic requests, the critical bug, for as long as health must last",
    look=see_health,
    expect=is_healthy,
    targets=regions,
    needs=(LAMBDA.title, API.title),
    within=minutes("detection_minutes"),
    every=30,
    hold=minutes("hold_minutes"),
    shows=show_health,
    moment="healthy",
)


# ── 12 Tell users that it is resolved ────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: Run) -> str:
    return "The change that caused errors was rolled back, and the service works normally. Thank you for your patience."


RESOLVED = resolved("Tell users that it is resolved", words_resolved, plan="F.manual 5", needs=(VERIFY.title,))


# ── 13 Unfreeze the pipeline ─────────────────────────────────────────────────────────────────────────────────────────


UNFREEZE = unfreeze(plan="F.manual 2", needs=(VERIFY.title,))


# ── 14 Close ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Live:
    """What is live now, and when this plan was drilled last."""

    rows: tuple[tuple[str, str, str, str], ...]
    release: str
    alone: bool
    last_drill: datetime | None
    next_drill: datetime | None


def see_live(run: Run, target: Target) -> Live:
    rows = []
    for region in run.service.regions:
        releases = read_releases(run, region)
        for name in run.facts.functions:
            alias = lambda_.alias(run.aws, region, name, run.facts.alias)
            rows.append((region, name, str(alias), releases.name_of(region, name, alias.version)))
        api = releases.target(run.incident.release).regions[region].api
        stage = apigateway.stage(run.aws, region, api.rest_api_id, api.stage)
        owner = next(
            (r.release for r in reversed(releases.all) if r.regions[region].api.deployment_id == stage.deployment_id),
            "",
        )
        rows.append((region, f"{run.facts.api.name}, stage {api.stage}", f"deployment {stage.deployment_id}", owner))
    wanted = target_release(run, run.service.runner_region)
    last = last_drill(run)
    return Live(
        tuple(rows),
        wanted.release,
        all(_is_live(run, region, wanted) for region in run.service.regions),
        last,
        last + timedelta(days=run.facts.drill_every_days) if last else None,
    )


def is_closed(run: Run, target: Target, seen: Live) -> Check:
    drills = said(seen.last_drill, seen.next_drill, run.clock.now())
    return (
        yes(f"{seen.release} serves alone; {drills}") if seen.alone else no(f"not only {seen.release} serves; {drills}")
    )


def show_live(run: Run, states: Mapping[Target, Live]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield Table("live-now", "What is live now", ("region", "what", "points at", "release"), seen.rows)


CLOSE = Step(
    title="Close",
    plan="F.testing",
    changes="nothing: what is live now, when the next drill is due",
    look=see_live,
    expect=is_closed,
    needs=(VERIFY.title,),
    within=10,
    shows=show_live,
)


# ── The plan ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def must_exist(run: Run) -> Iterator[tuple[str, Check]]:
    """Preflight: the way to on-call; the release, the aliases, the stage, in every region that answers."""
    yield audit_queue(run)
    for region in run.service.regions:
        try:
            release = target_release(run, region).regions[region]
            for name in run.facts.functions:
                lambda_.alias(run.aws, region, name, run.facts.alias)
            apigateway.stage(run.aws, region, release.api.rest_api_id, release.api.stage)
        except Rejected as error:
            yield f"targets in {region}", no(str(error))
        except Unknown as error:
            yield f"targets in {region}", unknown(str(error))
        else:
            yield f"targets in {region}", yes(f"{len(run.facts.functions)} aliases, stage {run.facts.api.stage}")


def _each(states: Mapping[Target, object], words: Callable[[Any], str]) -> str:
    return ", ".join(f"{words(seen)} in {target.region}" for target, seen in states.items())


PLAN = Plan(
    id="f",
    title="Backend deployment rollback",
    notebook="f_backend_rollback.ipynb",
    steps=(
        DETECT,
        AUTOMATIC,
        NOTIFY,
        DECIDE,
        INVESTIGATING,
        STOP,
        FREEZE,
        LAMBDA,
        API,
        PROVISIONED,
        VERIFY,
        RESOLVED,
        UNFREEZE,
        CLOSE,
    ),
    goal=VERIFY,
    facts=Facts,
    incident=Incident,
    faults=("bad-canary", "bad-canary-stuck", "bad-release"),
    rto=lambda run: 60 * float(run.facts.rto_minutes),
    must_exist=must_exist,
)
