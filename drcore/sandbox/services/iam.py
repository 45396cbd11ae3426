"""IAM's policy simulator, answered from the access-denied faults that are on.

Simplified: without such a fault everything is allowed; policies, boundaries and conditions are not read.
Actions of API Gateway name an HTTP method, so they are denied when an operation with that method is.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

from drcore.sandbox.core.call_faults import denies
from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, operation
from drcore.sandbox.core.world import World

_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "s3:ListBucket": ("ListObjectsV2", "ListObjects", "HeadBucket"),
    "s3:GetObject": ("GetObject", "HeadObject"),
    "lambda:InvokeFunction": ("Invoke",),
    "apigateway:GET": (
        "GetStage",
        "GetStages",
        "GetDeployment",
        "GetDeployments",
        "GetRestApi",
        "GetRestApis",
    ),
    "apigateway:PATCH": ("UpdateStage",),
    "apigateway:POST": ("CreateDeployment", "CreateStage"),
    "apigateway:DELETE": ("DeleteStage", "DeleteDeployment", "FlushStageCache"),
}
"""Actions that are not named as the operation that they allow."""

_SERVICES: Mapping[str, tuple[str, ...]] = {"appconfig": ("appconfig", "appconfigdata")}
"""Services behind a prefix of actions, where there are several."""


@operation("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(call: AwsCall) -> dict[str, Any]:
    """As the API: one result for each action and resource, 100 a page; `explicitDeny` where a fault denies the call.

    The region is that of the resource's ARN; without one an action is denied if it is in any region.
    """
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": "explicitDeny" if _denied(call.world, action, resource) else "allowed",
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in call.params["ActionNames"]
        for resource in call.params.get("ResourceArns") or ["*"]
    ]
    here, marker = page(results, call.params.get("Marker"), int(call.params.get("MaxItems") or 100), "InvalidInput")
    answer = {"EvaluationResults": list(here), "IsTruncated": marker is not None}
    return answer | ({"Marker": marker} if marker else {})


def _denied(world: World, action: str, resource: str) -> bool:
    service, _, name = action.partition(":")
    region = resource.split(":")[3] if resource.count(":") >= 5 else ""
    regions = (region,) if region else world.regions
    operations = _OPERATIONS.get(action, (name,))
    asked = product(_SERVICES.get(service, (service,)), operations, regions)
    return any(denies(world, *call) for call in asked)
