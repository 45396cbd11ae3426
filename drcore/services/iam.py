"""IAM: what a role may do, asked of the policy simulator."""

from __future__ import annotations

from collections.abc import Sequence

from drcore.calls.aws import Aws


def denied(aws: Aws, region: str, role: str, actions: Sequence[str], resource: str) -> tuple[str, ...]:
    """Which of some actions a role may not do on a resource. Raises Unknown, Rejected."""
    answer = aws.call(
        "iam",
        region,
        "simulate_principal_policy",
        PolicySourceArn=role,
        ActionNames=list(actions),
        ResourceArns=[resource],
    )
    return tuple(each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed")
