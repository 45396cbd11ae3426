"""Whether a run will keep its RTO, by how long each step took in the last drill.

AWS tells no rate of a restore, an export or a deployment, and no percent: what an earlier drill took is all that there
is to go by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.engine.step import Plan, Step
from drcore.record.history import History
from drcore.record.step_turns import step_turns


def durations(history: History) -> Mapping[str, timedelta]:
    """How long each step of a drill took, the last time that it was carried out; the goal until users were well."""
    well, took = history.moments().get("healthy"), {}
    for turn in step_turns(history):
        ended = min(turn.ended, well) if well and well >= turn.began else turn.ended
        took[turn.key] = ended - turn.began
    return took


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is said of the RTO, empty where that cannot be told; whether it will be missed."""

    text: str = ""
    missed: bool = False


def forecast(
    plan: Plan[Any], step: Step[Any, Any], took: Mapping[str, timedelta], began: datetime, now: datetime, due: datetime
) -> Forecast:
    """When users are well if all goes as in the last drill, or the step at which the RTO is missed.

    `began` is when this step did. Empty where that drill did not come to this step, or to the goal.
    """
    to_come = plan.steps[plan.steps.index(step) : plan.steps.index(plan.goal) + 1]
    if not to_come or step.key not in took or plan.goal.key not in took:
        return Forecast()
    at = now
    for ahead in to_come:
        took_then = took.get(ahead.key, timedelta())
        at += max(took_then - (now - began), timedelta()) if ahead is step else took_then
        if at > due:
            late = (at - due).total_seconds() / 60
            text = f"as in the last drill it will miss the RTO at {ahead.title}, by {late:.0f} min or more"
            return Forecast(text, missed=True)
    left = (due - at).total_seconds() / 60
    return Forecast(f"as in the last drill users are well at {at:%H:%M}, {left:.0f} min before the RTO is over")
