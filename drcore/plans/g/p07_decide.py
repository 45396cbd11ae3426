"""Plan G, phase 7: a person decides between the two remedies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from drcore.engine.consent import Choice
from drcore.engine.labels import label
from drcore.engine.outcome import StepResult, Target
from drcore.plans.g import titles
from drcore.plans.g.comparison import compared
from drcore.plans.g.decisions import remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.not_restored import why_neither
from drcore.plans.g.p06_compare import show_accounts
from drcore.plans.g.remedies import Cost, advice, answers, costs, proposed
from drcore.plans.shared.decision import choices, taken
from drcore.record.evidence import Exhibit


@dataclass(frozen=True, slots=True)
class RemedyChoice:
    """What both remedies cost, the one that is proposed or was named, why; what was decided (empty: nothing yet)."""

    costs: tuple[Cost, Cost] = field(compare=False)
    proposed: Remedy = field(compare=False)
    why: str = field(compare=False, metadata=label("why it is proposed"))
    barred: str = field(compare=False, metadata=label("why neither can be taken"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_choice(run: GRun, target: Target) -> RemedyChoice:
    comparison = compared(run)
    named = run.incident.remedy
    return RemedyChoice(
        costs(run, comparison),
        Remedy(named or proposed(run, comparison)),
        "named in the parameters" if named else advice(run, comparison),
        why_neither(run),
        *taken(run, titles.DECIDE),
    )


def both_remedies(run: GRun, seen: RemedyChoice) -> tuple[Choice, Choice]:
    return answers(run, seen.costs, seen.proposed, seen.why, seen.barred)


def seconds_lost(run: GRun, result: StepResult) -> float | None:
    """The seconds before the halt of which users' changes are lost by the remedy that was decided."""
    decided = remedy(run) if run.decided(titles.DECIDE).choice else None
    seen: RemedyChoice | None = next(iter(result.states.values()), None)
    return next((each.lost_s for each in seen.costs if each.remedy is decided), None) if seen else None


def show_known(run: GRun, states: Mapping[Target, RemedyChoice]) -> Iterator[Exhibit]:
    """The known accounts once more: whoever decides has them before their eyes."""
    checked = run.result(titles.SPOT_CHECK)
    for account in show_accounts(run, checked.states) if checked else ():
        yield replace(account, name="known-accounts")


DECIDE = choices(
    titles.DECIDE,
    changes="records the remedy: the corrupted items are repaired in place, or the restored table is switched to",
    look=see_choice,
    answers=both_remedies,
    needs=(titles.SPOT_CHECK, titles.SAMPLE, titles.COMPARE),
    shows=show_known,
    lost=seconds_lost,
)

STEPS = (DECIDE,)
