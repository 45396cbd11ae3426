"""What every reader of drcore/services/ answers where there is nothing: a value that says so, or Rejected.

A reader that is not in the table fails here: say in its docstring what it answers, and put it in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from drcore.calls.gate import Writes, WriteStopped
from drcore.calls.http import Http
from drcore.errors import Rejected
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.services import appconfig, lambda_, llm_gateway, s3, statuspage, stepfunctions, xray
from drcore.services.cloudwatch import Metric, Points, Watching
from drcore.services.dynamodb import policies, recovery, settings, tables
from drcore.services.logs import LogQuery
from tests.services.conftest import aws_of, open_gate
from tests.support.in_process_transport import end_in
from tests.support.service_calls import ACCOUNT, ASKS, BEGAN, EAST, TABLE, VALUES, Asking, ServiceFunction
from tests.support.world_clock import WorldClock

NOBODY, EMPTY = "nobody", "empty"


@dataclass(frozen=True)
class Nothing:
    """What is asked for that is not there, and what is answered: a value, or a refusal by its code."""

    expected: Any = None
    refused: str = ""
    asked: dict[str, Any] = field(default_factory=dict)


def value(expected: Any, **asked: Any) -> Nothing:
    return Nothing(expected, asked=asked)


def refused(code: str, **asked: Any) -> Nothing:
    return Nothing(refused=code, asked=asked)


def another_profile(asking: Asking) -> appconfig.Profile:
    """Of an application in which nothing was ever made or deployed."""
    names = ("another", "one", "more")
    app = asking.aws.call("appconfig", EAST, "create_application", Name=names[0])["Id"]
    made = {"ApplicationId": app, "Name": names[1]}
    environment = asking.aws.call("appconfig", EAST, "create_environment", **made)["Id"]
    profile = {"ApplicationId": app, "Name": names[2], "LocationUri": "hosted"}
    return appconfig.Profile(
        *names, app, environment, asking.aws.call("appconfig", EAST, "create_configuration_profile", **profile)["Id"]
    )


NO_TABLE = f"arn:aws:dynamodb:{EAST}:{ACCOUNT}:table/{NOBODY}"
NO_TRACE = "1-00000000-000000000000000000000000"
NO_METRIC = Metric("AWS/Lambda", "Invocations", "Sum", (("FunctionName", NOBODY),))
EMPTY_PROFILE = appconfig.Profile(NOBODY, NOBODY, NOBODY)
ANSWERS: dict[str, Nothing] = {
    "apigateway.stage": refused("NotFoundException", name=NOBODY),
    "apigateway.deployments": refused("NotFoundException", rest_api_id=NOBODY),
    "appconfig.consumed": refused("ResourceNotFoundException", where=EMPTY_PROFILE),
    "appconfig.profile": refused("ResourceNotFoundException", name=NOBODY),
    "appconfig.strategy": refused("ResourceNotFoundException", name=NOBODY),
    "appconfig.strategy_times": refused("ResourceNotFoundException", name=NOBODY),
    "appconfig.newest": value(appconfig.HostedVersion(0, {}), where=another_profile),
    "appconfig.version": refused("ResourceNotFoundException", number=9999),
    "appconfig.last_deployment": value(appconfig.EnvironmentDeployment(), where=another_profile),
    "appconfig.experiments": value((), where=another_profile),
    "appconfig.rolled_back_by": refused("ResourceNotFoundException", number=9999),
    "appconfig.monitors": value((), where=another_profile),
    "appconfig.why_deployed": refused("ResourceNotFoundException", number=9999),
    "appconfig.deployments": value((), where=another_profile),
    "arc.control": refused("ResourceNotFoundException", arn=f"{VALUES['arc.arn']}0"),
    "aws_status.issues": value(()),
    "autoscaling.scaled_dimensions": value((), table=NOBODY),
    "autoscaling.scaling": refused("ObjectNotFoundException", service=NOBODY),
    "cloudtrail.calls": value((), operation=NOBODY),
    "cloudwatch.alarms": value((), prefix=NOBODY),
    "cloudwatch.definition": value({}, name=NOBODY),
    "cloudwatch.history": value((), names=(NOBODY,)),
    "cloudwatch.log_alarms": value((), prefix=NOBODY),
    "cloudwatch.watching": value(Watching((), True), value=NOBODY),
    "cloudwatch.minutes": value((Points(),), metrics=(NO_METRIC,)),
    "codedeploy.running": value(()),
    "codedeploy.rollbacks": value((), since=BEGAN),
    "codedeploy.deployment": refused("DeploymentDoesNotExistException", id_="d-NOBODY000"),
    "codebuild.newest_builds": refused("ResourceNotFoundException", project=NOBODY),
    "codepipeline.transition": refused("StageNotFoundException", stage=NOBODY),
    "dynamodb.exports.incremental": value((), table_arn=NO_TABLE),
    "dynamodb.exports.last_full": value(None, table_arn=NO_TABLE),
    "dynamodb.exports.export": refused("ExportNotFoundException", arn=f"{VALUES['table_arn']}/export/01700000000000-0"),
    "dynamodb.items.count": refused("ResourceNotFoundException", table=NOBODY),
    "dynamodb.items.segment": value((), table=EMPTY),
    "dynamodb.items.some": value((), keys=({"pk": {"S": NOBODY}, "sk": {"S": NOBODY}},)),
    "dynamodb.modes.modes": refused("ResourceNotFoundException", table=NOBODY),
    "dynamodb.modes.kinesis": value((), table=TABLE),
    "dynamodb.modes.insights": value(False, table=TABLE),
    "dynamodb.policies.policy": value(policies.TablePolicy()),
    "dynamodb.recovery.window": value(recovery.RecoveryWindow(), table=EMPTY),
    "dynamodb.recovery.restored": value(recovery.Restored(), table=NOBODY),
    "dynamodb.settings.settings": value(settings.TableFeatures(), table=NOBODY),
    "dynamodb.settings.ttl": value("", table=EMPTY),
    "dynamodb.settings.tags": value((), arn=f"arn:aws:dynamodb:{EAST}:{ACCOUNT}:table/{EMPTY}"),
    "dynamodb.tables.item": value(None, key={"pk": NOBODY, "sk": NOBODY}),
    "dynamodb.tables.items": value((), table=EMPTY),
    "dynamodb.tables.sample": value(tables.TableSample((), True), table=EMPTY),
    "dynamodb.tables.replicas": refused("ResourceNotFoundException", table=NOBODY),
    "ecs.service": refused("ServiceNotFoundException", name=NOBODY),
    "ecs.tasks": value((), cluster="without-tasks"),
    "ecs.environment": refused("ClientException", task_definition=NOBODY),
    "ecs.revisions": value((), family=NOBODY),
    "events.rule": refused("ResourceNotFoundException", name=NOBODY),
    "events.enabled_rules": value((), prefix=NOBODY),
    "health.issues": value(()),
    "iam.denied": value((), actions=()),
    "iam.role": refused("NoSuchEntity", name=NOBODY),
    "iam.entity": refused("NoSuchEntity", caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/{NOBODY}/job-1"),
    "lambda_.alias": refused("ResourceNotFoundException", name=NOBODY),
    "lambda_.version": value(lambda_.FunctionVersion(), number="9999"),
    "lambda_.newest_versions": refused("ResourceNotFoundException", function=NOBODY),
    "lambda_.provisioned": value(lambda_.Provisioned(), function="syncwell-worker"),
    "lambda_.provisioned_settings": value((), function="syncwell-worker"),
    "lambda_.concurrency_limit": value(1000),  # there is always one
    "lambda_.reserved": value(None),
    "lambda_.sources": value((), functions=()),
    "lambda_.readers": value((), source_arn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{NOBODY}"),
    "lambda_.code": refused("ResourceNotFoundException", function=NOBODY),
    "logs.lines": value((), pattern=NOBODY),
    "logs.retention_days": refused("ResourceNotFoundException", group=NOBODY),
    "logs.insights": value(((),), queries=(LogQuery(EAST, ("/syncwell/api",), "filter n = 7 | fields n"),)),
    "partners.ask": refused("404", url=f"{ENDPOINT}/partner/{NOBODY}/v1/read-activities"),
    "partners.page": refused("404", url=f"{ENDPOINT}/partner-status/{NOBODY}"),
    "route53.records": value((), name=NOBODY),
    "route53.answer": value((), name=NOBODY),
    "route53.health_check": refused("NoSuchHealthCheck", id_=NOBODY),
    "route53.checkers": refused("NoSuchHealthCheck", id_=NOBODY),
    "route53.is_everywhere": refused("NoSuchChange", change="C0NOBODY"),
    "s3.document": refused("NoSuchKey", key=NOBODY),
    "s3.body": refused("NoSuchKey", key=NOBODY),
    "s3.kept": value(s3.StoredJson(None), key=NOBODY),
    "s3.folders": value((), prefix=NOBODY),
    "s3.names": value((), prefix=NOBODY),
    "s3.tagged": value((), prefix=NOBODY),
    "s3.fetch": refused("404", key=NOBODY),
    "sagemaker.endpoint": refused("ValidationException", name=NOBODY),
    "sagemaker.configuration": refused("ValidationException", name=NOBODY),
    "sagemaker.configurations": value((), part=NOBODY),
    "sagemaker.models": value((), part=NOBODY),
    "sagemaker.component": refused("ValidationException", name=NOBODY),
    "llm_gateway.order": refused("403", gateway=llm_gateway.Gateway(f"{ENDPOINT}/llm", NOBODY)),
    "secretsmanager.listed": value((), prefix=NOBODY),
    "secretsmanager.versions": refused("ResourceNotFoundException", name=NOBODY),
    "secretsmanager.secret": refused("ResourceNotFoundException", name=NOBODY),
    "secretsmanager.is_readable": refused("ResourceNotFoundException", name=NOBODY),
    "securitydesk.findings": value(()),
    "servicechecks.marked_writes": refused("404", url=f"{ENDPOINT}/syncwell/{NOBODY}/v1/marked-writes"),
    "servicechecks.old_token": refused("404", url=f"{ENDPOINT}/syncwell/{EAST}/v1/token-probes/{NOBODY}"),
    "servicechecks.is_exposed": refused("404", url=f"{ENDPOINT}/syncwell/{EAST}/v1/exposure/{NOBODY}"),
    "stepfunctions.execution": value(stepfunctions.JobRun(), name=NOBODY),
    "servicequotas.quota": refused("NoSuchResourceException", service=NOBODY),
    "sns.is_heard": refused("NotFound", topic=f"arn:aws:sns:{EAST}:{ACCOUNT}:{NOBODY}"),
    "sqs.ask": refused("AWS.SimpleQueueService.NonExistentQueue", queue=NOBODY),
    "sqs.counts": refused("AWS.SimpleQueueService.NonExistentQueue", queue=NOBODY),
    "sqs.last_redrive": refused("ResourceNotFoundException", dead_letters=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{NOBODY}"),
    "statuspage.incident_of": value(statuspage.PublicIncident(), run_id=NOBODY),
    "xray.destination": value(xray.TraceStore.XRAY),
    "xray.summaries": value((), region=EAST),
    "xray.service_map": value((), traces=[NO_TRACE]),
    "xray.thrown": refused("NoSuchTrace", traces=[NO_TRACE]),
    "support.tickets": value((), category=NOBODY),
}


@pytest.fixture(scope="module")
def asking(world: InProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    gate = open_gate()
    with pytest.MonkeyPatch.context() as patch:
        end_in(world, patch)
        yield Asking(
            aws_of(world, gate), Http(gate, WorldClock(world)), gate, world, tmp_path_factory.mktemp("fetched")
        )


@pytest.fixture(scope="module", autouse=True)
def _empty(asking: Asking) -> None:
    """A table without items, a cluster without tasks."""
    asking.aws.call(
        "dynamodb",
        EAST,
        "create_table",
        TableName=EMPTY,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    asking.world.request("POST", "/_sandbox/clock", {"sleep": 60})  # until the table can be read
    asking.aws.call("ecs", EAST, "create_cluster", clusterName="without-tasks")


@pytest.mark.parametrize("function", [each for each in ASKS if each.module != "dns"], ids=str)
def test_where_there_is_nothing_it_is_said(function: ServiceFunction, asking: Asking) -> None:
    known = ANSWERS.get(str(function))
    if known is None:
        with pytest.raises(WriteStopped), asking.gate.during(Writes.STOPPED):
            function.prepare(asking)()
        return
    asked = {name: each(asking) if callable(each) else each for name, each in known.asked.items()}
    ask = function.prepare(asking, **asked)
    if known.refused:
        with pytest.raises(Rejected) as error:
            ask()
        assert error.value.code == known.refused
    else:
        assert ask() == known.expected
