"""Step Functions: an execution of a state machine, started once under its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown


@dataclass(frozen=True, slots=True)
class JobRun:
    """An execution: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or PENDING_REDRIVE. Empty: it was never started.

    `output` is what one that has succeeded put out, as far as it is a JSON object.
    """

    status: str = ""
    output: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""


def execution(aws: Aws, region: str, machine: str, name: str) -> JobRun:
    """How an execution does, by the ARN of its machine with its own name. Raises Rejected, Unknown."""
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    try:
        answer = aws.call("stepfunctions", region, "describe_execution", executionArn=arn)
    except Rejected as error:
        if error.code == "ExecutionDoesNotExist":
            return JobRun()
        raise
    text = answer.get("output") or "{}"
    try:
        output = json.loads(text)
    except ValueError as error:
        raise Unknown(f"stepfunctions in {region}: the output of {name} is not JSON: {error}") from error
    if not isinstance(output, dict):
        raise Unknown(f"stepfunctions in {region}: the output of {name}: expected a JSON object, seen {text[:80]!r}")
    return JobRun(answer["status"], output, answer.get("cause", ""))


def start(aws: Aws, region: str, machine: str, name: str, given: Mapping[str, Any]) -> str:
    """Start an execution; under the same name with the same input it is the same one while it runs. Returns its ARN.

    Raises Rejected, also for a name that was used; Unknown.
    """
    text = json.dumps(given, sort_keys=True)
    made = aws.call("stepfunctions", region, "start_execution", stateMachineArn=machine, name=name, input=text)
    return str(made["executionArn"])
