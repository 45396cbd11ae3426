"""SageMaker: the operations on inference components.

Simplified: one specification a component, no adapters.
"""

from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, operation
from drcore.sandbox.services.sagemaker.components import Components, InferenceComponent
from drcore.sandbox.services.sagemaker.operations import checked
from drcore.sandbox.services.sagemaker.rollouts import invalid
from drcore.sandbox.services.sagemaker.state import Endpoints


@operation("sagemaker", "CreateInferenceComponent")
def create_inference_component(call: AwsCall) -> dict[str, Any]:
    """As the API; it takes four minutes."""
    params = checked(call)
    made = call.world.state(Components).create(
        call.region,
        params["InferenceComponentName"],
        params["EndpointName"],
        params.get("VariantName") or "",
        params.get("Specification") or {},
        int((params.get("RuntimeConfig") or {}).get("CopyCount", 1)),
    )
    return {"InferenceComponentArn": made.arn}


@operation("sagemaker", "DescribeInferenceComponent")
def describe_inference_component(call: AwsCall) -> dict[str, Any]:
    """As the API: the specification is the old one until an update is over."""
    component = call.world.state(Components).get(call.region, checked(call)["InferenceComponentName"])
    runtime = {
        "DesiredCopyCount": component.update.copies if component.update else component.wanted,
        "CurrentCopyCount": component.copies,
    }
    answer = _summary(call, component) | {"Specification": dict(component.specification), "RuntimeConfig": runtime}
    answer |= {"FailureReason": component.failure} if component.failure else {}
    return answer | ({"LastDeploymentConfig": dict(component.policy)} if component.policy else {})


@operation("sagemaker", "ListInferenceComponents")
def list_inference_components(call: AwsCall) -> dict[str, Any]:
    """As the API: of an endpoint or of all, newest first, ten a page."""
    params = checked(call)
    documents = [
        _summary(call, each)
        for each in call.world.state(Components).known[call.region].values()
        if params.get("EndpointNameEquals") in (None, each.endpoint)
    ]
    documents.sort(key=lambda document: document["CreationTime"], reverse=params.get("SortOrder") != "Ascending")
    here, token = page(documents, params.get("NextToken"), int(params.get("MaxResults") or 10), "ValidationException")
    return {"InferenceComponents": list(here)} | ({"NextToken": token} if token else {})


@operation("sagemaker", "UpdateInferenceComponent")
def update_inference_component(call: AwsCall) -> dict[str, Any]:
    """As the API: batch by batch, with a way back of its own."""
    params, store = checked(call), call.world.state(Components)
    component = store.get(call.region, params["InferenceComponentName"])
    to = params.get("Specification") or dict(component.specification)
    model = to.get("ModelName")
    if model and model not in call.world.state(Endpoints).models[call.region]:
        raise invalid(f'Could not find model "{model}".')
    copies = int((params.get("RuntimeConfig") or {}).get("CopyCount", component.copies))
    store.begin(component, to, copies, params.get("DeploymentConfig"))
    return {"InferenceComponentArn": component.arn}


@operation("sagemaker", "UpdateInferenceComponentRuntimeConfig")
def update_inference_component_runtime_config(call: AwsCall) -> dict[str, Any]:
    """As the API: the number of copies alone, which run once a fleet would be up; those that fit its instances."""
    params, store = checked(call), call.world.state(Components)
    component = store.get(call.region, params["InferenceComponentName"])
    store.rescale(component, int(params["DesiredRuntimeConfig"]["CopyCount"]))
    return {"InferenceComponentArn": component.arn}


def _summary(call: AwsCall, component: InferenceComponent) -> dict[str, Any]:
    return {
        "InferenceComponentName": component.name,
        "InferenceComponentArn": component.arn,
        "EndpointName": component.endpoint,
        "EndpointArn": call.world.state(Endpoints).endpoint(call.region, component.endpoint).arn,
        "VariantName": component.variant,
        "CreationTime": component.created,
        "LastModifiedTime": component.modified,
        "InferenceComponentStatus": component.status,
    }
