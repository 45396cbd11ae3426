"""Plan G, the choice between the two ways out: repair in place, or restore, then switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, StepResult, Target, no, yes
from drcore.engine.step import Step, Way
from drcore.plans.g.comparison import compared
from drcore.plans.g.decisions import way
from drcore.plans.g.p06_compare import COMPARE, SAMPLE
from drcore.plans.g.remedies import Way as WayOut
from drcore.plans.g.remedies import proposed, ways, ways_table
from drcore.plans.g.tables import restored_table, table
from drcore.plans.g.titles import DECIDING, REPAIR
from drcore.record.evidence import Exhibit

if TYPE_CHECKING:
    from drcore.engine.context import Run


@dataclass(frozen=True, slots=True)
class Choice:
    """Both ways with their numbers, the one that is proposed or was named, the one that was decided (empty: none)."""

    ways: tuple[WayOut, ...] = field(compare=False)
    proposed: str = field(compare=False)
    decided: str = ""
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_choice(run: Run, target: Target) -> Choice:
    decided = run.decided(DECIDE)
    seen = compared(run)
    return Choice(
        ways(run, seen),
        run.incident.way or proposed(run, seen),
        way(run) if decided.choice else "",
        decided.by,
        decided.reason,
    )


def is_decided(run: Run, target: Target, seen: Choice) -> Check:
    if seen.decided:
        return yes(f"{seen.decided}, by {seen.by}: {seen.reason}")
    told = " or ".join(f"{each.name} ({_said(each)})" for each in seen.ways)
    why = "named in the parameters" if run.incident.way else "proposed"
    return no(f"{told}; {seen.proposed} is {why}")


def _said(one: WayOut) -> str:
    told = f"{one.lost} changes lost, {one.by_person} items for a person"
    return f"{told}, {one.items} items written" if one.items else told


def decide(run: Run, target: Target, seen: Choice) -> None:
    run.decide(DECIDE, f"{seen.proposed}: {_said(_chosen(seen))}")


def _chosen(seen: Choice) -> WayOut:
    return next(each for each in seen.ways if each.name == seen.proposed)


def words_to_decide(run: Run, states: Mapping[Target, Choice]) -> str:
    seen: Choice = next(iter(states.values()))
    one = _chosen(seen)
    if seen.proposed == REPAIR:
        return f"REPAIR {one.items} ITEMS OF {table(run)}, LEAVE {one.by_person} FOR A PERSON"
    return f"SWITCH TO {restored_table(run)}, LOSE {one.lost} CHANGES"


def seconds_lost(run: Run, result: StepResult) -> float | None:
    """The seconds before the halt of which users' changes are lost by the way that was decided."""
    decided = way(run) if run.decided(DECIDE).choice else ""
    seen: Choice | None = next(iter(result.states.values()), None)
    return next((each.lost_s for each in seen.ways if each.name == decided), None) if seen else None


def show_ways(run: Run, states: Mapping[Target, Choice]) -> Iterator[Exhibit]:
    yield ways_table(run, compared(run))


DECIDE = Step(
    title=DECIDING,
    plan="G.1",
    changes="records which way is taken: the corrupted items are mended in place, or the restored table is switched to",
    look=see_choice,
    expect=is_decided,
    act=decide,
    needs=(SAMPLE.title, COMPARE.title),
    consent=Consent.TYPED,
    phrase=words_to_decide,
    way=Way.REVERSIBLE,
    within=10,
    shows=show_ways,
    lost=seconds_lost,
)

STEPS = (DECIDE,)
