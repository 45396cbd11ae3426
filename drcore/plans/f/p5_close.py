"""Plan F, the end: deployments may enter again, what is live is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from drcore.engine.outcome import Check, Target, no, yes
from drcore.plans.f import titles
from drcore.plans.f.facts import FRun, target_release
from drcore.plans.shared.close import close, drills
from drcore.plans.shared.deploy_freeze import unfreeze
from drcore.plans.shared.release_shift import serves_alone
from drcore.plans.shared.releases import read_releases
from drcore.record.evidence import Exhibit, Table
from drcore.services import apigateway, lambda_

# ── Unfreeze the pipeline ────────────────────────────────────────────────────────────────────────────────────────────


UNFREEZE = unfreeze(titles.UNFREEZE, needs=(titles.VERIFY,))


# ── Close ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Live:
    """What is live now, and when this plan was drilled last."""

    rows: tuple[tuple[str, str, str, str], ...]
    release: str
    alone: bool
    last_drill: datetime | None
    next_drill: datetime | None

    def describe(self) -> Mapping[str, object]:
        return {
            f"{self.release} serves alone": self.alone,
            "last drill": self.last_drill,
            "next drill": self.next_drill,
        }


def see_live(run: FRun, target: Target) -> Live:
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
    return Live(
        tuple(rows),
        wanted.release,
        all(serves_alone(run, region, wanted) for region in run.service.regions),
        *drills(run),
    )


def is_closed(run: FRun, target: Target, seen: Live) -> Check:
    return yes(f"{seen.release} serves alone") if seen.alone else no(f"not only {seen.release} serves")


def show_live(run: FRun, states: Mapping[Target, Live]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield Table("live-now", "What is live now", ("region", "what", "points at", "release"), seen.rows)


CLOSE = close(
    titles.CLOSE,
    changes="nothing: what is live now, when the next drill is due",
    look=see_live,
    expect=is_closed,
    shows=show_live,
    needs=(titles.VERIFY,),
)


STEPS = (UNFREEZE, CLOSE)
