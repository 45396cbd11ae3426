"""CodeDeploy for Lambda: deployments, their groups, stopping them.

Kept here and not in moto, whose deployments do nothing. Applications and groups are made by the world's
set-up; creating them is not emulated. See codedeploy_controller for how a deployment goes.
"""

import json
from collections.abc import Mapping
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.services.codedeploy.controller import CodeDeployController
from drcore.sandbox.services.codedeploy.state import AliasMove, DeploymentGroup, LambdaDeployment, Status


@operation("codedeploy", "ListApplications")
def list_applications(call: AwsCall) -> dict[str, Any]:
    """As the API, on one page."""
    return {"applications": call.world.state(CodeDeployController).applications(call.region)}


@operation("codedeploy", "ListDeploymentGroups")
def list_deployment_groups(call: AwsCall) -> dict[str, Any]:
    """As the API, on one page."""
    application = call.params["applicationName"]
    groups = call.world.state(CodeDeployController).groups(call.region)
    names = [group.name for group in groups if group.application == application]
    if not names:
        raise AwsError("ApplicationDoesNotExistException", f"Applications not found for {application}")
    return {"applicationName": application, "deploymentGroups": names}


@operation("codedeploy", "GetDeploymentGroup")
def get_deployment_group(call: AwsCall) -> dict[str, Any]:
    """As the API, with alarms, automatic rollback and triggers."""
    group = _group(call)
    done = [d for d in call.world.state(CodeDeployController).deployments(call.region) if d.group is group]
    document = _group_document(group)
    for key, deployments in (
        ("lastAttemptedDeployment", done),
        ("lastSuccessfulDeployment", [d for d in done if d.status is Status.SUCCEEDED]),
    ):
        if deployments:
            document[key] = {
                "deploymentId": deployments[0].id,
                "status": deployments[0].status.value,
                "createTime": deployments[0].created,
            } | ({"endTime": deployments[0].completed} if deployments[0].completed else {})
    return {"deploymentGroupInfo": document}


@operation("codedeploy", "UpdateDeploymentGroup")
def update_deployment_group(call: AwsCall) -> dict[str, Any]:
    """Changes the alarm and the automatic rollback configuration; other members are refused."""
    known = {
        "applicationName",
        "currentDeploymentGroupName",
        "alarmConfiguration",
        "autoRollbackConfiguration",
    }
    if other := sorted(set(call.params) - known):
        raise AwsError("InvalidInputException", f"{', '.join(other)}: not emulated")
    group = _group(call, "currentDeploymentGroupName")
    alarms, rollback = call.params.get("alarmConfiguration"), call.params.get("autoRollbackConfiguration")
    if alarms is not None:
        group.alarms_enabled = bool(alarms.get("enabled"))
        group.alarms = tuple(alarm["name"] for alarm in alarms.get("alarms") or ())
    if rollback is not None:
        group.rollback_events = tuple(rollback.get("events") or ()) if rollback.get("enabled") else ()
    return {"hooksNotCleanedUp": []}


@operation("codedeploy", "CreateDeployment")
def create_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API, with an AppSpec in AppSpecContent or String.

    A deployment that watches an alarm that is ringing already is stopped at once, as on AWS:
    overrideAlarmConfiguration is the way past it.
    """
    group = _group(call)
    override = call.params.get("overrideAlarmConfiguration")
    watched = None
    if override is not None:
        named = override.get("alarms") or [{"name": name} for name in group.alarms]
        watched = tuple(alarm["name"] for alarm in named) if override.get("enabled") else ()
    created = call.world.state(CodeDeployController).create(
        call.region,
        group,
        _targets(call.params.get("revision") or {}),
        config=call.params.get("deploymentConfigName") or "",
        description=call.params.get("description") or "",
        watched=watched,
    )
    rollback = call.params.get("autoRollbackConfiguration")
    if rollback is not None:
        created.events = tuple(rollback.get("events") or ()) if rollback.get("enabled") else ()
    return {"deploymentId": created.id}


@operation("codedeploy", "GetDeployment")
def get_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    return {"deploymentInfo": _document(_deployment(call))}


@operation("codedeploy", "BatchGetDeployments")
def batch_get_deployments(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    deploy = call.world.state(CodeDeployController)
    return {
        "deploymentsInfo": [_document(deploy.deployment(call.region, name)) for name in call.params["deploymentIds"]]
    }


@operation("codedeploy", "ListDeployments")
def list_deployments(call: AwsCall) -> dict[str, Any]:
    """As the API: ids, newest first, 100 a page."""
    params = call.params
    if params.get("applicationName") and params.get("deploymentGroupName"):
        _group(call)
    statuses, between = params.get("includeOnlyStatuses") or (), params.get("createTimeRange") or {}
    ids = [
        deployment.id
        for deployment in call.world.state(CodeDeployController).deployments(call.region)
        if params.get("applicationName") in (None, deployment.group.application)
        and params.get("deploymentGroupName") in (None, deployment.group.name)
        and (not statuses or deployment.status.value in statuses)
        and (not between.get("start") or deployment.created >= aware(between["start"]))
        and (not between.get("end") or deployment.created <= aware(between["end"]))
    ]
    here, token = page(ids, params.get("nextToken"), 100)
    return {"deployments": list(here)} | ({"nextToken": token} if token else {})


@operation("codedeploy", "StopDeployment")
def stop_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API: Succeeded, or Pending and stopped at the next tick; with a rollback deployment if asked for."""
    controller = call.world.state(CodeDeployController)
    if controller.stop(_deployment(call), call.params.get("autoRollbackEnabled")):
        return {"status": "Succeeded", "statusMessage": "The deployment was stopped."}
    return {"status": "Pending", "statusMessage": "The deployment is being stopped."}


