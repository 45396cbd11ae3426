"""Shifting the backend to a named release: the alias of each function, the stage of the API.

Steps that plans have in the same form. A plan says which release, as the manifest of a region has it: to go back is to
name an old one. Nothing is deployed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, StepResult, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import by_region
from drcore.engine.step import Patience, Reversibility, Settles, Step, regions
from drcore.errors import Busy
from drcore.plans.shared import resources
from drcore.plans.shared.facts import Api
from drcore.plans.shared.releases import Release
from drcore.record.evidence import Exhibit, Table
from drcore.services import apigateway, lambda_


class BackendFacts(Protocol):
    """What the facts of such a plan hold: the functions, the alias of each that takes the traffic, the API."""

    @property
    def functions(self) -> tuple[str, ...]: ...
    @property
    def alias(self) -> str: ...
    @property
    def api(self) -> Api: ...


F = TypeVar("F", bound=BackendFacts)
ReleaseIn = Callable[[Run[F], str], Release]  # the release to shift to, as the manifest of a region has it


def functions(run: Run[F]) -> list[Target]:
    """A target for each function of the backend in each region."""
    return [Target(region, function) for region in run.service.regions for function in run.facts.functions]


def serves_alone(run: Run[F], region: str, release: Release) -> bool:
    """Whether all traffic of a region goes to this release. Raises Unknown, Rejected."""
    wanted = release.of(region)
    stage = apigateway.stage(run.aws, region, wanted.api.rest_api_id, wanted.api.stage)
    aliases = {name: lambda_.alias(run.aws, region, name, run.facts.alias) for name in run.facts.functions}
    return stage == apigateway.Stage(wanted.api.deployment_id) and all(
        alias == lambda_.Alias(wanted.version_of(name)) for name, alias in aliases.items()
    )


# ── Functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Serving:
    """Where an alias points, where it should point, and whether that version can take traffic."""

    alias: lambda_.Alias
    wanted: str = field(compare=False)
    version: lambda_.FunctionVersion = field(compare=False)

    def describe(self) -> Mapping[str, object]:
        return {"alias points at": str(self.alias)}


def shift_functions(name: StepName, release: ReleaseIn[F], *, needs: tuple[StepName, ...]) -> Step[F, Serving]:
    """Point the alias of each function at the release's version, in each region: no weights are left on another."""

    def look(run: Run[F], target: Target) -> Serving:
        wanted = release(run, target.region).of(target.region).version_of(target.thing)
        return Serving(
            lambda_.alias(run.aws, target.region, target.thing, run.facts.alias),
            wanted,
            lambda_.version(run.aws, target.region, target.thing, wanted),
        )

    return Step(
        name,
        changes="alias live → the release's version of each function, in each region, with no routing weights",
        look=look,
        expect=serves_wanted,
        act=point_at_wanted,
        undo=point_back,
        targets=functions,
        needs=needs,
        consent=Consent.GO,
        phrase=lambda run, states: (
            "POINT " + by_region(states, lambda target, seen: f"{target.thing} {seen.alias.version}→{seen.wanted}")
        ),
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=60, every=5),
        shows=show_versions,
        settles=Settles("acted", at=when_acted),
        permissions=iam_actions("lambda:UpdateAlias", on=resources.functions),
    )


# States of a version that do not pass by themselves, and what to do then.
_UNFIT = {
    "ActiveNonInvocable": "it cannot be invoked: choose another release",
    "Deactivated": "it was deactivated: choose another release",
    "Deactivating": "it is being deactivated: choose another release",
    "Deleting": "somebody deletes it: choose another release",
    "Failed": "publish its code anew, or choose another release",
    "Inactive": "nobody has called it for weeks: invoke it once (aws lambda invoke --qualifier), then resume",
}


