"""IAM: what a role may do, asked of the policy simulator."""

from __future__ import annotations

from collections.abc import Sequence

from drcore.calls.aws import Aws
from drcore.errors import Unknown


def denied(aws: Aws, region: str, role: str, actions: Sequence[str], resource: str = "") -> tuple[str, ...]:
    """Which of some actions a role may not do, on a resource or on all of them. Raises Unknown, Rejected.

    Unknown also where the simulator has not answered for each action: what it does not speak of is not allowed.
    """
    about = {"ResourceArns": [resource]} if resource else {}
    decisions = {
        each["EvalActionName"]: each["EvalDecision"]
        for each in aws.pages(
            "iam",
            region,
            "simulate_principal_policy",
            "EvaluationResults",
            PolicySourceArn=role,
            ActionNames=list(actions),
            **about,
        )
    }
    silent = [action for action in actions if action not in decisions]
    if silent:
        raise Unknown(f"iam simulate_principal_policy in {region}: no answer for {', '.join(silent)}")
    return tuple(action for action in actions if decisions[action] != "allowed")
