"""SyncWell's workers: the ECS services of both regions with what starts, feeds, scales, configures them."""

import json
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.appconfig.state import AppConfig
from drcore.sandbox.services.applicationautoscaling import ScalableTargets
from drcore.sandbox.services.cloudtrail.state import Trail
from drcore.sandbox.services.ecs.state import Ecs
from drcore.sandbox.services.ecs.tasks import Definition
from drcore.sandbox.services.events import Schedules
from drcore.sandbox.services.lambda_.event_sources import EventSourceMappings
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.releases import OLDER, RELEASED, STABLE

DESIRED, LEAST, MOST = 4, 2, 12
"""Workers of a region: how many run, how few, how many may."""
FOUNDED = datetime.fromisoformat("2025-03-03T09:00:00+00:00")
AFTER_THE_API = timedelta(minutes=15)
"""So much later than the functions of a release its workers were deployed."""
WORKERS_KEY = "workers.json"
"""Beside the release manifest: which task definition each release of the workers is, and since when."""
CONFIGURATION = {
    "DynamoDBTableName": names.TABLE,
    "JobsQueueName": names.QUEUE,
    "SyncBatchSize": 25,
    "WriteRegionOnItems": True,
}


class WorkerReleases:
    """The releases of the workers that were deployed, by region, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._entries: dict[str, list[dict[str, Any]]] = {region: [] for region in world.regions}

    def record(self, region: str, release: str, definition: Definition) -> None:
        """Write down what was deployed now, beside the release manifest."""
        at = iso(self._world.clock.now())
        self._entries[region].append({"release": release, "at": at, "task_definition": definition.name})
        document = {
            "cluster": names.CLUSTER,
            "service": names.SERVICE,
            "region": region,
            "workers": self._entries[region],
        }
        store = backends.s3(self._world.account)
        store.put_object(names.releases_bucket(region), WORKERS_KEY, json.dumps(document, indent=2).encode())


def set_up(world: World) -> None:
    """Make the resources as they are when the doors open."""
    with world.clock.at(FOUNDED):
        for region in world.regions:
            world.state(Ecs).create_cluster(region, names.CLUSTER)
            _schedules(world, region)
            _configuration(world, region)
            function = f"arn:aws:lambda:{region}:{world.account}:function:{names.WORKER_FUNCTION}:{names.ALIAS}"
            queue = f"arn:aws:sqs:{region}:{world.account}:{names.QUEUE}"
            world.state(EventSourceMappings).create(region, queue, function)
            world.state(Logs).create(region, names.API_LOGS, retention=30)
    for release in (OLDER, STABLE):
        with world.clock.at(RELEASED[release] + AFTER_THE_API):
            for region in world.regions:
                deploy(world, region, release)
                if release == OLDER:
                    _scaling(world, region)
    world.state(Ecs).settle()


def deploy(world: World, region: str, release: str) -> Definition:
    """Let SyncWell's pipeline give the workers a release now: a new task definition, then the service moves to it."""
    fleet, trail = world.state(Ecs), world.state(Trail)
    document = _document(world, region, release)
    definition = fleet.register(region, document)
    moved = {"cluster": names.CLUSTER, "service": names.SERVICE, "taskDefinition": definition.name}
    if names.SERVICE in fleet.cluster(region, names.CLUSTER).services:
        fleet.update_service(region, names.CLUSTER, names.SERVICE, definition=definition)
        change = "UpdateService"
    else:
        limits = {"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200}}
        fleet.create_service(region, names.CLUSTER, names.SERVICE, definition, DESIRED, limits)
        change = "CreateService"
    for event, params, resources in (
        ("RegisterTaskDefinition", document, (names.FAMILY, definition.name)),
        (change, moved, (names.CLUSTER, names.SERVICE, definition.name)),
    ):
        trail.record(region, event, "ecs.amazonaws.com", names.PIPELINE_USER, params, resources=resources)
    world.state(WorkerReleases).record(region, release, definition)
    return definition


def _document(world: World, region: str, release: str) -> dict[str, Any]:
    image = f"{world.account}.dkr.ecr.{region}.amazonaws.com/{names.FAMILY}:{release}"
    role = f"arn:aws:iam::{world.account}:role/{names.WORKER_ROLE}"
    return {
        "family": names.FAMILY,
        "taskRoleArn": role,
        "executionRoleArn": role,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "containerDefinitions": [
            {
                "name": "worker",
                "image": image,
                "essential": True,
                "stopTimeout": 30,
                "environment": [
                    {"name": "RELEASE", "value": release},
                    {"name": "APPCONFIG_APPLICATION", "value": names.CONFIG_APPLICATION},
                ],
            }
        ],
    }


def _schedules(world: World, region: str) -> None:
    role = f"arn:aws:iam::{world.account}:role/{names.EVENTS_ROLE}"
    target = f"arn:aws:lambda:{region}:{world.account}:function:{names.WORKER_FUNCTION}:{names.ALIAS}"
    hour, minute = names.TIDY_AT[region]
    for rule, schedule, job in (
        (names.TIDY_RULE, f"cron({minute} {hour} * * ? *)", "tidy"),
        (names.CANARY_RULE, "rate(1 minute)", "canary"),
    ):
        world.state(Schedules).make(region, rule, schedule, target, role, json.dumps({"job": job}))


def _scaling(world: World, region: str) -> None:
    scaling, resource = world.state(ScalableTargets), f"service/{names.CLUSTER}/{names.SERVICE}"
    target = scaling.register(region, resource, LEAST, MOST)
    scaling.keep(
        target,
        {
            "PolicyName": f"{names.SERVICE}-cpu",
            "ServiceNamespace": "ecs",
            "ResourceId": resource,
            "ScalableDimension": "ecs:service:DesiredCount",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 60.0,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
            },
        },
    )


def _configuration(world: World, region: str) -> None:
    store = world.state(AppConfig)
    home = store.create_application(region, names.CONFIG_APPLICATION, "what SyncWell's backend reads")
    place = store.create_environment(region, home, names.CONFIG_ENVIRONMENT)
    profile = store.create_profile(region, home, names.CONFIG_PROFILE)
    strategy = store.create_strategy(region, names.CONFIG_STRATEGY, 0, 100.0, "LINEAR", 0)
    version = store.host(profile, json.dumps(CONFIGURATION, indent=2).encode())
    store.deploy(place, profile, version, strategy)
