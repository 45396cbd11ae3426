"""Plan F, the way back: deployments are kept out, functions, then the API go to the release that was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from drcore.engine.consent import Consent
from drcore.engine.phrases import by_region
from drcore.engine.step import Check, Step, StepResult, Target, Way, minutes, never, no, regions, yes
from drcore.plans.f.facts import functions, target_release
from drcore.plans.f.p2_decide import DECIDE
from drcore.plans.shared.deploy_freeze import freeze
from drcore.record.evidence import Exhibit, Table
from drcore.services import apigateway, codedeploy, lambda_

if TYPE_CHECKING:
    from drcore.engine.context import Run


# ── Stop the running deployment ──────────────────────────────────────────────────────────────────────────────────────


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
    phrase=lambda run, states: "STOP " + by_region(states, lambda target, seen: ", ".join(seen.running)),
    way=Way.COMPENSABLE,
    within=180,
    repeat=True,
    permissions=("codedeploy:StopDeployment",),
)


# ── Freeze the pipeline ──────────────────────────────────────────────────────────────────────────────────────────────


def nothing_to_roll_back(run: Run) -> str:
    decided = run.results.get(DECIDE.title)
    if "detected" not in run.moments and decided and decided.outcome == "ALREADY":
        return "deployments may enter, and may go on to: no trouble was seen, nothing is to be rolled back"
    return ""


FREEZE = freeze(plan="F.manual 2", needs=(DECIDE.title,), idle=nothing_to_roll_back)


# ── Lambda rollback ──────────────────────────────────────────────────────────────────────────────────────────────────


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
        "POINT " + by_region(states, lambda target, seen: f"{target.thing} {seen.alias.version}→{seen.wanted}")
    ),
    way=Way.REVERSIBLE,
    within=60,
    every=5,
    shows=show_versions,
    moment="acted",
    at=when_acted,
    permissions=("lambda:UpdateAlias",),
)


# ── API Gateway rollback ─────────────────────────────────────────────────────────────────────────────────────────────


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
        f"POINT stage {run.facts.api.stage} "
        + by_region(states, lambda target, seen: f"{seen.stage.deployment_id}→{seen.wanted}")
    ),
    way=Way.REVERSIBLE,
    within=60,
    every=5,
    permissions=("apigateway:GET", "apigateway:PATCH"),
)


# ── Provisioned concurrency ──────────────────────────────────────────────────────────────────────────────────────────


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


STEPS = (STOP, FREEZE, LAMBDA, API, PROVISIONED)
