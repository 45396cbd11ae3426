"""Plan E, phase 3: the hotfix, before any credential is issued anew: else the new ones leak, too."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, yes
from drcore.engine.step import Patience, Settles, Step, regions
from drcore.errors import Rejected
from drcore.plans.e import titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import in_the_app, nothing_to_do, the_finding
from drcore.plans.e.p1_verify import exposure_url
from drcore.plans.shared.release_shift import shift_functions, shift_stage
from drcore.plans.shared.releases import RegionalRelease, Release, read_releases
from drcore.services import apigateway, lambda_, servicechecks

_PLAN_C = "the hole is in the app: plan C releases the mended version (drcore lab c), and this waits for it"


def hotfix(run: ERun, region: str) -> Release:
    """The release that mends it, as the manifest has it where the runner stands; else what serves. Raises Rejected."""
    if _no_shift(run):
        return _as_it_serves(run, region)
    finding = the_finding(run)
    if finding is None or not finding.fixed_in:
        raise Rejected("no release is known yet that mends it: have it built, and named in the finding", "NoHotfix")
    return read_releases(run, run.service.runner_region).target(finding.fixed_in)


def _as_it_serves(run: ERun, region: str) -> Release:
    newest = read_releases(run, run.service.runner_region).all[-1]
    api = newest.of(region).api
    stage = apigateway.stage(run.aws, region, api.rest_api_id, api.stage)
    functions = {name: lambda_.alias(run.aws, region, name, run.facts.alias).version for name in run.facts.functions}
    now = RegionalRelease(functions=functions, api=api.model_copy(update={"deployment_id": stage.deployment_id}))
    return newest.model_copy(update={"release": "what serves now", "regions": {region: now}})


def _no_shift(run: ERun) -> str:
    """Why nothing of the backend is to be shifted; empty where it is."""
    return nothing_to_do(run) or (_PLAN_C if in_the_app(run) else "")


def _where_needed(step: Step[Any, Any]) -> Step[Any, Any]:
    """The same step, which leaves everything as it is in a run that has nothing to mend in the backend."""

    def expect(run: ERun, target: Target, seen: Any) -> Check:
        why = _no_shift(run)
        return yes(why) if why else step.expect(run, target, seen)

    return replace(step, expect=expect)


LAMBDA = _where_needed(shift_functions(titles.LAMBDA, hotfix, needs=(titles.DECIDE, titles.CONTAIN)))

API = _where_needed(shift_stage(titles.API, hotfix, needs=(titles.DECIDE, titles.CONTAIN)))


# ── The hole is closed ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Hole:
    """Whether a region still shows the finding's hole."""

    finding: str = field(metadata=label("finding"))
    exposed: bool = field(metadata=label("the hole is there"))


def see_hole(run: ERun, target: Target) -> Hole:
    finding = the_finding(run)
    if finding is None:
        return Hole("", False)
    return Hole(finding.id, servicechecks.is_exposed(run.http, exposure_url(run, target.region, finding)))


def is_closed(run: ERun, target: Target, seen: Hole) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    if not seen.exposed:
        return yes(f"{seen.finding} is not there any more")
    if in_the_app(run):
        return no(f"{seen.finding} is still there: {_PLAN_C}")
    finding = the_finding(run)
    if finding and not finding.fixed_in:
        return never(f"{seen.finding} is still there, and no release is known that mends it")
    return no(f"{seen.finding} is still there")


MENDED = Step(
    titles.MENDED,
    changes="nothing: the finding's hole is looked for in each region",
    look=see_hole,
    expect=is_closed,
    targets=regions,
    needs=(titles.LAMBDA, titles.API),
    patience=Patience(within=lambda run: 60 * run.facts.hotfix_minutes, every=15),
    settles=Settles("mended"),
)


STEPS = (LAMBDA, API, MENDED)
