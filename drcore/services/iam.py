"""IAM: what a role may do, asked of the policy simulator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Unknown


def entity(aws: Aws, region: str, caller: str) -> str:
    """The user or the role behind a caller's ARN, as the simulator wants it. Raises Unknown, Rejected.

    The ARN of a session leaves out the path of its role.
    """
    session = caller.partition(":assumed-role/")[2]
    if not session:
        return caller
    role: str = aws.call("iam", region, "get_role", RoleName=session.partition("/")[0])["Role"]["Arn"]
    return role


@dataclass(frozen=True, slots=True)
class TrustedRole:
    """A role with the path that it stands under, and the statements that say who may take it on."""

    name: str
    path: str
    trust: tuple[Mapping[str, Any], ...]


def role(aws: Aws, region: str, name: str) -> TrustedRole:
    """A role by its name. Raises Unknown, Rejected."""
    description = aws.call("iam", region, "get_role", RoleName=name)["Role"]
    document = description["AssumeRolePolicyDocument"]
    statements = (json.loads(document) if isinstance(document, str) else document)["Statement"]
    return TrustedRole(
        name, description["Path"], tuple([statements] if isinstance(statements, Mapping) else statements)
    )


def denied(
    aws: Aws, region: str, principal: str, actions: Sequence[str], resources: Sequence[str] = ("*",)
) -> tuple[tuple[str, str], ...]:
    """Which of some actions a user or a role may not do on which of some resources. Raises Unknown, Rejected.

    Unknown also where the simulator has not answered for each of both: what it does not speak of is not allowed.
    """
    decisions = {
        (each["EvalActionName"], each["EvalResourceName"]): each["EvalDecision"]
        for each in aws.pages(
            "iam",
            region,
            "simulate_principal_policy",
            "EvaluationResults",
            PolicySourceArn=principal,
            ActionNames=list(actions),
            ResourceArns=list(resources),
        )
    }
    asked = [(action, resource) for action in actions for resource in resources]
    silent = [f"{action} on {resource}" for action, resource in asked if (action, resource) not in decisions]
    if silent:
        raise Unknown(f"iam simulate_principal_policy in {region}: no answer for {', '.join(silent)}")
    return tuple(each for each in asked if decisions[each] != "allowed")
