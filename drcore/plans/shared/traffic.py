"""Whether today's traffic is enough to prove a goal that is judged by users' requests.

Said in preflight: too little of it is no reason to leave users as they are, but the plan then ends UNKNOWN.
"""

from __future__ import annotations

from drcore.engine.outcome import Check, StepName, no, yes


def can_be_proved(goal: StepName, of: str, requests: int, minutes: float, least: int) -> Check:
    """The requests to something in the last minutes against the least that the goal wants to see in each minute."""
    if not requests:
        return no(
            f"no request to {of} was measured in the last {minutes:g} minutes, which is not the same as no errors: "
            f"correct its name in the parameters, or {goal.title} will be UNKNOWN"
        )
    a_minute = int(requests / minutes)
    if a_minute < least:
        return no(
            f"{a_minute} requests a minute to {of}, and {goal.title} wants at least {least} in each: with today's "
            "traffic it will be UNKNOWN (minimum_sample)"
        )
    return yes(f"{a_minute} requests a minute to {of}, at least {least} are wanted")
