"""Plan G, phase 7: a person decides between the two remedies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepResult, Target, no
from drcore.plans.g import titles
from drcore.plans.g.comparison import compared
from drcore.plans.g.decisions import remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.remedies import Cost, costs, costs_table, proposed
from drcore.plans.g.tables import restored_table, table
from drcore.plans.shared.decision import decision, taken
from drcore.record.evidence import Exhibit


@dataclass(frozen=True, slots=True)
class RemedyChoice:
    """What both remedies cost, the one that is proposed or was named, what was decided (empty: nothing yet)."""

    costs: tuple[Cost, ...] = field(compare=False)
    proposed: Remedy = field(compare=False)
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_choice(run: GRun, target: Target) -> RemedyChoice:
    comparison = compared(run)
    return RemedyChoice(
        costs(run, comparison),
        Remedy(run.incident.remedy or proposed(run, comparison)),
        *taken(run, titles.DECIDE),
    )


def is_to_be_decided(run: GRun, target: Target, seen: RemedyChoice) -> Check:
    remedies = " or ".join(f"{each.remedy} ({_cost_text(each)})" for each in seen.costs)
    why = "named in the parameters" if run.incident.remedy else "proposed"
    return no(f"{remedies}; {seen.proposed} is {why}")


def _cost_text(cost: Cost) -> str:
    text = f"{cost.lost} changes lost, {cost.by_person} items for a person"
    return f"{text}, {cost.items} items written" if cost.items else text


def _chosen(seen: RemedyChoice) -> Cost:
    return next(each for each in seen.costs if each.remedy is seen.proposed)


def words_to_decide(run: GRun, states: Mapping[Target, RemedyChoice]) -> str:
    seen: RemedyChoice = next(iter(states.values()))
    cost = _chosen(seen)
    if seen.proposed is Remedy.REPAIR:
        return f"REPAIR {cost.items} ITEMS OF {table(run)}, LEAVE {cost.by_person} FOR A PERSON"
    return f"SWITCH TO {restored_table(run)}, LOSE {cost.lost} CHANGES"


def seconds_lost(run: GRun, result: StepResult) -> float | None:
    """The seconds before the halt of which users' changes are lost by the remedy that was decided."""
    decided = remedy(run) if run.decided(titles.DECIDE).choice else None
    seen: RemedyChoice | None = next(iter(result.states.values()), None)
    return next((each.lost_s for each in seen.costs if each.remedy is decided), None) if seen else None


def show_costs(run: GRun, states: Mapping[Target, RemedyChoice]) -> Iterator[Exhibit]:
    yield costs_table(run, compared(run))


DECIDE = decision(
    titles.DECIDE,
    changes="records the remedy: the corrupted items are repaired in place, or the restored table is switched to",
    look=see_choice,
    expect=is_to_be_decided,
    choice=lambda run, seen: f"{seen.proposed}: {_cost_text(_chosen(seen))}",
    phrase=words_to_decide,
    needs=(titles.SAMPLE, titles.COMPARE),
    shows=show_costs,
    lost=seconds_lost,
)

STEPS = (DECIDE,)