def serves_wanted(run: Run[F], target: Target, seen: Serving) -> Check:
    if seen.alias == lambda_.Alias(seen.wanted):
        return yes(f"all traffic goes to version {seen.wanted}")
    if not seen.version.state:
        return never(f"version {seen.wanted} does not exist any more: choose another release, or fix forward")
    state = f"version {seen.wanted} is {seen.version.state}, {seen.version.last_update}"
    if seen.version.ready:
        return no(f"{seen.alias}, should be version {seen.wanted}")
    if seen.version.comes:
        return no(f"{seen.alias}, should be version {seen.wanted}; {state}: that is waited for")
    if seen.version.state in _UNFIT or seen.version.last_update == "Failed":
        return never(f"{state}: {_UNFIT.get(seen.version.state, 'publish its code anew, or choose another release')}")
    return unknown(state)


def point_at_wanted(run: Run[F], target: Target, seen: Serving) -> None:
    if not seen.version.ready:
        state = f"{seen.version.state}, {seen.version.last_update}"
        raise Busy(f"version {seen.wanted} of {target.thing} in {target.region} is still {state}", "Pending")
    to = lambda_.Alias(seen.wanted)
    lambda_.point_alias(run.aws, target.region, target.thing, run.facts.alias, to, seen.alias.revision)


def point_back(run: Run[F], target: Target, before: Serving) -> None:
    now = lambda_.alias(run.aws, target.region, target.thing, run.facts.alias)
    lambda_.point_alias(run.aws, target.region, target.thing, run.facts.alias, before.alias, now.revision)


def show_versions(run: Run[F], states: Mapping[Target, Serving]) -> Iterator[Exhibit]:
    rows = tuple((t.region, t.thing, str(seen.alias), f"version {seen.wanted}") for t, seen in states.items())
    yield Table("versions", "Where each alias points", ("region", "function", "points at", "wanted"), rows)


def when_acted(result: StepResult) -> datetime | None:
    return result.ended if any(each.outcome == "DONE" for each in result.targets) else None


# ── The API's stage ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Published:
    """What the stage serves, what it should serve, and whether that deployment is still kept."""

    stage: apigateway.Stage
    wanted: str = field(compare=False)
    kept: bool = field(compare=False)

    def describe(self) -> Mapping[str, object]:
        return {"deployment that is served": self.stage.deployment_id, "canary": self.stage.canary}


def shift_stage(name: StepName, release: ReleaseIn[F], *, needs: tuple[StepName, ...]) -> Step[F, Published]:
    """Point the stage at the release's deployment, in each region."""

    def look(run: Run[F], target: Target) -> Published:
        api = release(run, target.region).of(target.region).api
        return Published(
            apigateway.stage(run.aws, target.region, api.rest_api_id, api.stage),
            api.deployment_id,
            api.deployment_id in apigateway.deployments(run.aws, target.region, api.rest_api_id),
        )

    def point_at(run: Run[F], target: Target, seen: Published) -> None:
        point(run, target, apigateway.Stage(seen.wanted), seen.stage)

    def point_back(run: Run[F], target: Target, before: Published) -> None:
        point(run, target, before.stage, look(run, target).stage)

    def point(run: Run[F], target: Target, to: apigateway.Stage, now: apigateway.Stage) -> None:
        api = release(run, target.region).of(target.region).api
        apigateway.point_stage(run.aws, target.region, api.rest_api_id, api.stage, to, now)

    return Step(
        name,
        changes="the stage is pointed at the release's deployment; nothing is deployed anew",
        look=look,
        expect=stage_is_wanted,
        act=point_at,
        undo=point_back,
        targets=regions,
        needs=needs,
        consent=Consent.GO,
        phrase=lambda run, states: (
            f"POINT stage {run.facts.api.stage} "
            + by_region(states, lambda target, seen: f"{seen.stage.deployment_id}→{seen.wanted}")
        ),
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=60, every=5),
        permissions=iam_actions("apigateway:PATCH", on=resources.stages),
    )


def stage_is_wanted(run: Run[F], target: Target, seen: Published) -> Check:
    if seen.stage == apigateway.Stage(seen.wanted):
        return yes(f"the stage serves deployment {seen.wanted}")
    if not seen.kept:
        return never(f"deployment {seen.wanted} is not in the history any more: choose another release")
    canary = ", with a canary" if seen.stage.canary else ""
    return no(f"the stage serves deployment {seen.stage.deployment_id}{canary}, should be {seen.wanted}")
