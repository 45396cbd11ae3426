"""The policy simulator answers page by page: what stands on the second one counts too."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services import iam
from tests.services.conftest import Edit

ROLE = "arn:aws:iam::123456789012:role/syncwell-recovery"
MANY = [f"s3:GetThing{number}" for number in range(120)]
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


def test_an_action_that_is_denied_is_found_behind_a_hundred_others(world: InProcess, aws: Aws) -> None:
    options = {"service": "sqs", "operation": "DeleteQueue"}
    world.request("POST", "/_sandbox/faults", {"name": "access-denied", "options": options})
    assert iam.denied(aws, "us-east-1", ROLE, [*MANY, "sqs:DeleteQueue"], (QUEUE,)) == (("sqs:DeleteQueue", QUEUE),)
    world.request("DELETE", "/_sandbox/faults/access-denied")
    assert iam.denied(aws, "us-east-1", ROLE, [*MANY, "sqs:ListQueues"], (QUEUE,)) == ()


def test_who_is_asked_about_is_the_role_behind_a_session(aws: Aws) -> None:
    session = "arn:aws:sts::123456789012:assumed-role/syncwell-recovery/f-drill-1"
    assert iam.entity(aws, "us-east-1", session) == ROLE
    user = "arn:aws:iam::123456789012:user/operator"
    assert iam.entity(aws, "us-east-1", user) == user


def test_an_action_without_an_answer_is_not_allowed(aws: Aws, edit: Edit) -> None:
    def forget(answer: dict[str, Any]) -> None:
        answer["EvaluationResults"] = answer["EvaluationResults"][1:]

    edit("iam.SimulatePrincipalPolicy", forget)
    with pytest.raises(Unknown, match="no answer for s3:GetObject"):
        iam.denied(aws, "us-east-1", ROLE, ["s3:GetObject", "s3:PutObject"], ("arn:aws:s3:::b/*",))
