"""An execution is started once under its name, and tells its output when it is over."""

import json
from typing import Any

from tests.support.syncwell_world import EAST, SyncWellWorld, refused

MACHINE = f"arn:aws:states:{EAST}:123456789012:stateMachine:syncwell-revoke-tokens"
ASKED = {"stateMachineArn": MACHINE, "name": "run-1-stride", "input": json.dumps({"issuer": "stride"})}


def ended(client: Any, arn: str) -> Any:
    found = client.describe_execution(executionArn=arn)
    return found["status"], json.loads(found["output"])


def test_an_execution_should_run_and_put_out_its_counts() -> None:
    world = SyncWellWorld()
    client = world.client("stepfunctions")
    arn = client.start_execution(**ASKED)["executionArn"]
    running = client.describe_execution(executionArn=arn)
    assert (running["status"], "output" in running) == ("RUNNING", False)
    assert client.start_execution(**ASKED)["executionArn"] == arn, "the same while it runs"
    world.sleep(60)
    status, output = ended(client, arn)
    assert (status, output["way"], output["left"]) == ("SUCCEEDED", "token", 0)
    assert output["revoked"] == output["tokens"] > 200
    refused("ExecutionAlreadyExists", client.start_execution, **ASKED)


def test_what_is_not_there_should_be_refused() -> None:
    client = SyncWellWorld().client("stepfunctions")
    refused("StateMachineDoesNotExist", client.start_execution, stateMachineArn=MACHINE.replace("revoke", "x"))
    refused("InvalidExecutionInput", client.start_execution, stateMachineArn=MACHINE, input="{")
    refused("ExecutionDoesNotExist", client.describe_execution, executionArn=f"{MACHINE}:x")
