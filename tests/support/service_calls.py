"""Every public function of drcore/services/, with arguments under which the sandbox has an answer for it."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drcore import services
from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.calls.http import Http
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.syncwell.company.names import LLM_KEY, LLM_QUOTA, LLM_SECRET
from drcore.services import (
    apigateway,
    autoscaling,
    codedeploy,
    lambda_,
    llm_gateway,
    route53,
    s3,
    sagemaker,
    secretsmanager,
)
from drcore.services.cloudwatch import Metric
from drcore.services.dynamodb import exports, policies
from drcore.services.logs import LogQuery
from tests.support import security_calls
from tests.support.ai_resources import component, configuration, endpoint, waiting_version
from tests.support.appconfig_calls import APPCONFIG
from tests.support.build_calls import BUILDS
from tests.support.queue_calls import QUEUES
from tests.support.trace_calls import TRACES
from tests.support.vendor_calls import VENDORS
from tests.support.world_clock import WorldClock

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "123456789012"
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)  # when a world begins
TABLE = "SyncWellMetadata"
TABLE_ARN = f"arn:aws:dynamodb:{EAST}:{ACCOUNT}:table/{TABLE}"
CONTROL = (
    f"arn:aws:route53-recovery-control::{ACCOUNT}:controlpanel/0123456bbbbbbb0123456bbbbbb0123456"
    "/routingcontrol/abcdefg1234567"
)
USER = {"pk": {"S": "USER#00001"}, "sk": {"S": "sync"}}
ZONE, NAME = "Z0SYNCWELL0ZONE", "api.syncwell.example."


@dataclass(frozen=True)
class Asking:
    """What a function asks with."""

    aws: Aws
    http: Http
    gate: CallGate
    world: InProcess
    folder: Path


@dataclass(frozen=True)
class ServiceFunction:
    """One public function of a module of drcore/services/."""

    module: str
    name: str
    does: Callable[..., Any]

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    def prepare(self, asking: Asking, **others: object) -> Callable[[], Any]:
        """Find out its arguments, from below but for `others`; what is returned calls it with them.

        An iterator is asked for all that it has to give.
        """
        given = {name: others[name] if name in others else argument(self, name, asking) for name in parameters(self)}
        kinds = {each.name: each.kind for each in inspect.signature(self.does).parameters.values()}
        by_place = [value for name, value in given.items() if kinds[name] is not inspect.Parameter.KEYWORD_ONLY]
        by_name = {name: value for name, value in given.items() if kinds[name] is inspect.Parameter.KEYWORD_ONLY}

        def call() -> Any:
            found = self.does(*by_place, **by_name)
            return tuple(found) if isinstance(found, Iterator) else found

        return call


def parameters(function: ServiceFunction) -> tuple[str, ...]:
    return tuple(inspect.signature(function.does).parameters)


def _functions() -> Iterator[ServiceFunction]:
    for found in pkgutil.walk_packages(services.__path__, f"{services.__name__}."):
        module = importlib.import_module(found.name)
        for name, does in vars(module).items():
            if inspect.isfunction(does) and does.__module__ == found.name and not name.startswith("_"):
                yield ServiceFunction(found.name.removeprefix(f"{services.__name__}."), name, does)


ASKS = tuple(each for each in _functions() if {"aws", "http", "calls"} & set(parameters(each)))
"""Those that ask somebody; the others only reckon."""


def argument(function: ServiceFunction, name: str, asking: Asking) -> Any:
    """The value of one parameter: that of the function, of the module, or of all that have one of the name.

    Raises AssertionError where there is none: put it below.
    """
    for key in (f"{function}.{name}", f"{function.module}.{name}", name):
        if key in VALUES:
            value = VALUES[key]
            return value(asking) if callable(value) else value
    default = inspect.signature(function.does).parameters[name].default
    assert default is not inspect.Parameter.empty, f"{function}: no value for {name!r} in tests/support/service_calls"
    return default


def _export(asking: Asking) -> exports.IncrementalExport:
    """An export that is complete."""
    arn = exports.start(
        asking.aws,
        EAST,
        TABLE_ARN,
        bucket=f"syncwell-exports-{EAST}",
        prefix="asked",
        since=BEGAN - timedelta(minutes=30),
        until=BEGAN,
        token="asked",  # noqa: S106  # of idempotency
    )
    return exports.export(asking.aws, EAST, arn)


def _complete_export(asking: Asking) -> exports.IncrementalExport:
    made = _export(asking)
    asking.world.request("POST", "/_sandbox/clock", {"sleep": 900})
    return exports.export(asking.aws, EAST, made.arn)


def _task(asking: Asking) -> str:
    arns = asking.aws.call("ecs", EAST, "list_tasks", cluster="syncwell")["taskArns"]
    return str(arns[0]).rpartition("/")[2]


def _deployment(asking: Asking) -> str:
    group = {"applicationName": "syncwell-backend", "deploymentGroupName": "syncwell-backend-live"}
    return str(asking.aws.call("codedeploy", EAST, "list_deployments", **group)["deployments"][0])


def _running_deployment(asking: Asking) -> str:
    """One that shifts traffic of the webhook's function to the version that it has, until it is stopped."""
    running = codedeploy.running(asking.aws, EAST, "syncwell-backend", "syncwell-backend-live")
    if running:  # a group has one at a time
        return running[0].id
    now = lambda_.alias(asking.aws, EAST, "syncwell-webhook", "live").version
    versions = lambda_.newest_versions(asking.aws, EAST, "syncwell-webhook", 5)
    properties = {
        "Name": "syncwell-webhook",
        "Alias": "live",
        "CurrentVersion": now,
        "TargetVersion": next(each for each in versions if each != now),
    }
    content = {"version": 0.0, "Resources": [{"hook": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    made = asking.aws.call(
        "codedeploy",
        EAST,
        "create_deployment",
        applicationName="syncwell-backend",
        deploymentGroupName="syncwell-backend-live",
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}},
    )
    return str(made["deploymentId"])


def _waiting_execution(asking: Asking) -> str:
    """One that is about to enter the first stage."""
    return str(
        asking.aws.call("codepipeline", EAST, "start_pipeline_execution", name="syncwell-backend")[
            "pipelineExecutionId"
        ]
    )


def _record(asking: Asking) -> route53.RecordSet:
    return route53.records(asking.aws, ZONE, NAME)[0]


def _change(asking: Asking) -> str:
    return route53.upsert(asking.aws, ZONE, _record(asking), "asked")


def _new_table(asking: Asking) -> str:
    return f"asked-{len(asking.aws.call('dynamodb', EAST, 'list_tables')['TableNames'])}"


def _source(asking: Asking) -> str:
    return lambda_.sources(asking.aws, EAST, ["syncwell-worker"])[0].id


def _updated(asking: Asking) -> lambda_.Code:
    """The code after its last update has ended: until then nothing can be published."""
    asking.world.request("POST", "/_sandbox/clock", {"sleep": 10})
    return lambda_.code(asking.aws, EAST, "syncwell-api")


VALUES: dict[str, Any] = {
    **security_calls.VALUES,
    "servicechecks.is_exposed.url": lambda asking: security_calls.exposure(asking.world),
    "stepfunctions.execution.name": lambda asking: security_calls.revocation(asking.world),
    "aws": lambda asking: asking.aws,
    "http": lambda asking: asking.http,
    "calls": lambda asking: asking.gate,
    "region": EAST,
    "regions": (EAST, WEST),
    "since": BEGAN - timedelta(minutes=30),
    "until": BEGAN,
    "key": "releases.json",
    "bucket": f"syncwell-releases-{EAST}",
    "why": "asked",
    "reason": "asked",
    "table": TABLE,
    "table_arn": TABLE_ARN,
    "function": "syncwell-api",
    "cluster": "syncwell",
    "service": "syncwell-worker",
    "prefix": "syncwell-",
    "apigateway.rest_api_id": "sw1east7ab",
    "apigateway.name": "prod",
    "aws_status.url": f"{ENDPOINT}/aws-status/public/currentevents",
    "apigateway.point_stage.to": lambda asking: apigateway.stage(asking.aws, EAST, "sw1east7ab", "prod"),
    "apigateway.now": lambda asking: apigateway.stage(asking.aws, EAST, "sw1east7ab", "prod"),
    **APPCONFIG,
    "arc.endpoints": tuple((region, ENDPOINT) for region in (EAST, WEST, "eu-west-1")),
    "arc.endpoint": WEST,
    "arc.arn": CONTROL,
    "arc.on": True,
    "autoscaling.to": autoscaling.Scaling(2, 12, False, False, False),
    "cloudtrail.operation": "UpdateAlias",
    "cloudwatch.name": "syncwell-api-5xx",
    "cloudwatch.names": ("syncwell-api-5xx",),
    "cloudwatch.metrics": (Metric("AWS/Lambda", "Invocations", "Sum", (("FunctionName", "syncwell-api"),)),),
    "cloudwatch.dimension": "TableName",
    "cloudwatch.definition": {
        "AlarmName": "asked",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    },
    "codedeploy.application": "syncwell-backend",
    "codedeploy.group": "syncwell-backend-live",
    "codedeploy.id_": _deployment,
    "codedeploy.stop.id_": _running_deployment,
    "codepipeline.stop.execution": _waiting_execution,
    **BUILDS,
    **TRACES,
    "dns.server": "127.0.0.1:53",
    "dns.name": NAME,
    "dns.subnets": ("198.18.0.0/20",),
    "dynamodb.exports.prefix": "asked",
    "dynamodb.exports.begun_after": BEGAN,
    "dynamodb.exports.bucket": f"syncwell-exports-{EAST}",
    "dynamodb.exports.token": "asked",
    "dynamodb.exports.arn": lambda asking: _export(asking).arn,
    "dynamodb.exports.made": _complete_export,
    "dynamodb.items.number": 0,
    "dynamodb.items.of": 1,
    "dynamodb.items.keys": (USER, {"pk": {"S": "USER#none"}, "sk": {"S": "sync"}}),
    "dynamodb.policies.arn": TABLE_ARN,
    "dynamodb.policies.statements": (
        policies.statement(
            {
                "Sid": "asked",
                "Effect": "Deny",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/syncwell-batch"},
                "Action": ["dynamodb:PutItem"],
                "Resource": TABLE_ARN,
            }
        ),
    ),
    "dynamodb.policies.put.now": lambda asking: policies.policy(asking.aws, EAST, TABLE_ARN),
    "dynamodb.recovery.on": True,
    "dynamodb.recovery.source_arn": TABLE_ARN,
    "dynamodb.recovery.restore.table": _new_table,
    "dynamodb.recovery.at": BEGAN - timedelta(minutes=10),
    **dict.fromkeys(("dynamodb.modes.table", "cloudwatch.value"), TABLE),
    "dynamodb.settings.arn": TABLE_ARN,
    "dynamodb.settings.table": "asked",  # one of the tests' own, which tells nobody of what is set on it
    "dynamodb.settings.set_stream.table": "asked-without-stream",
    **dict.fromkeys(("dynamodb.settings.reads", "dynamodb.settings.writes"), 24_000),
    "dynamodb.settings.attribute": "ExpiresAt",
    "dynamodb.settings.view": "",
    "dynamodb.settings.wanted": {"asked": "yes"},
    "dynamodb.settings.names": ["asked"],
    "dynamodb.settings.new_region": WEST,
    "lambda_.readers.source_arn": "arn:aws:sqs:us-east-1:123456789012:syncwell-jobs",
    "dynamodb.tables.pages": 8,
    "dynamodb.tables.since": ("UpdatedAt", "2025"),
    "dynamodb.tables.key": {"pk": "USER#00001", "sk": "sync"},
    "dynamodb.tables.item": {"pk": "ASKED#1", "sk": "sync"},
    "dynamodb.tables.delete.key": {"pk": "ASKED#2", "sk": "sync"},
    "dynamodb.transactions.token": "asked",
    "dynamodb.transactions.writes": (
        ("Put", {"TableName": TABLE, "Item": {"pk": {"S": "ASKED#3"}, "sk": {"S": "sync"}}}),
    ),
    "ecs.name": "syncwell-worker",
    "ecs.family": "syncwell-worker",
    "ecs.task_definition": "syncwell-worker:1",
    "ecs.desired": 4,
    "ecs.id_": _task,
    "events.name": "syncwell-nightly-tidy",
    "iam.caller": f"arn:aws:sts::{ACCOUNT}:assumed-role/syncwell-worker/job-1",
    "iam.principal": f"arn:aws:iam::{ACCOUNT}:role/syncwell-worker",
    "iam.name": "syncwell-worker",
    "iam.actions": ("s3:GetObject",),
    "lambda_.name": "live",
    "lambda_.version.number": lambda asking: lambda_.newest_versions(asking.aws, EAST, "syncwell-api", 1)[0],
    "lambda_.count": 3,
    "lambda_.functions": ("syncwell-worker",),
    "lambda_.most": 50,
    "lambda_.qualifier": "live",
    "lambda_.executions": 10,
    "lambda_.on": True,
    "lambda_.id_": _source,
    "lambda_.description": "asked",
    "lambda_.publish.now": _updated,
    "lambda_.now": lambda asking: lambda_.code(asking.aws, EAST, "syncwell-api"),
    "lambda_.to": lambda asking: lambda_.alias(asking.aws, EAST, "syncwell-api", "live"),
    "lambda_.revision": lambda asking: lambda_.alias(asking.aws, EAST, "syncwell-api", "live").revision,
    "llm_gateway.gateway": llm_gateway.Gateway(f"{ENDPOINT}/llm", LLM_KEY),
    "llm_gateway.models": ("secondary", "primary"),
    "logs.group": "/syncwell/api",
    "logs.pattern": "ConfigInvalid",
    "logs.clock": lambda asking: WorldClock(asking.world),
    "logs.queries": (LogQuery(EAST, ("/syncwell/api",), "stats count(*) as n"),),
    "logs.within": 60.0,
    "route53.zone": ZONE,
    "route53.name": NAME,
    "route53.record": _record,
    "route53.comment": "asked",
    "route53.change": _change,
    "route53.id_": f"hc-syncwell-{EAST}",
    "route53.now": lambda asking: route53.health_check(asking.aws, f"hc-syncwell-{EAST}"),
    "route53.disabled": False,
    "route53.inverted": False,
    "s3.folders.bucket": f"syncwell-evidence-{EAST}",
    "s3.folders.prefix": "records/",
    "s3.names.prefix": "",
    "s3.tagged.prefix": "",
    "s3.path": lambda asking: asking.folder / "fetched",
    "s3.put_if.key": "asked.json",
    "s3.content": {"asked": True},
    "s3.delete_if.bucket": f"syncwell-releases-{EAST}",
    "s3.delete_if.key": "asked-away.json",
    "s3.etag": lambda asking: asking.world.world.client("s3", EAST).put_object(
        Bucket=f"syncwell-releases-{EAST}", Key="asked-away.json", Body=b"{}"
    )["ETag"],
    "s3.now": lambda asking: s3.kept(asking.aws, EAST, f"syncwell-releases-{EAST}", "asked.json"),
    "s3.put_locked.bucket": f"syncwell-evidence-{EAST}",
    "s3.put_locked.key": "asked",
    "s3.put_locked.body": b"asked",
    "s3.put_locked.until": BEGAN + timedelta(days=1),
    "sagemaker.name": lambda asking: endpoint(asking.world),
    "sagemaker.configuration.name": lambda asking: configuration(asking.world),
    "sagemaker.part": "asked-v",
    "sagemaker.config": "asked-v2",
    "sagemaker.guardrails": sagemaker.Guardrails(10, 60, 600),
    "sagemaker.weights": {"all": 0.5},
    "sagemaker.component.name": lambda asking: component(asking.world),
    "sagemaker.known": lambda asking: sagemaker.component(asking.aws, EAST, component(asking.world)),
    "sagemaker.model": "merge-2",
    "sagemaker.models.part": "merge-",
    "sagemaker.set_copies.name": lambda asking: component(asking.world),
    "sagemaker.copies": 2,
    "secretsmanager.name": LLM_SECRET,
    "secretsmanager.version": lambda asking: waiting_version(asking.aws),
    "secretsmanager.label": "AWSPENDING",
    "secretsmanager.promote.region": WEST,
    "secretsmanager.promote.name": lambda asking: next(
        each.name for each in secretsmanager.listed(asking.aws, WEST, "syncwell/") if each.primary
    ),
    "secretsmanager.instead_of": lambda asking: secretsmanager.versions(asking.aws, EAST, LLM_SECRET).current,
    "servicequotas.service": LLM_QUOTA[1],
    "servicequotas.code": LLM_QUOTA[2],
    "servicequotas.wanted": 4000.0,
    "sns.topic": f"arn:aws:sns:{EAST}:{ACCOUNT}:syncwell-oncall",
    "sns.subject": "asked",
    "sns.message": "asked",
    **(QUEUES | VENDORS),
}
