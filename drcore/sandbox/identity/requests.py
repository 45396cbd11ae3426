"""Which actions at which resources a call asks for (AWS, Service Authorization Reference).

An operation that is not listed asks for the action of its own name at `*`: no policy that is narrowed to a resource
allows it. An action of an API of REST APIs is an HTTP method at a path. What AWS asks for behind a call, of the same
caller, stands beside it: what a restore writes, what an export puts into its bucket, what a replica is made with.

Simplified: S3 tells a missing object from a refused one, whoever asks; a scalable target, which has an id of its own,
a session of AppConfig's data plane are any of their kind.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from drcore.sandbox.core.registry import AwsCall
from drcore.sandbox.moto import backends


@dataclass(frozen=True, slots=True)
class Ask:
    """One action at one resource."""

    action: str
    resource: str = "*"


Asks = Callable[[AwsCall], Iterable[Ask]]

_HERE = "{region}:{account}"
_APPLICATION = f"arn:aws:appconfig:{_HERE}:application/{{ApplicationId}}"
_NAMED_APPLICATION = f"arn:aws:appconfig:{_HERE}:application/{{ApplicationIdentifier}}"
_PROFILE = f"{_APPLICATION}/configurationprofile/{{ConfigurationProfileId}}"
_ENVIRONMENT = f"{_APPLICATION}/environment/{{EnvironmentId}}"
_STRATEGY = f"arn:aws:appconfig:{_HERE}:deploymentstrategy/{{DeploymentStrategyId}}"
_FUNCTION = f"arn:aws:lambda:{_HERE}:function:{{FunctionName}}"
_ENDPOINT = f"arn:aws:sagemaker:{_HERE}:endpoint/{{EndpointName}}"
_ENDPOINT_CONFIG = f"arn:aws:sagemaker:{_HERE}:endpoint-config/{{EndpointConfigName}}"
_TABLE = f"arn:aws:dynamodb:{_HERE}:table/{{TableName}}"

PREFIXES: Mapping[str, str] = {
    "appconfigdata": "appconfig",
    "dynamodbstreams": "dynamodb",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "sagemaker-runtime": "sagemaker",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}
"""The prefix of a service's actions where it is not botocore's name."""

FREE = frozenset({("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")})
"""What nobody needs a permission for."""

REPLICATION = "aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication"
RESTORING = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
REPLICATING = ("CreateTable", "CreateTableReplica", *RESTORING)


def asks_of(call: AwsCall) -> tuple[Ask, ...]:
    """What a call asks for; nothing where anybody may make it."""
    if (call.service, call.operation) in FREE:
        return ()
    special = _SPECIAL.get((call.service, call.operation)) or _SPECIAL.get((call.service, ""))
    if special is not None:
        return tuple(special(call))
    action = f"{PREFIXES.get(call.service, call.service)}:{call.operation}"
    patterns = RESOURCES.get(call.service, {}).get(call.operation, ("*",))
    return tuple(Ask(action, _arn(call, each)) for each in patterns)


def _arn(call: AwsCall, pattern: str) -> str:
    """An ARN by its pattern. A parameter that is an ARN itself is the resource."""
    if pattern == "*":
        return pattern
    names = re.findall(r"\{(\w+)\}", pattern)
    given = {name: call.params.get(name, "*") for name in names if name not in ("region", "account")}
    whole = next((value for value in given.values() if isinstance(value, str) and value.startswith("arn:")), None)
    return whole or pattern.format(region=call.region, account=call.account, **given)


def _table(call: AwsCall, name: str, region: str = "") -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{region or call.region}:{call.account}:table/{name}"


def _queried(call: AwsCall) -> Iterator[Ask]:
    table, index = _table(call, call.params["TableName"]), call.params.get("IndexName")
    yield Ask(f"dynamodb:{call.operation}", f"{table}/index/{index}" if index else table)


def _batch(call: AwsCall) -> Iterator[Ask]:
    for name in call.params["RequestItems"]:
        yield Ask(f"dynamodb:{call.operation}", _table(call, name))


def _transaction(call: AwsCall) -> Iterator[Ask]:
    """Each item is judged as an action of its own."""
    actions = {"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
    for item in call.params["TransactItems"]:
        for kind, act in item.items():
            yield Ask(f"dynamodb:{actions.get(kind, 'ConditionCheckItem')}", _table(call, act["TableName"]))


def _partiql(call: AwsCall) -> Iterator[Ask]:
    given = call.params.get("Statements") or call.params.get("TransactStatements") or [call.params]
    for text in (str(each["Statement"]) for each in given):
        named = re.search(r'(?:FROM|INTO|UPDATE)\s+"?([\w.-]+)"?', text, re.IGNORECASE)
        yield Ask(f"dynamodb:PartiQL{text.split()[0].capitalize()}", _table(call, named[1]) if named else "*")


def _restored(call: AwsCall) -> Iterator[Ask]:
    """The target is written to in the name of whoever restores."""
    source = call.params.get("SourceTableArn") or call.params["SourceTableName"]
    target = _table(call, call.params["TargetTableName"])
    yield from (Ask("dynamodb:RestoreTableToPointInTime", each) for each in (_table(call, source), target))
    yield from (Ask(f"dynamodb:{each}", target) for each in RESTORING)


def _exported(call: AwsCall) -> Iterator[Ask]:
    yield Ask("dynamodb:ExportTableToPointInTime", _table(call, call.params["TableArn"]))
    files = f"arn:aws:s3:::{call.params['S3Bucket']}/{call.params.get('S3Prefix', '')}*"
    yield from (Ask(f"s3:{each}", files) for each in ("AbortMultipartUpload", "PutObject", "PutObjectAcl"))


def _updated(call: AwsCall) -> Iterator[Ask]:
    name = call.params["TableName"]
    yield Ask("dynamodb:UpdateTable", _table(call, name))
    for update in call.params.get("ReplicaUpdates", ()):
        if "Create" in update:
            there = _table(call, name.rpartition("/")[2], update["Create"]["RegionName"])
            yield from (Ask(f"dynamodb:{action}", there) for action in REPLICATING)
            yield Ask("iam:CreateServiceLinkedRole", f"arn:aws:iam::{call.account}:role/{REPLICATION}")
        if "Delete" in update:
            there = _table(call, name.rpartition("/")[2], update["Delete"]["RegionName"])
            yield from (Ask(f"dynamodb:{action}", there) for action in ("DeleteTable", "DeleteTableReplica"))


def _rest_api(call: AwsCall) -> Iterator[Ask]:
    request = call.message.request
    yield Ask(f"apigateway:{request.method}", f"arn:aws:apigateway:{call.region}::{request.path}")


def _secret(call: AwsCall) -> Iterator[Ask]:
    """A secret's ARN ends in six characters that are drawn for it."""
    wanted = call.params.get("SecretId", "*")
    secret = backends.secretsmanager(call.account, call.region).secrets.get(wanted)
    arn = f"arn:aws:secretsmanager:{call.region}:{call.account}:secret:{wanted}"
    yield Ask(f"secretsmanager:{call.operation}", secret.arn if secret else _own(wanted, arn))


