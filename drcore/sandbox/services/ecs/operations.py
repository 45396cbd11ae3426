"""ECS: clusters whose services run, replace, stop their tasks.

moto's ECS runs no task and completes no deployment, so it is not asked.
Simplified: task definitions are not deregistered; capacity providers, load balancers, task sets are not there.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.ecs.state import Cluster, Ecs, EcsService, ServiceDeployment, plain
from drcore.sandbox.services.ecs.tasks import SHOWN, Definition, EcsTask

_REFUSAL = "InvalidParameterException"


@operation("ecs", "CreateCluster")
def create_cluster(call: AwsCall) -> dict[str, Any]:
    """As the API: creating it twice is creating it once."""
    made = call.world.state(Ecs).create_cluster(call.region, call.params.get("clusterName") or "default")
    return {"cluster": _cluster(call, made)}


@operation("ecs", "ListClusters")
def list_clusters(call: AwsCall) -> dict[str, Any]:
    """As the API, 100 a page."""
    arns = [_arn(call, f"cluster/{cluster.name}") for cluster in call.world.state(Ecs).clusters(call.region)]
    return _listed(call, "clusterArns", arns, 100)


@operation("ecs", "DescribeClusters")
def describe_clusters(call: AwsCall) -> dict[str, Any]:
    """As the API; what is not there is a failure of its own, not an error."""
    known = {cluster.name: cluster for cluster in call.world.state(Ecs).clusters(call.region)}
    asked = [plain(name) for name in call.params.get("clusters") or ["default"]]
    return {
        "clusters": [_cluster(call, known[name]) for name in asked if name in known],
        "failures": [_missing(call, f"cluster/{name}") for name in asked if name not in known],
    }


@operation("ecs", "RegisterTaskDefinition")
def register_task_definition(call: AwsCall) -> dict[str, Any]:
    """As the API: a new revision each time."""
    return {"taskDefinition": _definition(call, call.world.state(Ecs).register(call.region, call.params))}


@operation("ecs", "DescribeTaskDefinition")
def describe_task_definition(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    definition = call.world.state(Ecs).definition(call.region, call.params["taskDefinition"])
    return {"taskDefinition": _definition(call, definition), "tags": definition.document.get("tags") or []}


@operation("ecs", "ListTaskDefinitions")
def list_task_definitions(call: AwsCall) -> dict[str, Any]:
    """As the API: oldest first, or newest first with sort DESC."""
    prefix = call.params.get("familyPrefix") or None
    arns = [_arn(call, f"task-definition/{d.name}") for d in call.world.state(Ecs).definitions(call.region, prefix)]
    if call.params.get("sort") == "DESC":
        arns.reverse()
    return _listed(call, "taskDefinitionArns", arns, 100)


@operation("ecs", "CreateService")
def create_service(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    params, fleet = call.params, call.world.state(Ecs)
    definition = fleet.definition(call.region, params["taskDefinition"])
    made = fleet.create_service(
        call.region, _home(call), params["serviceName"], definition, int(params.get("desiredCount") or 0), params
    )
    return {"service": _service(call, made)}


@operation("ecs", "UpdateService")
def update_service(call: AwsCall) -> dict[str, Any]:
    """As the API: a desired count alone begins no deployment."""
    params, fleet = call.params, call.world.state(Ecs)
    named, desired = params.get("taskDefinition"), params.get("desiredCount")
    changed = fleet.update_service(
        call.region,
        _home(call),
        params["service"],
        desired=None if desired is None else int(desired),
        definition=fleet.definition(call.region, named) if named else None,
        force=bool(params.get("forceNewDeployment")),
        options=params,
    )
    return {"service": _service(call, changed)}


@operation("ecs", "DeleteService")
def delete_service(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    force = bool(call.params.get("force"))
    gone = call.world.state(Ecs).delete_service(call.region, _home(call), call.params["service"], force=force)
    return {"service": _service(call, gone) | {"status": "DRAINING"}}


@operation("ecs", "ListServices")
def list_services(call: AwsCall) -> dict[str, Any]:
    """As the API, 10 a page if nothing else is asked for."""
    home = call.world.state(Ecs).cluster(call.region, _home(call))
    return _listed(call, "serviceArns", [_arn(call, f"service/{home.name}/{name}") for name in home.services], 10)


@operation("ecs", "DescribeServices")
def describe_services(call: AwsCall) -> dict[str, Any]:
    """As the API, ten at most."""
    home = call.world.state(Ecs).cluster(call.region, _home(call))
    asked = [plain(name) for name in call.params["services"]]
    if len(asked) > 10:
        raise AwsError(_REFUSAL, "Services cannot contain more than 10 services.")
    return {
        "services": [_service(call, home.services[name]) for name in asked if name in home.services],
        "failures": [_missing(call, f"service/{home.name}/{name}") for name in asked if name not in home.services],
    }


@operation("ecs", "ListTasks")
def list_tasks(call: AwsCall) -> dict[str, Any]:
    """As the API: those whose desired status is RUNNING, unless STOPPED is asked for.

    A task that was told to stop has the desired status STOPPED, while its process still works.
    """
    params, fleet = call.params, call.world.state(Ecs)
    service = plain(params["serviceName"]) if params.get("serviceName") else None
    if service is not None:
        fleet.service(call.region, _home(call), service)
    wanted = params.get("desiredStatus") or "RUNNING"
    arns = [
        _arn(call, f"task/{task.cluster}/{task.id}")
        for task in _shown(call)
        if wanted == ("RUNNING" if task.wanted() else "STOPPED")
        and service in (None, task.service)
        and (params.get("family") or task.definition.family) == task.definition.family
        and (params.get("startedBy") or task.started_by) == task.started_by
        and (params.get("launchType") or "FARGATE") == "FARGATE"
    ]
    return _listed(call, "taskArns", arns, 100)


@operation("ecs", "DescribeTasks")
def describe_tasks(call: AwsCall) -> dict[str, Any]:
    """As the API: a task that stopped more than an hour ago is MISSING."""
    known = {task.id: task for task in _shown(call)}
    asked = [plain(name) for name in call.params["tasks"]]
    if not 0 < len(asked) <= 100:
        raise AwsError(_REFUSAL, "Tasks must contain 1 to 100 tasks.")
    home = plain(_home(call))
    return {
        "tasks": [_task(call, known[name]) for name in asked if name in known],
        "failures": [_missing(call, f"task/{home}/{name}") for name in asked if name not in known],
    }


@operation("ecs", "RunTask")
def run_task(call: AwsCall) -> dict[str, Any]:
    """As the API: tasks of no service."""
    params, fleet = call.params, call.world.state(Ecs)
    tasks = fleet.run_task(
        call.region,
        _home(call),
        fleet.definition(call.region, params["taskDefinition"]),
        count=int(params.get("count") or 1),
        started_by=params.get("startedBy") or "",
        group=params.get("group") or "",
        overrides=params.get("overrides") or {},
    )
    return {"tasks": [_task(call, task) for task in tasks], "failures": []}


@operation("ecs", "StopTask")
def stop_task(call: AwsCall) -> dict[str, Any]:
    """As the API: it is told to stop, and has stopped half a minute later."""
    reason = call.params.get("reason") or "Task stopped by user"
    return {"task": _task(call, call.world.state(Ecs).stop_task(call.region, _home(call), call.params["task"], reason))}


def _home(call: AwsCall) -> str:
    return str(call.params.get("cluster") or "default")


def _shown(call: AwsCall) -> list[EcsTask]:
    """The tasks that can be described now."""
    home, horizon = call.world.state(Ecs).cluster(call.region, _home(call)), call.world.clock.now() - SHOWN
    return [task for task in home.tasks.values() if task.stopped_at is None or task.stopped_at > horizon]


def _listed(call: AwsCall, name: str, arns: list[str], size: int) -> dict[str, Any]:
    wanted = int(call.params.get("maxResults") or size)
    here, token = page(arns, call.params.get("nextToken"), wanted, _REFUSAL)
    return {name: list(here)} | ({"nextToken": token} if token else {})


def _arn(call: AwsCall, name: str) -> str:
    return f"arn:aws:ecs:{call.region}:{call.account}:{name}"


def _missing(call: AwsCall, name: str) -> dict[str, Any]:
    return {"arn": _arn(call, name), "reason": "MISSING"}


def _tasks_of(call: AwsCall, cluster: str, service: EcsService | None = None) -> list[EcsTask]:
    tasks = call.world.state(Ecs).cluster(call.region, cluster).tasks.values()
    return [task for task in tasks if service is None or task.service == service.name]


def _counts(tasks: list[EcsTask], at: datetime) -> dict[str, int]:
    """A task that was told to stop is not counted any more, while it still works."""
    running = sum(task.healthy(at) for task in tasks)
    return {"runningCount": running, "pendingCount": sum(task.wanted() for task in tasks) - running}


def _cluster(call: AwsCall, cluster: Cluster) -> dict[str, Any]:
    counts = _counts(list(cluster.tasks.values()), call.world.clock.now())
    return {
        "clusterArn": _arn(call, f"cluster/{cluster.name}"),
        "clusterName": cluster.name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": counts["runningCount"],
        "pendingTasksCount": counts["pendingCount"],
        "activeServicesCount": len(cluster.services),
        "capacityProviders": ["FARGATE"],
    }


def _definition(call: AwsCall, definition: Definition) -> dict[str, Any]:
    document = {k: v for k, v in definition.document.items() if k != "tags"}
    return document | {
        "taskDefinitionArn": _arn(call, f"task-definition/{definition.name}"),
        "revision": definition.revision,
        "status": "ACTIVE",
        "registeredAt": definition.registered_at,
    }


def _service(call: AwsCall, service: EcsService) -> dict[str, Any]:
    now, tasks = call.world.clock.now(), _tasks_of(call, service.cluster, service)
    limits = {"minimumHealthyPercent": service.least, "maximumPercent": service.most}
    asked: Mapping[str, Any] = service.options.get("deploymentConfiguration") or {}
    return {
        "serviceArn": _arn(call, f"service/{service.cluster}/{service.name}"),
        "serviceName": service.name,
        "clusterArn": _arn(call, f"cluster/{service.cluster}"),
        "status": "ACTIVE",
        "desiredCount": service.desired,
        **_counts(tasks, now),
        "launchType": "FARGATE",
        "taskDefinition": _arn(call, f"task-definition/{service.definition.name}"),
        "deploymentConfiguration": {**asked, **limits},
        "deploymentController": {"type": "ECS"},
        "schedulingStrategy": "REPLICA",
        "deployments": [_deployment(call, service, deployment, tasks) for deployment in service.deployments],
        "events": [
            {"id": f"{service.name}-{len(service.events) - i}", "createdAt": at, "message": text}
            for i, (at, text) in enumerate(service.events)
        ],
        "createdAt": service.created_at,
    }


def _deployment(
    call: AwsCall, service: EcsService, deployment: ServiceDeployment, tasks: list[EcsTask]
) -> dict[str, Any]:
    primary, done = deployment is service.primary, deployment.completed_at is not None
    own = [task for task in tasks if task.deployment == deployment.id]
    return {
        "id": deployment.id,
        "status": "PRIMARY" if primary else "ACTIVE",
        "taskDefinition": _arn(call, f"task-definition/{deployment.definition.name}"),
        "desiredCount": service.desired if primary else 0,
        **_counts(own, call.world.clock.now()),
        "failedTasks": 0,
        "createdAt": deployment.created_at,
        "updatedAt": deployment.updated_at,
        "launchType": "FARGATE",
        "rolloutState": "COMPLETED" if done else "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {deployment.id} {'completed' if done else 'in progress'}.",
    }


def _task(call: AwsCall, task: EcsTask) -> dict[str, Any]:
    now = call.world.clock.now()
    status, document = task.status(now), task.definition.document
    containers = [
        {
            "name": container["name"],
            "image": container.get("image", ""),
            "taskArn": _arn(call, f"task/{task.cluster}/{task.id}"),
            "lastStatus": "STOPPED" if status == "STOPPED" else "RUNNING" if task.works(now) else "PENDING",
        }
        | ({"exitCode": 0} if status == "STOPPED" else {})
        for container in document.get("containerDefinitions") or ()
    ]
    times = {"startedAt": task.started_at, "stoppingAt": task.stopping_since, "stoppedAt": task.stopped_at}
    stop = {"stoppedReason": task.reason, "stopCode": task.code} if not task.wanted() else {}
    return {
        "taskArn": _arn(call, f"task/{task.cluster}/{task.id}"),
        "clusterArn": _arn(call, f"cluster/{task.cluster}"),
        "taskDefinitionArn": _arn(call, f"task-definition/{task.definition.name}"),
        "group": task.group,
        "lastStatus": status,
        "desiredStatus": "RUNNING" if task.wanted() else "STOPPED",
        "launchType": "FARGATE",
        "createdAt": task.created_at,
        "containers": containers,
        "overrides": dict(task.overrides),
        **{name: at for name, at in times.items() if at is not None and at <= now},
        **stop,
        **({"startedBy": task.started_by} if task.started_by else {}),
        **{name: document[name] for name in ("cpu", "memory") if name in document},
    }