def appspec(targets: tuple[AliasMove, ...]) -> str:
    """The AppSpec (JSON) that moves these aliases."""
    resources = [
        {
            f"{target.function}-{target.alias}": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Name": target.function,
                    "Alias": target.alias,
                    "CurrentVersion": target.current,
                    "TargetVersion": target.target,
                },
            }
        }
        for target in targets
    ]
    return json.dumps({"version": 0.0, "Resources": resources})


def _targets(revision: Mapping[str, Any]) -> list[AliasMove]:
    content = (revision.get("appSpecContent") or revision.get("string") or {}).get("content")
    try:
        resources = json.loads(content or "")["Resources"]
        rows = [entry["Properties"] for resource in resources for entry in resource.values()]
        return [AliasMove(r["Name"], r["Alias"], str(r["CurrentVersion"]), str(r["TargetVersion"])) for r in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AwsError("InvalidRevisionException", f"expected an AppSpec for Lambda as JSON: {error}") from error


def _group(call: AwsCall, key: str = "deploymentGroupName") -> DeploymentGroup:
    return call.world.state(CodeDeployController).group(call.region, call.params["applicationName"], call.params[key])


def _deployment(call: AwsCall) -> LambdaDeployment:
    return call.world.state(CodeDeployController).deployment(call.region, call.params["deploymentId"])


def _group_document(group: DeploymentGroup) -> dict[str, Any]:
    return {
        "applicationName": group.application,
        "deploymentGroupId": group.id,
        "deploymentGroupName": group.name,
        "deploymentConfigName": group.config,
        "computePlatform": "Lambda",
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "alarmConfiguration": _alarm_configuration(group.alarms, group.alarms_enabled),
        "autoRollbackConfiguration": _rollback_configuration(group.rollback_events),
        "triggerConfigurations": [
            {
                "triggerName": "oncall",
                "triggerTargetArn": group.topic,
                "triggerEvents": list(group.topic_events),
            }
        ],
    }


def _document(deployment: LambdaDeployment) -> dict[str, Any]:
    share = {Status.SUCCEEDED: "Succeeded", Status.CREATED: "Pending"}.get(deployment.status, "InProgress")
    document: dict[str, Any] = {
        "applicationName": deployment.group.application,
        "deploymentGroupName": deployment.group.name,
        "deploymentConfigName": deployment.config,
        "deploymentId": deployment.id,
        "revision": {
            "revisionType": "AppSpecContent",
            "appSpecContent": {"content": appspec(deployment.targets)},
        },
        "status": deployment.status.value,
        "createTime": deployment.created,
        "description": deployment.description,
        "creator": deployment.creator,
        "computePlatform": "Lambda",
        "deploymentOverview": {share: len(deployment.targets)},
        "autoRollbackConfiguration": _rollback_configuration(deployment.events),
        "overrideAlarmConfiguration": _alarm_configuration(deployment.watched, bool(deployment.watched)),
        "rollbackInfo": _rollback_info(deployment),
    }
    times = {"startTime": deployment.started, "completeTime": deployment.completed}
    document |= {key: moment for key, moment in times.items() if moment is not None}
    if deployment.error is not None:
        document["errorInformation"] = {"code": deployment.error[0], "message": deployment.error[1]}
    return document


def _rollback_info(deployment: LambdaDeployment) -> dict[str, str]:
    info = {
        "rollbackDeploymentId": deployment.rolled_back_by,
        "rollbackTriggeringDeploymentId": deployment.rolls_back,
        "rollbackMessage": deployment.message,
    }
    return {key: value for key, value in info.items() if value}


def _alarm_configuration(alarms: tuple[str, ...], enabled: bool) -> dict[str, Any]:
    return {
        "enabled": enabled,
        "ignorePollAlarmFailure": False,
        "alarms": [{"name": name} for name in alarms],
    }


def _rollback_configuration(events: tuple[str, ...]) -> dict[str, Any]:
    return {"enabled": bool(events), "events": list(events)}
