"""API Gateway (REST): deployments as immutable snapshots, stages that point at them, canaries.

Kept here and not in moto, whose API Gateway needs a validator of OpenAPI that is not installed and drops
canarySettings. Simplified: of an API's resources only the release that last edited them is known (`draft`);
CreateDeployment publishes that draft, as the real one publishes the resources as they are now. No methods, no
integrations, no authorizers, no usage plans, no quotas.
"""

from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.apigateway.state import ApiGateway, ApiSnapshot, ApiStage, RestApi


@operation("apigateway", "GetRestApis")
def get_rest_apis(call: AwsCall) -> dict[str, Any]:
    """As the API, on one page."""
    apis = call.world.state(ApiGateway).apis(call.region)
    return {"items": [_api_document(api) for api in apis]}


@operation("apigateway", "GetRestApi")
def get_rest_api(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    return _api_document(_api(call))


@operation("apigateway", "GetResources")
def get_resources(call: AwsCall) -> dict[str, Any]:
    """The paths of the API, with ids; no methods."""
    return {"items": [{"id": f"{_api(call).id}{n}", "path": path} for n, path in enumerate(_api(call).paths)]}


@operation("apigateway", "GetDeployments")
def get_deployments(call: AwsCall) -> dict[str, Any]:
    """As the API; 25 a page unless `limit` (to 500) says otherwise."""
    documents = [_deployment_document(d) for d in _api(call).deployments.values()]
    size = min(int(call.params.get("limit") or 25), 500)
    here, position = page(documents, call.params.get("position"), size, "BadRequestException")
    return {"items": list(here)} | ({"position": position} if position else {})


@operation("apigateway", "GetDeployment")
def get_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    return _deployment_document(_api(call).deployment(call.params["deploymentId"]))


@operation("apigateway", "CreateDeployment")
def create_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API: publishes the resources as they are now: after a bad release, the bad ones."""
    gateway = call.world.state(ApiGateway)
    gateway.deployments_created += 1
    api = _api(call)
    created = gateway.deploy(api, call.params.get("description") or "")
    if call.params.get("stageName"):
        stage = api.stages.setdefault(call.params["stageName"], gateway.new_stage(call.params["stageName"], created.id))
        stage.deployment_id = created.id
        stage.updated = call.world.clock.now()
    return _deployment_document(created)


@operation("apigateway", "DeleteDeployment")
def delete_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API; refused while a stage points at the deployment."""
    api = _api(call)
    known = api.deployment(call.params["deploymentId"])
    if any(known.id in stage.used() for stage in api.stages.values()):
        raise AwsError("BadRequestException", "Active stages pointing to this deployment must be moved or deleted")
    del api.deployments[known.id]
    return {}


@operation("apigateway", "GetStages")
def get_stages(call: AwsCall) -> dict[str, Any]:
    """As the API: all stages, or those of one deployment."""
    wanted = call.params.get("deploymentId")
    stages = [stage for stage in _api(call).stages.values() if wanted in (None, stage.deployment_id)]
    return {"item": [_stage_document(stage) for stage in stages]}


@operation("apigateway", "GetStage")
def get_stage(call: AwsCall) -> dict[str, Any]:
    """As the API; canarySettings only while there is a canary."""
    return _stage_document(_api(call).stage(call.params["stageName"]))


@operation("apigateway", "CreateStage")
def create_stage(call: AwsCall) -> dict[str, Any]:
    """As the API. Raises ConflictException if it exists."""
    api, name = _api(call), call.params["stageName"]
    if name in api.stages:
        raise AwsError("ConflictException", "Stage already exists", 409)
    deployment = api.deployment(call.params["deploymentId"])
    stage = call.world.state(ApiGateway).new_stage(name, deployment.id)
    stage.description = call.params.get("description") or ""
    stage.variables = dict(call.params.get("variables") or {})
    canary = call.params.get("canarySettings")
    stage.canary = dict(canary) if canary else None
    api.stages[name] = stage
    return _stage_document(stage)


@operation("apigateway", "UpdateStage")
def update_stage(call: AwsCall) -> dict[str, Any]:
    """As the API: all patch operations or none. There is no revision token: who writes last, wins."""
    api = _api(call)
    stage = api.stage(call.params["stageName"])
    changed = stage.patched(api, call.params.get("patchOperations") or ())
    changed.updated = call.world.clock.now()
    api.stages[stage.name] = changed
    return _stage_document(changed)


@operation("apigateway", "DeleteStage")
def delete_stage(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    api = _api(call)
    del api.stages[api.stage(call.params["stageName"]).name]
    return {}


@operation("apigateway", "FlushStageCache")
def flush_stage_cache(call: AwsCall) -> dict[str, Any]:
    """Checks that the stage exists; there is no cache."""
    _api(call).stage(call.params["stageName"])
    return {}


def _api(call: AwsCall) -> RestApi:
    return call.world.state(ApiGateway).api(call.region, call.params["restApiId"])


def _api_document(api: RestApi) -> dict[str, Any]:
    return {
        "id": api.id,
        "name": api.name,
        "createdDate": api.created,
        "endpointConfiguration": {"types": ["REGIONAL"]},
    }


def _deployment_document(deployment: ApiSnapshot) -> dict[str, Any]:
    return {"id": deployment.id, "description": deployment.description, "createdDate": deployment.created}


def _stage_document(stage: ApiStage) -> dict[str, Any]:
    document: dict[str, Any] = {
        "stageName": stage.name,
        "deploymentId": stage.deployment_id,
        "description": stage.description,
        "cacheClusterEnabled": False,
        "variables": stage.variables,
        "createdDate": stage.created,
        "lastUpdatedDate": stage.updated,
    }
    return document | ({"canarySettings": stage.canary} if stage.canary else {})
