"""A job's output is an object, or not known; a job that was never started is told apart from one that failed."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.services import stepfunctions
from tests.services.conftest import Edit

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:syncwell-revoke-tokens"


def test_a_job_runs_and_puts_out_its_counts(aws: Aws, world: Any) -> None:
    assert stepfunctions.execution(aws, "us-east-1", MACHINE, "one") == stepfunctions.JobRun()
    stepfunctions.start(aws, "us-east-1", MACHINE, "one", {"issuer": "pulse"})
    assert stepfunctions.execution(aws, "us-east-1", MACHINE, "one").status == "RUNNING"
    world.request("POST", "/_sandbox/clock", {"sleep": 60})
    found = stepfunctions.execution(aws, "us-east-1", MACHINE, "one")
    assert (found.status, found.output["way"], found.output["left"]) == ("SUCCEEDED", "subject", 0)


@pytest.mark.parametrize("text", ["[1]", "no JSON", "7"])
def test_an_output_that_is_no_object_is_unknown(aws: Aws, edit: Edit, text: str) -> None:
    stepfunctions.start(aws, "us-east-1", MACHINE, f"odd-{text[:1]}", {"issuer": "stride"})
    edit("stepfunctions.DescribeExecution", lambda answer: answer.update(status="SUCCEEDED", output=text))
    with pytest.raises(Unknown, match=r"JSON"):
        stepfunctions.execution(aws, "us-east-1", MACHINE, f"odd-{text[:1]}")