def _own(given: str, made: str) -> str:
    return given if given.startswith("arn:") else made


def _queue(call: AwsCall) -> Iterator[Ask]:
    name = call.params.get("QueueName") or str(call.params.get("QueueUrl", "*")).rpartition("/")[2]
    action = call.operation.removesuffix("Batch")  # a batch is allowed as one of it is
    arn = call.params.get("SourceArn") or f"arn:aws:sqs:{call.region}:{call.account}:{name}"
    if action == "CancelMessageMoveTask":
        arn = _source_of(str(call.params["TaskHandle"])) or arn
    yield Ask(f"sqs:{action}", arn)
    if action == "StartMessageMoveTask":
        yield from (Ask(f"sqs:{each}", arn) for each in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"))
        queues = backends.sqs(call.account, call.region).queues.values()
        fed = (each.queue_arn for each in queues if (each.redrive_policy or {}).get("deadLetterTargetArn") == arn)
        yield from (Ask("sqs:SendMessage", each) for each in fed)


def _source_of(handle: str) -> str:
    """The queue of which a task moves the messages: its handle names it. Empty where it is no handle."""
    try:
        return str(json.loads(base64.b64decode(handle))["sourceArn"])
    except (ValueError, KeyError, TypeError):
        return ""


def _s3(call: AwsCall) -> Iterator[Ask]:
    bucket = f"arn:aws:s3:::{call.params.get('Bucket', '*')}"
    place = f"{bucket}/{call.params['Key']}" if "Key" in call.params else bucket
    for parameter, action in _BESIDE.items():
        if parameter in call.params:
            yield Ask(f"s3:{action}", place)
    if call.operation == "DeleteObjects":
        keys = (each["Key"] for each in call.params["Delete"]["Objects"])
        yield from (Ask("s3:DeleteObject", f"{bucket}/{key}") for key in keys)
    elif call.operation == "ListBuckets":
        yield Ask("s3:ListAllMyBuckets")
    else:
        versioned = (
            "Version" if call.params.get("VersionId") and call.operation in ("GetObject", "DeleteObject") else ""
        )
        yield Ask(f"s3:{S3_ACTIONS.get(call.operation, call.operation)}{versioned}", place)


_BESIDE = {
    "ObjectLockMode": "PutObjectRetention",
    "ObjectLockLegalHoldStatus": "PutObjectLegalHold",
    "Tagging": "PutObjectTagging",
    "ACL": "PutObjectAcl",
}
"""What a parameter of an upload asks for beside it."""
S3_ACTIONS = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "HeadObject": "GetObject",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
}
_SPECIAL: Mapping[tuple[str, str], Asks] = {
    ("apigateway", ""): _rest_api,
    ("dynamodb", "BatchGetItem"): _batch,
    ("dynamodb", "BatchWriteItem"): _batch,
    ("dynamodb", "BatchExecuteStatement"): _partiql,
    ("dynamodb", "ExecuteStatement"): _partiql,
    ("dynamodb", "ExecuteTransaction"): _partiql,
    ("dynamodb", "ExportTableToPointInTime"): _exported,
    ("dynamodb", "Query"): _queried,
    ("dynamodb", "RestoreTableToPointInTime"): _restored,
    ("dynamodb", "Scan"): _queried,
    ("dynamodb", "TransactGetItems"): _transaction,
    ("dynamodb", "TransactWriteItems"): _transaction,
    ("dynamodb", "UpdateTable"): _updated,
    ("lambda", "Invoke"): lambda call: [Ask("lambda:InvokeFunction", _arn(call, _FUNCTION))],
    ("s3", ""): _s3,
    ("secretsmanager", "GetSecretValue"): _secret,
    ("secretsmanager", "DescribeSecret"): _secret,
    ("secretsmanager", "PutSecretValue"): _secret,
    ("secretsmanager", "StopReplicationToReplica"): _secret,
    ("secretsmanager", "ListSecretVersionIds"): _secret,
    ("secretsmanager", "UpdateSecretVersionStage"): _secret,
    ("sqs", ""): _queue,
}
"""By service and operation; an empty operation is any of the service."""


