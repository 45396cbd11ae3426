"""CodeDeploy: applications of one's own, with their groups."""

from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.codedeploy.controller import CodeDeployController
from drcore.sandbox.services.codedeploy.state import ALL_AT_ONCE, DeploymentGroup


@operation("codedeploy", "CreateApplication")
def create_application(call: AwsCall) -> dict[str, Any]:
    """As the API, for Lambda only."""
    name = call.params["applicationName"]
    if call.params.get("computePlatform") != "Lambda":
        raise AwsError("InvalidComputePlatformException", "The sandbox deploys functions only: computePlatform Lambda")
    call.world.state(CodeDeployController).add_application(call.region, name)
    return {"applicationId": f"application-{name}"}


@operation("codedeploy", "DeleteApplication")
def delete_application(call: AwsCall) -> dict[str, Any]:
    """As the API: with its groups; one that is not there is no error."""
    call.world.state(CodeDeployController).delete_application(call.region, call.params["applicationName"])
    return {}


@operation("codedeploy", "CreateDeploymentGroup")
def create_deployment_group(call: AwsCall) -> dict[str, Any]:
    """As the API; alarms, triggers and rollbacks are left out."""
    params = call.params
    group = DeploymentGroup(
        application=params["applicationName"],
        name=params["deploymentGroupName"],
        id=f"group-{params['applicationName']}-{params['deploymentGroupName']}",
        config=params.get("deploymentConfigName") or ALL_AT_ONCE,
        alarms_enabled=False,
    )
    call.world.state(CodeDeployController).add_to_application(call.region, group)
    return {"deploymentGroupId": group.id}
