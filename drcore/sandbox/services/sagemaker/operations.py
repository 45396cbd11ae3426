"""SageMaker: the operations on models, endpoint configurations, endpoints.

Every request is held against botocore's model: lengths, bounds, patterns, enumerations. Simplified: a model is its
name; tags are taken and forgotten.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.protocol.validation import faults_of
from drcore.sandbox.services.sagemaker.rollouts import invalid
from drcore.sandbox.services.sagemaker.state import EndpointConfig, Endpoints, LiveVariant, ModelEndpoint

_PROPERTIES = frozenset({"DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"})


def checked(call: AwsCall) -> Mapping[str, Any]:
    """The parameters. Raises AwsError (ValidationException) with all that the model does not allow."""
    shape = call.message.model.input_shape
    faults = faults_of(shape, call.params, "request") if shape is not None else []
    if faults:
        raise invalid(f"{len(faults)} validation error(s) detected: {'; '.join(faults)}")
    return call.params


@operation("sagemaker", "CreateModel")
def create_model(call: AwsCall) -> dict[str, Any]:
    """As the API, without looking at the image."""
    params, models = checked(call), call.world.state(Endpoints).models[call.region]
    if params["ModelName"] in models:
        raise invalid(f'Cannot create already existing model "{params["ModelName"]}".')
    models[params["ModelName"]] = dict(params) | {"CreationTime": call.world.clock.now()}
    return {"ModelArn": call.world.state(Endpoints).model_arn(call.region, params["ModelName"])}


@operation("sagemaker", "DescribeModel")
def describe_model(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    store, name = call.world.state(Endpoints), checked(call)["ModelName"]
    if name not in store.models[call.region]:
        raise invalid(f'Could not find model "{store.model_arn(call.region, name)}".')
    document = {key: value for key, value in store.models[call.region][name].items() if key != "Tags"}
    return document | {"ModelArn": store.model_arn(call.region, name)}


@operation("sagemaker", "ListModels")
def list_models(call: AwsCall) -> dict[str, Any]:
    """As the API: newest first, ten a page."""
    params, store = checked(call), call.world.state(Endpoints)
    models = [(name, each["CreationTime"]) for name, each in store.models[call.region].items()]
    ordered = _ordered(
        params,
        [each for each in models if _asked_for(params, *each)],
        {"Name": lambda row: row[0], "CreationTime": lambda row: row[1]},
    )
    rows = [
        {"ModelName": name, "ModelArn": store.model_arn(call.region, name), "CreationTime": created}
        for name, created in ordered
    ]
    return _page(params, "Models", rows)


@operation("sagemaker", "CreateEndpointConfig")
def create_endpoint_config(call: AwsCall) -> dict[str, Any]:
    """As the API: its models must be there."""
    params = checked(call)
    names = [each["VariantName"] for each in params["ProductionVariants"]]
    if len(set(names)) < len(names):
        raise invalid("The names of production variants must be unique")
    if any("ModelName" not in each for each in params["ProductionVariants"]) and not params.get("ExecutionRoleArn"):
        raise invalid("ExecutionRoleArn is required for variants without ModelName")
    return {"EndpointConfigArn": call.world.state(Endpoints).create_config(call.region, params).arn}


@operation("sagemaker", "DescribeEndpointConfig")
def describe_endpoint_config(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    config = call.world.state(Endpoints).config(call.region, checked(call)["EndpointConfigName"])
    return {**config.given, **_named(config)}


@operation("sagemaker", "ListEndpointConfigs")
def list_endpoint_configs(call: AwsCall) -> dict[str, Any]:
    """As the API: newest first, ten a page."""
    params, configs = checked(call), list(call.world.state(Endpoints).configs[call.region].values())
    shown = [each for each in configs if _asked_for(params, each.name, each.created)]
    ordered = _ordered(
        params, shown, {"Name": lambda config: config.name, "CreationTime": lambda config: config.created}
    )
    return _page(params, "EndpointConfigs", [_named(each) for each in ordered])


@operation("sagemaker", "DeleteEndpointConfig")
def delete_endpoint_config(call: AwsCall) -> dict[str, Any]:
    """As the API, which deletes one that an endpoint has, too: then there is no way back to it."""
    store, name = call.world.state(Endpoints), checked(call)["EndpointConfigName"]
    store.config(call.region, name)
    del store.configs[call.region][name]
    return {}


@operation("sagemaker", "CreateEndpoint")
def create_endpoint(call: AwsCall) -> dict[str, Any]:
    """As the API; it takes four minutes."""
    params = checked(call)
    made = call.world.state(Endpoints).create(call.region, params["EndpointName"], params["EndpointConfigName"])
    return {"EndpointArn": made.arn}


@operation("sagemaker", "DeleteEndpoint")
def delete_endpoint(call: AwsCall) -> dict[str, Any]:
    """As the API: not while it is created or changed."""
    endpoint = call.world.state(Endpoints).endpoint(call.region, checked(call)["EndpointName"])
    if endpoint.status in ("Creating", "Updating", "RollingBack", "SystemUpdating"):
        raise invalid(f'Cannot delete endpoint "{endpoint.arn}" with the status {endpoint.status}.')
    endpoint.status = "Deleting"
    return {}


@operation("sagemaker", "DescribeEndpoint")
def describe_endpoint(call: AwsCall) -> dict[str, Any]:
    """As the API: EndpointConfigName is the old one until an update is over, the new one is pending."""
    store = call.world.state(Endpoints)
    endpoint = store.endpoint(call.region, checked(call)["EndpointName"])
    answer = _summary(endpoint) | {
        "EndpointConfigName": endpoint.config,
        "ProductionVariants": [_variant(each, endpoint) for each in endpoint.variants.values()],
    }
    if endpoint.failure:
        answer["FailureReason"] = endpoint.failure
    if endpoint.policy:
        answer["LastDeploymentConfig"] = dict(endpoint.policy)
    if endpoint.update is not None and endpoint.update.config:
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": endpoint.update.config,
            "StartTime": endpoint.update.begun,
            "ProductionVariants": [
                {"VariantName": each.name, "DesiredWeight": each.weight, "DesiredInstanceCount": each.count}
                for each in endpoint.update.to.values()
            ],
        }
    return answer


@operation("sagemaker", "ListEndpoints")
def list_endpoints(call: AwsCall) -> dict[str, Any]:
    """As the API: newest first, ten a page."""
    params, endpoints = checked(call), list(call.world.state(Endpoints).endpoints[call.region].values())
    status = params.get("StatusEquals")
    shown = [e for e in endpoints if _asked_for(params, e.name, e.created) and status in (None, e.status)]
    keys = {"Name": lambda e: e.name, "CreationTime": lambda e: e.created, "Status": lambda e: e.status}
    return _page(params, "Endpoints", [_summary(each) for each in _ordered(params, shown, keys)])


@operation("sagemaker", "UpdateEndpoint")
def update_endpoint(call: AwsCall) -> dict[str, Any]:
    """As the API: counts and weights are those of the new configuration unless they are to be retained."""
    params, store = checked(call), call.world.state(Endpoints)
    endpoint = store.endpoint(call.region, params["EndpointName"])
    policy = params.get("DeploymentConfig")
    if policy is None and params.get("RetainDeploymentConfig"):
        policy = endpoint.policy
    retained = frozenset[str]()
    if params.get("RetainAllVariantProperties"):
        excluded = params.get("ExcludeRetainedVariantProperties") or ()
        retained = _PROPERTIES - {each["VariantPropertyType"] for each in excluded}
    store.begin(endpoint, params["EndpointConfigName"], policy, retained)
    return {"EndpointArn": endpoint.arn}


@operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
def update_endpoint_weights_and_capacities(call: AwsCall) -> dict[str, Any]:
    """As the API; it takes two minutes."""
    params, store = checked(call), call.world.state(Endpoints)
    endpoint = store.endpoint(call.region, params["EndpointName"])
    wanted: dict[str, LiveVariant] = {}
    for desired in params["DesiredWeightsAndCapacities"]:
        name = desired["VariantName"]
        if name not in endpoint.variants:
            raise invalid(f'Could not find variant "{name}" of endpoint "{endpoint.name}"')
        known = endpoint.variants[name]
        weight, count = desired.get("DesiredWeight", known.weight), desired.get("DesiredInstanceCount", known.count)
        wanted[name] = replace(known, weight=float(weight), count=int(count))
    store.rescale(endpoint, wanted)
    return {"EndpointArn": endpoint.arn}


def _summary(endpoint: ModelEndpoint) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }


def _variant(variant: LiveVariant, endpoint: ModelEndpoint) -> dict[str, Any]:
    """A live variant; what it is to become differs from what it is while weights or counts change."""
    wanted = variant
    if endpoint.update is not None and not endpoint.update.config:
        wanted = endpoint.update.to[variant.name]
    return {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": wanted.weight,
        "CurrentInstanceCount": variant.count,
        "DesiredInstanceCount": wanted.count,
    }


def _named(config: EndpointConfig) -> dict[str, Any]:
    return {"EndpointConfigName": config.name, "EndpointConfigArn": config.arn, "CreationTime": config.created}


def _asked_for(params: Mapping[str, Any], name: str, created: Any) -> bool:
    before, after = params.get("CreationTimeBefore"), params.get("CreationTimeAfter")
    return (
        str(params.get("NameContains") or "").lower() in name.lower()
        and (before is None or created < aware(before))
        and (after is None or created > aware(after))
    )


def _ordered(params: Mapping[str, Any], rows: list[Any], keys: Mapping[str, Callable[[Any], Any]]) -> Sequence[Any]:
    key = keys[params.get("SortBy") or "CreationTime"]
    return sorted(rows, key=key, reverse=params.get("SortOrder") != "Ascending")


def _page(params: Mapping[str, Any], name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    try:
        here, token = page(rows, params.get("NextToken"), int(params.get("MaxResults") or 10))
    except AwsError as error:
        raise invalid(error.message) from None
    return {name: list(here)} | ({"NextToken": token} if token else {})