def _each(pattern: str | tuple[str, ...], *operations: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(operations, (pattern,) if isinstance(pattern, str) else pattern)


RESOURCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "appconfig": {
        **_each((_APPLICATION, _PROFILE), "CreateHostedConfigurationVersion", "GetHostedConfigurationVersion"),
        **_each((_APPLICATION, _PROFILE), "ListHostedConfigurationVersions"),
        **_each((_APPLICATION, _ENVIRONMENT), "ListDeployments"),
        **_each((_APPLICATION, _ENVIRONMENT, f"{_ENVIRONMENT}/deployment/{{DeploymentNumber}}"), "StopDeployment"),
        **_each(
            (
                _NAMED_APPLICATION,
                f"{_NAMED_APPLICATION}/experimentdefinition/{{ExperimentDefinitionIdentifier}}",
            ),
            "StopExperimentRun",
        ),
        **_each((_APPLICATION, _PROFILE, _STRATEGY, _ENVIRONMENT), "StartDeployment"),
        **_each(_APPLICATION, "ListConfigurationProfiles", "ListEnvironments"),
    },
    "appconfigdata": _each(
        f"arn:aws:appconfig:{_HERE}:application/*/environment/*/configuration/*",
        *("GetLatestConfiguration", "StartConfigurationSession"),
    ),
    "application-autoscaling": _each(
        f"arn:aws:application-autoscaling:{_HERE}:scalable-target/*",
        *("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"),
    ),
    "cloudwatch": {
        **_each(f"arn:aws:cloudwatch:{_HERE}:alarm:{{AlarmName}}", "PutMetricAlarm", "SetAlarmState"),
        **_each(f"arn:aws:cloudwatch:{_HERE}:alarm:*", "DescribeAlarms", "DescribeAlarmHistory", "DeleteAlarms"),
    },
    "codedeploy": {
        **_each(
            f"arn:aws:codedeploy:{_HERE}:application:{{applicationName}}", "CreateApplication", "DeleteApplication"
        ),
        **_each(
            f"arn:aws:codedeploy:{_HERE}:deploymentgroup:{{applicationName}}/{{deploymentGroupName}}",
            *("GetDeployment", "ListDeployments", "GetDeploymentGroup", "CreateDeployment", "CreateDeploymentGroup"),
        ),
    },
    "codebuild": {
        **_each(f"arn:aws:codebuild:{_HERE}:project/{{projectName}}", "StartBuild", "ListBuildsForProject"),
    },
    "codepipeline": {
        **_each(f"arn:aws:codepipeline:{_HERE}:{{name}}", "GetPipeline", "GetPipelineState"),
        **_each(f"arn:aws:codepipeline:{_HERE}:{{pipelineName}}", "StopPipelineExecution"),
        **_each(
            f"arn:aws:codepipeline:{_HERE}:{{pipelineName}}/{{stageName}}",
            *("DisableStageTransition", "EnableStageTransition"),
        ),
    },
    "dynamodb": {
        **_each(_TABLE, "DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "GetItem", "PutItem"),
        **_each(_TABLE, "UpdateItem", "DeleteItem", "UpdateContinuousBackups", "UpdateTimeToLive", "CreateTable"),
        **_each(_TABLE, "DeleteTable", "DescribeContributorInsights", "UpdateContributorInsights"),
        **_each(_TABLE, "DescribeKinesisStreamingDestination", "EnableKinesisStreamingDestination"),
        **_each(_TABLE, "DescribeTableReplicaAutoScaling", "UpdateTableReplicaAutoScaling"),
        **_each("{ResourceArn}", "GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy"),
        **_each("{ResourceArn}", "ListTagsOfResource", "TagResource", "UntagResource"),
        **_each("{ExportArn}", "DescribeExport"),
        **_each("{TableArn}", "ListExports"),
    },
    "ecs": {
        **_each(f"arn:aws:ecs:{_HERE}:service/{{cluster}}/{{service}}", "UpdateService"),
        **_each(f"arn:aws:ecs:{_HERE}:service/{{cluster}}/*", "DescribeServices"),
        **_each(f"arn:aws:ecs:{_HERE}:task/{{cluster}}/{{task}}", "StopTask"),
        **_each(f"arn:aws:ecs:{_HERE}:task/{{cluster}}/*", "DescribeTasks"),
        **_each(f"arn:aws:ecs:{_HERE}:container-instance/{{cluster}}/*", "ListTasks"),
    },
    "events": _each(f"arn:aws:events:{_HERE}:rule/{{Name}}", "DescribeRule", "DisableRule", "EnableRule"),
    "iam": {
        **_each("arn:aws:iam::{account}:role/{RoleName}", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies"),
        **_each("arn:aws:iam::{account}:role/{RoleName}", "CreateRole", "DeleteRole", "PutRolePolicy"),
        **_each("arn:aws:iam::{account}:role/{RoleName}", "DeleteRolePolicy", "DetachRolePolicy"),
        **_each("{PolicySourceArn}", "SimulatePrincipalPolicy"),
    },
    "lambda": {
        **_each(_FUNCTION, "GetAlias", "UpdateAlias", "PublishVersion", "GetFunctionConcurrency"),
        **_each(_FUNCTION, "PutFunctionConcurrency", "DeleteFunctionConcurrency", "GetFunctionConfiguration"),
        **_each(_FUNCTION, "UpdateFunctionConfiguration", "ListVersionsByFunction", "CreateAlias", "CreateFunction"),
        **_each(_FUNCTION, "DeleteFunction"),
        **_each(f"{_FUNCTION}:{{Qualifier}}", "GetProvisionedConcurrencyConfig", "PutProvisionedConcurrencyConfig"),
        **_each(f"{_FUNCTION}:{{Qualifier}}", "DeleteProvisionedConcurrencyConfig"),
        **_each(
            f"arn:aws:lambda:{_HERE}:event-source-mapping:{{UUID}}",
            *("GetEventSourceMapping", "UpdateEventSourceMapping"),
        ),
    },
    "logs": _each(f"arn:aws:logs:{_HERE}:log-group:{{logGroupName}}", "FilterLogEvents", "PutRetentionPolicy"),
    "route53": {
        **_each("arn:aws:route53:::hostedzone/{HostedZoneId}", "ChangeResourceRecordSets", "ListResourceRecordSets"),
        **_each("arn:aws:route53:::change/{Id}", "GetChange"),
        **_each("arn:aws:route53:::healthcheck/{HealthCheckId}", "GetHealthCheck", "GetHealthCheckStatus"),
        **_each("arn:aws:route53:::healthcheck/{HealthCheckId}", "UpdateHealthCheck"),
    },
    "route53-recovery-cluster": _each("{RoutingControlArn}", "GetRoutingControlState", "UpdateRoutingControlState"),
    "sagemaker": {
        **_each(_ENDPOINT, "DescribeEndpoint", "UpdateEndpointWeightsAndCapacities"),
        **_each((_ENDPOINT, _ENDPOINT_CONFIG), "UpdateEndpoint"),
        **_each(_ENDPOINT_CONFIG, "DescribeEndpointConfig"),
        **_each(
            f"arn:aws:sagemaker:{_HERE}:inference-component/{{InferenceComponentName}}",
            *("DescribeInferenceComponent", "UpdateInferenceComponent", "UpdateInferenceComponentRuntimeConfig"),
        ),
    },
    "service-quotas": _each(
        f"arn:aws:servicequotas:{_HERE}:{{ServiceCode}}/{{QuotaCode}}", "RequestServiceQuotaIncrease"
    ),
    "sns": _each("{TopicArn}", "Publish", "ListSubscriptionsByTopic", "GetTopicAttributes"),
    "stepfunctions": {
        **_each("{stateMachineArn}", "StartExecution"),
        **_each("{executionArn}", "DescribeExecution"),
    },
    "sts": _each("{RoleArn}", "AssumeRole"),
}
"""The ARNs of what an operation is about; its action has its name. `{Name}` is a parameter of the call."""
