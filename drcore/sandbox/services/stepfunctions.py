"""Step Functions: executions of state machines that the company has, each started once under its name.

An execution that is started again under its name with the same input is the same one while it runs; afterwards, or with
another input, it is refused. What a machine does, and for how long, is a function of time that its owner gives.
Simplified: standard workflows only, no definition, no history.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World

Output = Mapping[str, Any]
Progress = Callable[[datetime], tuple[bool, Output]]
"""At a moment: whether it is over, and what it has put out by then (shown once it is over)."""
Machine = Callable[[str, Mapping[str, Any], datetime], Progress]
"""Begins an execution in a region with an input; returns how it goes on."""


@dataclass(frozen=True, slots=True)
class MachineExecution:
    """One execution."""

    arn: str
    machine: str
    name: str
    input: str
    started: datetime
    progress: Progress


class StateMachines:
    """The state machines of both regions, with their executions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._machines: dict[str, Machine] = {}
        self.executions: dict[str, MachineExecution] = {}
        world.add_to_dump("executions", lambda: {each.arn: each.input for each in self.executions.values()})

    def make(self, region: str, name: str, machine: Machine) -> None:
        """Make a state machine."""
        self._machines[f"arn:aws:states:{region}:{self._world.account}:stateMachine:{name}"] = machine

    def start(self, region: str, machine: str, name: str, text: str) -> MachineExecution:
        """Start an execution; the same one where it runs already. Raises AwsError."""
        if machine not in self._machines:
            raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{machine}'", 400)
        try:
            given = json.loads(text)
        except ValueError as error:
            raise AwsError("InvalidExecutionInput", f"Invalid State Machine Execution Input: {error}", 400) from None
        now, arn = self._world.clock.now(), f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        known = self.executions.get(arn)
        if known is not None:
            if known.input == text and not known.progress(now)[0]:
                return known
            raise AwsError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'", 400)
        begun = MachineExecution(arn, machine, name, text, now, self._machines[machine](region, given, now))
        self.executions[arn] = begun
        return begun


@operation("stepfunctions", "StartExecution")
def start_execution(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    machine, text = call.params["stateMachineArn"], call.params.get("input", "{}")
    stream = call.world.rng("execution", call.region, len(call.world.state(StateMachines).executions))
    name = call.params.get("name") or f"{stream.getrandbits(128):032x}"
    begun = call.world.state(StateMachines).start(call.region, machine, name, text)
    return {"executionArn": begun.arn, "startDate": begun.started}


@operation("stepfunctions", "DescribeExecution")
def describe_execution(call: AwsCall) -> dict[str, Any]:
    """As the API: RUNNING or SUCCEEDED, the output of one that is over."""
    execution = call.world.state(StateMachines).executions.get(call.params["executionArn"])
    if execution is None or execution.arn.split(":")[3] != call.region:
        raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{call.params['executionArn']}'", 400)
    over, output = execution.progress(call.world.clock.now())
    shown = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine,
        "name": execution.name,
        "status": "SUCCEEDED" if over else "RUNNING",
        "startDate": execution.started,
        "input": execution.input,
    }
    return shown | ({"output": json.dumps(output, sort_keys=True)} if over else {})
