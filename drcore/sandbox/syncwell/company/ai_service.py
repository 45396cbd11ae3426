"""The AI Insights Service: a SageMaker endpoint in each region, an LLM behind a gateway, the alarms on both.

An endpoint's configuration has two variants: the model that serves, and the one before it, which gets no traffic and
stays up, as the short way back.
"""

from datetime import UTC, datetime
from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.log_alarms import LogAlarms
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.services.sagemaker.components import Components
from drcore.sandbox.services.sagemaker.state import Endpoints
from drcore.sandbox.services.servicequotas import Quota, ServiceQuotas
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.vendors.llm import Llm

SINCE = {
    "insights-2025-11": datetime(2025, 11, 18, 9, 0, tzinfo=UTC),
    "insights-2025-12": datetime(2025, 12, 16, 9, 0, tzinfo=UTC),
}
"""When each model was deployed."""
KEY_SINCE = datetime(2025, 10, 6, 9, 0, tzinfo=UTC)
LLM_PACE = 2000.0
"""Requests a minute that the LLM's provider grants."""
SERVING, KEPT = 4, 2
"""Instances of the model that serves, of the one before it."""
ERRORS_PERCENT, FALLBACKS_PERCENT, LEAST_CONFLICTS = 5.0, 10.0, 5.0
"""The thresholds of the alarms; the last one is of conflicts in a minute."""


def set_up(world: World) -> None:
    """Make the resources as they are when the doors open."""
    llm, endpoints = world.state(Llm), world.state(Endpoints)
    llm.key = names.LLM_KEY
    first, *others = world.regions
    with world.clock.at(KEY_SINCE):
        world.client("secretsmanager", first).create_secret(
            Name=names.LLM_SECRET,
            SecretString=names.LLM_KEY,
            ClientRequestToken=names.LLM_TOKEN,
            AddReplicaRegions=[{"Region": region} for region in others],
        )
    world.state(ServiceQuotas).known[names.LLM_QUOTA] = Quota("Requests per minute for the model", LLM_PACE, LLM_PACE)
    older, newer = names.AI_MODELS
    for region in world.regions:
        world.state(Logs).create(region, names.SYNC_LOGS, retention=30)
        with world.clock.at(SINCE[older]):
            add_config(world, region, older)
            endpoints.create(region, names.AI_ENDPOINT, names.ai_config(older), at_once=True)
        with world.clock.at(SINCE[newer]):
            add_config(world, region, newer, before=older)
            go_over(world, region, newer)


def add_config(world: World, region: str, model: str, before: str = "") -> None:
    """A model with its endpoint configuration, which keeps the model `before` it up without traffic, if it has one."""
    endpoints = world.state(Endpoints)
    for name in filter(None, (model, before)):
        endpoints.models[region].setdefault(name, {"ModelName": name, "CreationTime": world.clock.now()})
    variants = [_variant(names.AI_VARIANT, model, 1.0, SERVING)]
    variants += [_variant(names.AI_OLD_VARIANT, before, 0.0, KEPT)] if before else []
    endpoints.create_config(region, {"EndpointConfigName": names.ai_config(model), "ProductionVariants": variants})


def go_over(world: World, region: str, model: str) -> None:
    """Let the endpoint have had a model's configuration since now, as an update leaves it that is over."""
    endpoints = world.state(Endpoints)
    endpoint = endpoints.endpoint(region, names.AI_ENDPOINT)
    endpoint.config, endpoint.modified = names.ai_config(model), world.clock.now()
    endpoint.variants = endpoints.config(region, endpoint.config).variants()


