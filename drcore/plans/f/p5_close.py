"""Plan F, the end: deployments may enter again, what is live is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from drcore.engine.outcome import Check, StepResult, Target, no, yes
from drcore.plans.f import titles
from drcore.plans.f.decided_release import target_release
from drcore.plans.f.facts import FRun
from drcore.plans.f.users_cost import users_cost
from drcore.plans.shared.close import close, drills
from drcore.plans.shared.deploy_freeze import unfreeze
from drcore.plans.shared.release_shift import serves_alone
from drcore.plans.shared.releases import read_releases
from drcore.record.evidence import Exhibit, Table
from drcore.services import apigateway, lambda_

# ── Unfreeze the pipeline ────────────────────────────────────────────────────────────────────────────────────────────


UNFREEZE = unfreeze(
    titles.UNFREEZE,
    needs=(titles.VERIFY,),
    beware=". The next one deploys what its source has: take the bad change out of it first",
)


# ── Close ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Live:
    """What is live now, and when this plan was drilled last."""

    rows: tuple[tuple[str, str, str, str], ...]
    release: str
    not_alone: tuple[str, ...]  # the regions in which it does not
    cost: str  # what users have suffered
    last_drill: datetime | None
    next_drill: datetime | None

    def describe(self) -> Mapping[str, object]:
        return {
            f"{self.release} serves alone": not self.not_alone or f"not in {', '.join(self.not_alone)}",
            "what it has cost users": self.cost,
            "last drill": self.last_drill,
            "next drill": self.next_drill,
        }


def see_live(run: FRun, target: Target) -> Live:
    rows, wanted = [], target_release(run, run.service.runner_region)
    for region in run.service.regions:
        releases = read_releases(run, region)
        for name in run.facts.functions:
            alias = lambda_.alias(run.aws, region, name, run.facts.alias)
            rows.append((region, name, str(alias), releases.name_of(region, name, alias.version)))
        api = wanted.of(region).api
        stage = apigateway.stage(run.aws, region, api.rest_api_id, api.stage)
        owner = releases.name_of_deployment(region, stage.deployment_id)
        rows.append((region, f"{run.facts.api.name}, stage {api.stage}", f"deployment {stage.deployment_id}", owner))
    return Live(
        tuple(rows),
        wanted.release,
        tuple(region for region in run.service.regions if not serves_alone(run, region, wanted)),
        users_cost(run),
        *drills(run),
    )


def is_closed(run: FRun, target: Target, seen: Live) -> Check:
    if not seen.not_alone:
        return yes(f"{seen.release} serves alone")
    others = "; ".join(
        f"{region}: {what} is {release or 'of no release'}"
        for region, what, _, release in seen.rows
        if region in seen.not_alone and release != seen.release
    )
    return no(f"not only {seen.release} serves in {', '.join(seen.not_alone)}: {others or 'a part of the traffic'}")


def show_live(run: FRun, states: Mapping[Target, Live]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield Table("live-now", "What is live now", ("region", "what", "points at", "release"), seen.rows)


def cost_in_verdict(run: FRun, result: StepResult) -> str:
    return next((seen.cost for seen in result.states.values()), "")


CLOSE = close(
    titles.CLOSE,
    changes="nothing: what is live now, when the next drill is due",
    look=see_live,
    expect=is_closed,
    shows=show_live,
    needs=(titles.VERIFY,),
    remark=cost_in_verdict,
)


STEPS = (UNFREEZE, CLOSE)
