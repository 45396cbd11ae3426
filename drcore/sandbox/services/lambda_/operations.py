"""Lambda: the operations on versions or weighted aliases that moto lacks or does wrong.

Simplified: an absent RoutingConfig keeps the weights (what AWS does is not certain, and this is the nastier
reading); no code is run, Invoke says which version would have answered.
"""

from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.lambda_.state import Lambda, Weights, alias_document, invalid, plain_name
from drcore.sandbox.services.lambda_.updates import STARTING, Updates

CONCURRENCY = 1000
"""Executions at once that the account may run in a region, a default quota."""


@operation("lambda", "CreateAlias")
def create_alias(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    params, name = call.params, plain_name(call.params["FunctionName"])
    weights = _weights(params.get("RoutingConfig")) or {}
    functions = call.world.state(Lambda)
    args = (params["Name"], params["FunctionVersion"], weights, params.get("Description") or "")
    return alias_document(functions.create_alias(call.region, name, *args))


@operation("lambda", "GetAlias")
def get_alias(call: AwsCall) -> dict[str, Any]:
    """As the API; RoutingConfig is absent when no additional version is named."""
    name = plain_name(call.params["FunctionName"])
    return alias_document(call.world.state(Lambda).alias(call.region, name, call.params["Name"]))


@operation("lambda", "UpdateAlias")
def update_alias(call: AwsCall) -> dict[str, Any]:
    """As the API: RevisionId is compared (PreconditionFailedException, 412) and is new after each change.

    An empty AdditionalVersionWeights clears the weights; an absent RoutingConfig keeps them.
    """
    params, name = call.params, plain_name(call.params["FunctionName"])
    functions = call.world.state(Lambda)
    known = functions.alias(call.region, name, params["Name"])
    if params.get("RevisionId") not in (None, known.revision_id):
        raise AwsError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetAlias API to retrieve the latest Revision Id",
            412,
        )
    changed = functions.shift_alias(
        call.region,
        name,
        params["Name"],
        version=params.get("FunctionVersion"),
        weights=_weights(params.get("RoutingConfig")),
        description=params.get("Description"),
    )
    return alias_document(changed)


@operation("lambda", "ListAliases")
def list_aliases(call: AwsCall) -> dict[str, Any]:
    """As the API: by name, of one version if FunctionVersion is given."""
    params, name = call.params, plain_name(call.params["FunctionName"])
    functions = call.world.state(Lambda)
    functions.function(call.region, name)
    aliases = sorted(functions.aliases(call.region, name).values(), key=lambda alias: alias.name)
    wanted = params.get("FunctionVersion")
    shown = [
        alias_document(a) for a in aliases if wanted is None or wanted in functions.serving(call.region, name, a.name)
    ]
    here, marker = page(
        shown, params.get("Marker"), int(params.get("MaxItems") or 50), "InvalidParameterValueException"
    )
    return {"Aliases": list(here)} | ({"NextMarker": marker} if marker else {})


@operation("lambda", "PublishVersion")
def publish_version(call: AwsCall) -> dict[str, Any]:
    """As the API: nothing is published if nothing changed; CodeSha256 is compared."""
    params, name = call.params, plain_name(call.params["FunctionName"])
    functions = call.world.state(Lambda)
    latest = functions.function(call.region, name)
    if params.get("CodeSha256") not in (None, latest.code_sha_256):
        raise invalid(f"CodeSHA256 ({params['CodeSha256']}) is different from current ({latest.code_sha_256})")
    updates, arn = call.world.state(Updates), str(latest.function_arn)
    updates.refuse(arn)
    before = len(functions.store(call.region).published(name))
    version = functions.publish(call.region, name, description=params.get("Description"))
    if len(functions.store(call.region).published(name)) > before:
        updates.begin(f"{arn}:{version.version}", STARTING)
    return _configuration(version) | {"State": "Pending" if updates.at_work(f"{arn}:{version.version}") else "Active"}


@operation("lambda", "ListVersionsByFunction")
def list_versions_by_function(call: AwsCall) -> dict[str, Any]:
    """As the API: $LATEST, then the versions, oldest first, 50 a page."""
    params, name = call.params, plain_name(call.params["FunctionName"])
    functions = call.world.state(Lambda)
    functions.function(call.region, name)
    versions = list(functions.store(call.region).versions(name))
    size = min(int(params.get("MaxItems") or 50), 50)
    here, marker = page(versions, params.get("Marker"), size, "InvalidParameterValueException")
    return {"Versions": [_configuration(v) for v in here]} | ({"NextMarker": marker} if marker else {})


@operation("lambda", "GetAccountSettings")
def get_account_settings(call: AwsCall) -> dict[str, Any]:
    """As the API: what the account may run at once in a region, and what of it nobody has reserved."""
    latest = call.world.state(Lambda).store(call.region).latest()
    reserved = sum(int(function.reserved_concurrency or 0) for function in latest)
    limits = {"TotalCodeSize": 80_530_636_800, "CodeSizeUnzipped": 262_144_000, "CodeSizeZipped": 52_428_800}
    limits |= {"ConcurrentExecutions": CONCURRENCY, "UnreservedConcurrentExecutions": CONCURRENCY - reserved}
    size = sum(int(function.code_size) for function in latest)
    return {"AccountLimit": limits, "AccountUsage": {"TotalCodeSize": size, "FunctionCount": len(latest)}}


@operation("lambda", "Invoke")
def invoke(call: AwsCall) -> dict[str, Any]:
    """Runs no code: says which version answered, the heaviest one of an alias."""
    name = plain_name(call.params["FunctionName"])
    qualifier = call.params.get("Qualifier") or "$LATEST"
    functions = call.world.state(Lambda)
    version = qualifier
    if qualifier != "$LATEST" and not qualifier.isdecimal():
        serving = functions.serving(call.region, name, qualifier)
        version = max(serving, key=lambda v: serving[v])
    functions.function(call.region, name, version)
    return {"StatusCode": 200, "ExecutedVersion": version, "Payload": b'{"emulated": true}'}


def _weights(routing: Mapping[str, Any] | None) -> Weights | None:
    if routing is None:
        return None
    return {str(k): float(w) for k, w in (routing.get("AdditionalVersionWeights") or {}).items()}


def _configuration(version: LambdaFunction) -> dict[str, Any]:
    return {key: value for key, value in version.get_configuration().items() if value is not None}
