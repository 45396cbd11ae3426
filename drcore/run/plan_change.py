"""Whether a run may go on by a plan that has changed since it was begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drcore.engine.step import Plan
from drcore.record.events import Kind, key_of
from drcore.record.format import begun_before_keys
from drcore.record.history import History


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What has changed, in words; `refused`: the run has reached it, so that going on could do a thing twice."""

    why: str
    refused: bool


def plan_change(plan: Plan[Any], history: History) -> PlanChange | None:
    """How the plan differs from the one that a run was begun with: in keys, order, shapes of states. None: not at all.

    Code, titles and words may change: the run looks before each act in any case.
    """
    opened = history.last(Kind.OPENED, Kind.OPENED_AGAIN)
    host = history.last(Kind.HOST)
    revision = str(host.get("revision", "not known")) if host else "not known"
    if why := begun_before_keys(history):
        return PlanChange(why, refused=True)
    begun: dict[str, str] = opened["steps"] if opened else {}
    now = plan.fingerprints()
    if list(begun.items()) == list(now.items()):
        return None
    reached = {key_of(line) for line in history.lines(Kind.STEP, Kind.INTENT)} & set(begun)
    last = max((number for number, key in enumerate(begun, start=1) if key in reached), default=0)
    if list(begun.items())[:last] == list(now.items())[:last]:
        later = ", ".join(key for key in {**begun, **now} if begun.get(key) != now.get(key)) or "their order"
        return PlanChange(
            f"Plan {plan.id.upper()} has changed since this run was begun (revision {revision}), in steps that it had "
            f"not reached: {later}. It goes on by the plan as it is now.",
            refused=False,
        )
    changed = ", ".join(key for key in {**begun, **now} if begun.get(key) != now.get(key)) or "their order"
    return PlanChange(
        f"plan {plan.id.upper()} has changed since this run was begun, in steps that it has reached ({changed}). "
        f"Check out revision {revision}, and go on there. Nothing was changed.",
        refused=True,
    )