def by_component(world: World, region: str, model: str, copies: int, needed: int) -> None:
    """Let the endpoint have had one inference component with a model, updated to it now, instead of variants' models.

    So many copies are `needed` for the calls that come. Its instances scale with the copies, up to twice as many.
    """
    endpoints, components, config = (
        world.state(Endpoints),
        world.state(Components),
        names.ai_config("insights-components"),
    )
    endpoints.models[region].setdefault(model, {"ModelName": model, "CreationTime": world.clock.now()})
    scaling = {"Status": "ENABLED", "MinInstanceCount": SERVING, "MaxInstanceCount": 2 * SERVING}
    bare = {key: value for key, value in _variant(names.AI_VARIANT, "", 1.0, SERVING).items() if key != "ModelName"}
    with world.clock.at(SINCE[names.AI_MODELS[-1]]):
        endpoints.create_config(
            region,
            {
                "EndpointConfigName": config,
                "ExecutionRoleArn": f"arn:aws:iam::{world.account}:role/ai-insights",
                "ProductionVariants": [bare | {"ManagedInstanceScaling": scaling}],
            },
        )
    endpoint = endpoints.endpoint(region, names.AI_ENDPOINT)
    endpoint.config, endpoint.variants = config, endpoints.config(region, config).variants()
    specification = {
        "ModelName": model,
        "ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 4096},
    }
    made = components.create(region, names.AI_COMPONENT, names.AI_ENDPOINT, names.AI_VARIANT, specification, copies)
    made.status, made.needed, made.created = "InService", needed, SINCE[names.AI_MODELS[-1]]


def watch(world: World, since: datetime) -> None:
    """Set the alarms, so that they have looked at the history when the doors open."""
    with world.clock.at(since):
        for region in world.regions:
            for config in _alarms(world, region):
                world.state(CloudWatch).alarms[region].put(config)
            world.state(LogAlarms).put(region, _log_alarm(world, region))
            world.state(LogAlarms).rest(region, names.AI_LOG_ALARM, 0.0)


def wake(world: World) -> None:
    """Let the log alarms run. Before something is wrong they rest: each run costs a query, and finds what is known."""
    world.state(LogAlarms).resting -= {(region, names.AI_LOG_ALARM) for region in world.regions}


def _variant(name: str, model: str, weight: float, count: int) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.g5.xlarge",
        "InitialVariantWeight": weight,
    }


def _alarms(world: World, region: str) -> list[dict[str, Any]]:
    endpoint = [
        {"Name": "EndpointName", "Value": names.AI_ENDPOINT},
        {"Name": "VariantName", "Value": names.AI_VARIANT},
    ]
    errors, share, floor = names.AI_ALARMS
    return [
        _alarm(world, region, errors, "AWS/SageMaker", "InvocationModelErrors", ERRORS_PERCENT / 100, endpoint)
        | {"AlarmDescription": f"More than {ERRORS_PERCENT:g} % of the calls of the AI endpoint fail or time out."},
        _alarm(world, region, share, "SyncWell/Sync", "Fallbacks", FALLBACKS_PERCENT / 100, [])
        | {"AlarmDescription": f"More than {FALLBACKS_PERCENT:g} % of the conflicts are resolved without the AI."},
        _alarm(world, region, floor, "SyncWell/Sync", "Fallbacks", LEAST_CONFLICTS, [])
        | {
            "Statistic": "SampleCount",
            "ComparisonOperator": "LessThanThreshold",
            "DatapointsToAlarm": 3,
            "TreatMissingData": "breaching",
            "AlarmDescription": "Hardly any conflict is met: the share of fallbacks says nothing now.",
        },
    ]


def _log_alarm(world: World, region: str) -> dict[str, Any]:
    """The share of fallbacks straight from the log, every two minutes: no metric need come first."""
    return {
        "AlarmName": names.AI_LOG_ALARM,
        "AlarmDescription": f"More than {FALLBACKS_PERCENT:g} % of the logged conflicts are resolved without the AI.",
        "AlarmActions": [names.topic_arn(world.account, region)],
        "ScheduledQueryConfiguration": {
            "QueryString": 'filter event = "conflict_resolution"',
            "AggregationExpression": 'sum(strategy != "AiMerge") / count(*) * 100',
            "LogGroupIdentifiers": [names.SYNC_LOGS],
            "ScheduledQueryRoleARN": f"arn:aws:iam::{world.account}:role/{names.LOG_ALARM_ROLE}",
            "ScheduleConfiguration": {
                "ScheduleExpression": "rate(2 minutes)",
                "StartTimeOffset": 180,
                "EndTimeOffset": 60,
            },
        },
        "QueryResultsToEvaluate": 1,
        "QueryResultsToAlarm": 1,
        "Threshold": FALLBACKS_PERCENT,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
    }


def _alarm(
    world: World,
    region: str,
    name: str,
    namespace: str,
    metric: str,
    threshold: float,
    dimensions: list[dict[str, str]],
) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "ActionsEnabled": True,
        "AlarmActions": [names.topic_arn(world.account, region)],
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": dimensions,
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
    }
