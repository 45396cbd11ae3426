"""Which regions take part: one that is away is left out by a decision, to be made safe once it is back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drcore.engine.consent import Choice
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, unknown, yes
from drcore.engine.step import Step
from drcore.errors import Unknown
from drcore.plans.e import titles
from drcore.plans.e.facts import ERun
from drcore.plans.shared.decision import choices, taken
from drcore.services import secretsmanager

_WITHOUT, WAIT = "without ", "wait"
IS_AWAY = (
    "is away, and was left out: its flags, its releases, its secrets are as they were. Keep users out of it (plan A); "
    "once it is back run this plan again before anybody is let in"
)


@dataclass(frozen=True, slots=True)
class InReach:
    """The regions that do not answer, and what was decided of it (empty: nothing yet)."""

    away: tuple[str, ...] = field(metadata=label("regions that do not answer"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)

    def describe(self) -> Mapping[str, object]:
        return {"regions that do not answer": self.away or "none", "decision": self.choice or "none"}


def left_out(run: ERun) -> str:
    """The region that this run goes on without, by decision; empty: none."""
    choice = run.decided(titles.REACH).choice
    return choice.removeprefix(_WITHOUT) if choice.startswith(_WITHOUT) else ""


def in_reach(run: ERun) -> tuple[str, ...]:
    """The regions that take part."""
    return tuple(region for region in run.service.regions if region != left_out(run))


def answers(run: ERun, region: str) -> bool:
    """Whether a region's Secrets Manager answers. Raises Rejected: that is an answer."""
    try:
        next(secretsmanager.listed(run.aws, region, run.facts.tokens.prefix), None)  # one page tells
    except Unknown:
        return False
    return True


def of_those_in_reach(step: Step[Any, Any]) -> Step[Any, Any]:
    """The same step, for the regions that take part."""
    of_all = step.targets

    def targets(run: ERun) -> list[Target]:
        return [target for target in of_all(run) if target.region != left_out(run) or not target.region]

    return replace(step, targets=targets)


def see_reach(run: ERun, target: Target) -> InReach:
    return InReach(tuple(each for each in run.service.regions if not answers(run, each)), *taken(run, titles.REACH))


def all_answer(run: ERun, target: Target, seen: InReach) -> Check | None:
    if not seen.away:
        return yes("every region answers")
    if len(seen.away) > 1:
        return unknown(f"more than one region does not answer: {', '.join(seen.away)}")
    return None


def two_ways(run: ERun, seen: InReach) -> tuple[Choice, ...]:
    away = ", ".join(seen.away)
    return (
        Choice(
            f"{_WITHOUT}{away}",
            f"GO ON WITHOUT {away}",
            {"the other regions": "contained, mended, swept now", away: "as it was, open until it is back"},
            recommended="what is in reach is not to wait for what is not",
        ),
        Choice(WAIT, f"WAIT FOR {away}", {"the other regions": "as they are", away: "as it was"}),
    )


def still_waiting(run: ERun, seen: InReach) -> str:
    return f"decided: wait until {', '.join(seen.away)} answers" if seen.choice == WAIT and seen.away else ""


REACH = choices(
    titles.REACH,
    changes="records whether this run goes on without a region that does not answer",
    look=see_reach,
    answers=two_ways,
    expect=all_answer,
    forbidden=still_waiting,
    needs=(),
)


STEPS = (REACH,)
