"""Lambda: a function whose configuration was changed, or that was just published, is not ready at once.

For some seconds it is InProgress, or a new version Pending, and takes no other change. Simplified: no update fails, no
function becomes Inactive; both can be shown by the fault `answer`.
"""

from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World

UPDATING = (3.0, 9.0)
"""Seconds that a change of a function takes, from … to …"""
STARTING = (1.0, 6.0)
"""Seconds that a new version is Pending."""


class Updates:
    """Until when functions, and versions of them, are still at a change; by ARN."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._until: dict[str, datetime] = {}

    def begin(self, arn: str, takes: tuple[float, float]) -> None:
        """A change begins now."""
        now = self._world.clock.now()
        self._until[arn] = now + timedelta(seconds=round(self._world.rng("update", arn, now).uniform(*takes), 3))

    def at_work(self, arn: str) -> bool:
        """Whether a change is still under way."""
        return arn in self._until and self._world.clock.now() < self._until[arn]

    def refuse(self, arn: str) -> None:
        """Raises AwsError (ResourceConflictException) while a change is under way."""
        if self.at_work(arn):
            message = f"The operation cannot be performed at this time. An update is in progress for resource: {arn}"
            raise AwsError("ResourceConflictException", message, 409)


@operation("lambda", "UpdateFunctionConfiguration")
def update_function_configuration(call: AwsCall) -> dict[str, Any]:
    """As the API; refused while another change is under way."""
    return _changed(call)


@operation("lambda", "UpdateFunctionCode")
def update_function_code(call: AwsCall) -> dict[str, Any]:
    """As the API; refused while another change is under way."""
    return _changed(call)


@operation("lambda", "GetFunctionConfiguration")
def get_function_configuration(call: AwsCall) -> dict[str, Any]:
    """As the API, with the states that moto lacks."""
    return _with_states(call, call.forward())


def _changed(call: AwsCall) -> dict[str, Any]:
    updates, arn = call.world.state(Updates), _arn(call)
    updates.refuse(arn)
    answer = call.forward()
    updates.begin(arn, UPDATING)
    return _with_states(call, answer)


def _with_states(call: AwsCall, answer: dict[str, Any]) -> dict[str, Any]:
    updates, arn = call.world.state(Updates), str(answer["FunctionArn"])
    published = str(answer.get("Version", "$LATEST")) != "$LATEST"
    base = arn.removesuffix(f":{answer.get('Version')}")
    states = {"State": "Active", "LastUpdateStatus": "Successful"}
    if published and updates.at_work(f"{base}:{answer['Version']}"):
        states |= {"State": "Pending", "StateReasonCode": "Creating", "StateReason": "The function is being created."}
    elif not published and updates.at_work(base):
        states |= {"LastUpdateStatus": "InProgress", "LastUpdateStatusReason": "The function is being updated."}
    return answer | states


def _arn(call: AwsCall) -> str:
    name = call.params["FunctionName"].rpartition(":function:")[2].partition(":")[0]
    return f"arn:aws:lambda:{call.region}:{call.account}:function:{name}"
