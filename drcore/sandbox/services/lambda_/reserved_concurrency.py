"""Lambda's reserved concurrency: 0 lets no request of any version in."""

from typing import Any

from drcore.sandbox.core.behaviours import Behaviours
from drcore.sandbox.core.registry import AwsCall, operation
from drcore.sandbox.services.lambda_.operations import CONCURRENCY
from drcore.sandbox.services.lambda_.state import Lambda, invalid, plain_name

UNRESERVED = 100
"""Executions that must remain for the functions without a reservation."""


@operation("lambda", "PutFunctionConcurrency")
def put_function_concurrency(call: AwsCall) -> dict[str, Any]:
    """As the API; refused below what the function's aliases have provisioned, unless an account answers otherwise."""
    functions, name = call.world.state(Lambda), plain_name(call.params["FunctionName"])
    arn = functions.function(call.region, name).function_arn
    wanted = int(call.params["ReservedConcurrentExecutions"])
    provisioned = sum(functions.concurrency.requested(arn).values())
    if wanted < provisioned and call.world.state(Behaviours).word("reserved-below-provisioned") == "refused":
        raise invalid(
            f"ReservedConcurrentExecutions {wanted} should not be lower than function's total provisioned concurrency "
            f"[{provisioned}]."
        )
    others = sum(
        functions.reserved(call.region, each.function_name) or 0
        for each in functions.store(call.region).latest()
        if each.function_name != name
    )
    if wanted < 0 or CONCURRENCY - others - wanted < UNRESERVED:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED}]."
        )
    functions.reserve(call.region, name, wanted)
    return {"ReservedConcurrentExecutions": wanted}


@operation("lambda", "GetFunctionConcurrency")
def get_function_concurrency(call: AwsCall) -> dict[str, Any]:
    """As the API: without a reservation the answer is empty."""
    reserved = call.world.state(Lambda).reserved(call.region, plain_name(call.params["FunctionName"]))
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


@operation("lambda", "DeleteFunctionConcurrency")
def delete_function_concurrency(call: AwsCall) -> dict[str, Any]:
    """As the API: without one, nothing happens."""
    call.world.state(Lambda).reserve(call.region, plain_name(call.params["FunctionName"]), None)
    return {}
