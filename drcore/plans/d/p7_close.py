"""Plan D, the end: what it cost, that nothing is left switched, when the next drill is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepResult, Target, no, unknown, yes
from drcore.plans.d import titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.partner_signals import of_partner
from drcore.plans.d.paused import decided_cases, staying_out
from drcore.plans.shared.close import close, drills
from drcore.plans.shared.flag_profiles import place
from drcore.record.evidence import Exhibit, Table
from drcore.services import appconfig


@dataclass(frozen=True, slots=True)
class PauseCost:
    """What a partner's trouble has cost since it began: syncs that had to wait, that were lost. None: not measured."""

    partner: str
    delayed: int | None
    lost: int | None

    def describe(self) -> str:
        return f"{_told(self.delayed)} syncs delayed, {_told(self.lost)} lost"


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """The flags that are not as usual, by region; what it cost; when this plan was drilled last."""

    unusual: tuple[str, ...] = field(metadata=label("flags not as usual"))
    costs: tuple[PauseCost, ...] = field(metadata=label("cost"))
    since: datetime = field(metadata=label("cost counted from"))
    last_drill: datetime | None = field(metadata=label("last drill"))
    next_drill: datetime | None = field(metadata=label("next drill"))


def see_left(run: DRun, target: Target) -> LeftBehind:
    unusual = []
    for region in run.service.regions:
        had = appconfig.consumed(run.aws, region, place(run, region, run.facts.flags))
        for partner in run.facts.partners.values():
            unusual += [f"{partner.integration} is off in {region}"] * (not _on(had, partner.integration))
            unusual += [f"{partner.banner} is on in {region}"] * _on(had, partner.banner)
    began = run.moments.get("fault") or run.moments.get("detected") or run.clock.now()
    costs = tuple(_cost(run, case.partner, began) for case in decided_cases(run))
    return LeftBehind(tuple(unusual), costs, began, *drills(run))


def _on(had: Mapping[str, object], flag: str) -> bool:
    value = had.get(flag)
    return isinstance(value, dict) and value.get("enabled") is True


def _cost(run: DRun, partner: str, began: datetime) -> PauseCost:
    totals = []
    for name in ("Delayed", "Lost"):
        totals_by_region = [
            run.metrics.read(region, [of_partner(run, partner, name)], began)[0].total for region in run.service.regions
        ]
        totals.append(
            None if None in totals_by_region else int(sum(value for value in totals_by_region if value is not None))
        )
    return PauseCost(partner, *totals)


def _told(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"


def is_closed(run: DRun, target: Target, seen: LeftBehind) -> Check:
    if seen.unusual:
        out = ", ".join(case.partner for case in staying_out(run))
        later = f". {out} stays paused, and no sync of it is lost. Go on later: drcore resume {run.id}" if out else ""
        return no("; ".join(seen.unusual) + later)
    text = "; ".join(f"{each.partner}: {each.describe()}" for each in seen.costs)
    if any(each.lost is None for each in seen.costs):
        return unknown(f"every integration is on, no banner is shown; {text}")
    if any(each.lost for each in seen.costs):
        return no(f"syncs were lost, and must be done anew by hand: {text}")
    return yes(f"every integration is on, no banner is shown{f'; {text}' if text else ''}")


def show_left(run: DRun, states: Mapping[Target, LeftBehind]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple((each.partner, each.delayed, each.lost) for each in seen.costs)
        yield Table("cost", "What it cost since it began", ("partner", "syncs delayed", "syncs lost"), rows)


def cost_in_verdict(run: DRun, result: StepResult) -> str:
    """What it has cost users, with how it was counted; empty where nobody's syncs were in trouble."""
    parts = [
        (f"{each.partner} {each.describe()}", seen.since) for seen in result.states.values() for each in seen.costs
    ]
    if not parts:
        return ""
    since = parts[0][1]
    minutes = (result.ended - since).total_seconds() / 60
    costs = ", ".join(cost for cost, _ in parts)
    counted = "by CloudWatch, Delayed, Lost of the workers in all regions; whose syncs they are is not counted"
    return f"users: {costs}, from {since:%H:%M} to {result.ended:%H:%M}, {minutes:.0f} min ({counted})"


CLOSE = close(
    titles.CLOSE,
    changes="nothing: what it cost, what is left switched, when the next drill is due",
    look=see_left,
    expect=is_closed,
    shows=show_left,
    needs=(titles.BACKLOG,),
    remark=cost_in_verdict,
)


STEPS = (CLOSE,)
