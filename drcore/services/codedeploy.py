"""CodeDeploy: deployments that are running, the ones that rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from drcore.calls.aws import Aws

RUNNING = ["Created", "Queued", "InProgress", "Baking", "Ready"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment. `rolls_back` is the id of the one that it undoes, empty for an ordinary one."""

    id: str
    status: str
    rolls_back: str
    began: datetime


def running(aws: Aws, region: str, application: str, group: str) -> tuple[Deployment, ...]:
    """Deployments that have not ended. Raises Unknown, Rejected."""
    ids = aws.pages(
        "codedeploy",
        region,
        "list_deployments",
        "deployments",
        applicationName=application,
        deploymentGroupName=group,
        includeOnlyStatuses=RUNNING,
    )
    return tuple(deployment(aws, region, each) for each in ids)


def rollbacks(aws: Aws, region: str, application: str, group: str, since: datetime) -> tuple[Deployment, ...]:
    """Deployments made since a time that undo another one, oldest first (a rollback is always a new deployment).

    CodeDeploy lists them in no promised order.
    """
    ids = aws.pages(
        "codedeploy",
        region,
        "list_deployments",
        "deployments",
        applicationName=application,
        deploymentGroupName=group,
        createTimeRange={"start": since},
    )
    made = (deployment(aws, region, each) for each in ids)
    return tuple(sorted((each for each in made if each.rolls_back), key=lambda rollback: (rollback.began, rollback.id)))


def deployment(aws: Aws, region: str, id_: str) -> Deployment:
    """One deployment by its id."""
    info = aws.call("codedeploy", region, "get_deployment", deploymentId=id_)["deploymentInfo"]
    back = info.get("rollbackInfo", {}).get("rollbackTriggeringDeploymentId", "")
    return Deployment(id_, info["status"], back, info["createTime"].astimezone(UTC))


def stop(aws: Aws, region: str, id_: str) -> str:
    """Stop a running deployment, and have CodeDeploy shift the traffic back by a new one.

    Returns `Pending` while the stop is still to come, `Succeeded` where it has stopped at once.
    """
    return str(
        aws.call("codedeploy", region, "stop_deployment", deploymentId=id_, autoRollbackEnabled=True).get("status", "")
    )
