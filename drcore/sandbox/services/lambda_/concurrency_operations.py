"""Lambda: the operations on provisioned concurrency."""

from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.services.lambda_.provisioned_concurrency import ProvisionedConcurrency, WantedConcurrency
from drcore.sandbox.services.lambda_.state import Lambda, plain_name


@operation("lambda", "PutProvisionedConcurrencyConfig")
def put_provisioned_concurrency_config(call: AwsCall) -> dict[str, Any]:
    """As the API; refused while the alias has a routing configuration, and above what the function has reserved."""
    arn, wanted = _alias_arn(call, must_be_plain=True), int(call.params["ProvisionedConcurrentExecutions"])
    configs, function = call.world.state(ProvisionedConcurrency), arn.rpartition(":")[0]
    others = sum(count for alias, count in configs.requested(function).items() if f"{function}:{alias}" != arn)
    reserved = call.world.state(Lambda).reserved(call.region, plain_name(call.params["FunctionName"]))
    if reserved is not None and others + wanted > reserved:
        raise AwsError(
            "InvalidParameterValueException",
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
        )
    return _document(call, configs.put(arn, wanted))


@operation("lambda", "GetProvisionedConcurrencyConfig")
def get_provisioned_concurrency_config(call: AwsCall) -> dict[str, Any]:
    """As the API: IN_PROGRESS, then READY."""
    known = call.world.state(ProvisionedConcurrency).get(_alias_arn(call))
    if known is None:
        raise AwsError(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            404,
        )
    return _document(call, known)


@operation("lambda", "DeleteProvisionedConcurrencyConfig")
def delete_provisioned_concurrency_config(call: AwsCall) -> dict[str, Any]:
    """As the API; refused while the alias has a routing configuration."""
    call.world.state(ProvisionedConcurrency).delete(_alias_arn(call, must_be_plain=True))
    return {}


@operation("lambda", "ListProvisionedConcurrencyConfigs")
def list_provisioned_concurrency_configs(call: AwsCall) -> dict[str, Any]:
    """As the API, on one page."""
    function = call.world.state(Lambda).function(call.region, plain_name(call.params["FunctionName"]))
    configs = call.world.state(ProvisionedConcurrency)
    shown = []
    for alias in configs.requested(function.function_arn):
        arn = f"{function.function_arn}:{alias}"
        known = configs.get(arn)
        if known is not None:
            shown.append({"FunctionArn": arn} | _document(call, known))
    return {"ProvisionedConcurrencyConfigs": shown}


def _alias_arn(call: AwsCall, *, must_be_plain: bool = False) -> str:
    qualifier = call.params["Qualifier"]
    if qualifier == "$LATEST" or qualifier.isdecimal():
        raise AwsError("InvalidParameterValueException", "Only aliases are emulated: Qualifier must name one")
    functions = call.world.state(Lambda)
    alias = functions.alias(call.region, plain_name(call.params["FunctionName"]), qualifier)
    if must_be_plain and functions.weights(alias):
        raise AwsError(
            "InvalidParameterValueException",
            "Alias with weights can not be used with Provisioned Concurrency",
        )
    return str(alias.arn)


def _document(call: AwsCall, known: WantedConcurrency) -> dict[str, Any]:
    ready = known.ready(call.world.clock.now())
    return {
        "RequestedProvisionedConcurrentExecutions": known.wanted,
        "AllocatedProvisionedConcurrentExecutions": known.wanted if ready else 0,
        "AvailableProvisionedConcurrentExecutions": known.wanted if ready else 0,
        "Status": "READY" if ready else "IN_PROGRESS",
        "LastModified": iso(known.since),
    }
