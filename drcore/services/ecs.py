"""ECS: a service with its deployment, all tasks of a cluster, which release a task definition is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown

_STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class TaskService:
    """A service: how many tasks it should have and has, of which task definition (`family:revision`), since when.

    `rollout` is that of its newest deployment: IN_PROGRESS, COMPLETED or FAILED.
    """

    desired: int
    running: int
    task_definition: str
    rollout: str
    deployed: datetime | None = None
    events: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, order=True)
class Task:
    """A task that has not stopped yet. `group` is `service:NAME`, or something else for one that stands alone."""

    id: str
    group: str
    status: str
    stopping: bool
    task_definition: str


def service(aws: Aws, region: str, cluster: str, name: str) -> TaskService:
    """Raises Rejected when there is no such service, Unknown."""
    answer = aws.call("ecs", region, "describe_services", cluster=cluster, services=[name])
    if not answer["services"]:
        raise Rejected(f"ecs describe_services in {region}: {answer.get('failures')}", "ServiceNotFoundException")
    description = answer["services"][0]
    newest: Mapping[str, Any] = next(
        (each for each in description.get("deployments", ()) if each["status"] == "PRIMARY"), {}
    )
    return TaskService(
        desired=description["desiredCount"],
        running=description["runningCount"],
        task_definition=_short(description["taskDefinition"]),
        rollout=newest.get("rolloutState", ""),
        deployed=newest["createdAt"].astimezone(UTC) if "createdAt" in newest else None,
        events=tuple(each["message"] for each in description.get("events", ())[:5]),
    )


def tasks(aws: Aws, region: str, cluster: str) -> tuple[Task, ...]:
    """All tasks of a cluster that have not stopped, those of no service and those that are stopping among them."""
    arns = [
        arn
        for status in ("RUNNING", _STOPPED)
        for arn in aws.pages("ecs", region, "list_tasks", "taskArns", cluster=cluster, desiredStatus=status)
    ]
    return tuple(sorted(each for each in _described(aws, region, cluster, arns) if each.status != _STOPPED))


def environment(aws: Aws, region: str, task_definition: str) -> dict[str, str]:
    """The environment variables of a task definition's containers. Raises Rejected, Unknown."""
    definition = aws.call("ecs", region, "describe_task_definition", taskDefinition=task_definition)["taskDefinition"]
    return {
        each["name"]: each["value"]
        for container in definition["containerDefinitions"]
        for each in container["environment"]
    }


def revisions(aws: Aws, region: str, family: str) -> Iterator[str]:
    """The task definitions of a family that can be run, as `family:revision`, newest first, as far as asked for.

    Raises Unknown, Rejected.
    """
    asked = {"familyPrefix": family, "status": "ACTIVE", "sort": "DESC"}
    arns = aws.pages("ecs", region, "list_task_definitions", "taskDefinitionArns", **asked)
    yield from (name for name in map(_short, arns) if name.rpartition(":")[0] == family)  # a prefix matches more


def scale(aws: Aws, region: str, cluster: str, name: str, desired: int) -> None:
    """Set how many tasks a service should have. Starts no deployment."""
    aws.call("ecs", region, "update_service", cluster=cluster, service=name, desiredCount=desired)


def deploy(aws: Aws, region: str, cluster: str, name: str, task_definition: str, desired: int) -> None:
    """Start a deployment: new tasks of a task definition, also where it is the one that the service has."""
    aws.call(
        "ecs",
        region,
        "update_service",
        cluster=cluster,
        service=name,
        taskDefinition=task_definition,
        desiredCount=desired,
        forceNewDeployment=True,
    )


def stop_task(aws: Aws, region: str, cluster: str, id_: str, reason: str) -> None:
    """Stop one task. AWS takes a reason of up to 1024 characters."""
    aws.call("ecs", region, "stop_task", cluster=cluster, task=id_, reason=reason[:1024])


def _described(aws: Aws, region: str, cluster: str, arns: list[str]) -> Iterator[Task]:
    for first in range(0, len(arns), 100):  # ECS describes 100 tasks a call
        answer = aws.call("ecs", region, "describe_tasks", cluster=cluster, tasks=arns[first : first + 100])
        # One that stopped long ago is MISSING by now. Of any other it is not known that it has stopped.
        unknown = [each for each in answer.get("failures", ()) if each.get("reason") != "MISSING"]
        if unknown:
            raise Unknown(f"ecs describe_tasks in {region}: {unknown}")
        yield from map(_task, answer["tasks"])


def _task(description: dict[str, Any]) -> Task:
    return Task(
        id=_short(description["taskArn"]),
        group=description.get("group", ""),
        status=description["lastStatus"],
        stopping=description["desiredStatus"] == _STOPPED,
        task_definition=_short(description["taskDefinitionArn"]),
    )


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
