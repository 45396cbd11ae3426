"""What counts as a read of AWS: only what was reviewed, and all else is a write."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import botocore.session
import pytest
from botocore.model import OperationModel

from drcore.calls import aws_operations

ROOT = Path(__file__).parents[2]
SERVICES = [
    *(
        "lambda",
        "apigateway",
        "codebuild",
        "codedeploy",
        "codepipeline",
        "cloudwatch",
        "s3",
        "sns",
        "sqs",
        "sts",
        "iam",
    ),
    *("secretsmanager", "dynamodb", "appconfig", "appconfigdata", "application-autoscaling", "cloudtrail", "ecs"),
    *(
        "events",
        "health",
        "logs",
        "route53",
        "route53-recovery-cluster",
        "sagemaker",
        "service-quotas",
        "stepfunctions",
        "xray",
    ),
]

# Reviewed one by one. Reads by another name than Get, List, Describe, Head, BatchGet:
READS_BY_ANOTHER_NAME = {
    *("dynamodb:Query", "dynamodb:Scan", "dynamodb:SearchVectors"),
    *("iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"),
    *("appconfigdata:StartConfigurationSession", "cloudtrail:LookupEvents", "cloudtrail:SearchSampleQueries"),
    *("logs:FilterLogEvents", "logs:StartQuery", "logs:StopQuery"),
    "route53:TestDNSAnswer",
    *("sagemaker:QueryLineage", "sagemaker:Search", "sagemaker:SearchTrainingPlanOfferings"),
    "sts:AssumeRole",
}

# Named as reads, and no reads:
WRITES_BY_NAME_OF_A_READ = {
    *("sts:GetDelegatedAccessToken", "sts:GetFederationToken", "sts:GetSessionToken", "sts:GetWebIdentityToken"),
    "sts:GetScopedCredentials",  # since botocore 1.44.6
    "iam:GetHumanReadableSummary",
    "sagemaker:GetScalingConfigurationRecommendation",
    "xray:GetSamplingTargets",
}
ALWAYS_POSTS = {"xray"}  # whatever is asked

# Reads although their documentation, or their HTTP method, speaks of more; each was read in full.
HARMLESS = {
    "apigateway:GetModelTemplate": "computes a template, keeps nothing",
    "apigateway:GetSdk": "makes a download, keeps nothing",
    "appconfigdata:StartConfigurationSession": "a token for the first read, which expires",
    "logs:StartQuery": "a query of lines, whose result is forgotten",
    "logs:StopQuery": "ends such a query",
    "route53:ListTagsForResources": "a POST only because its list of ids is long",
    "secretsmanager:GetRandomPassword": "a random text, kept by nobody",
    "sts:AssumeRole": "credentials that expire: how a run gets its own identity",
}

DOES_MORE = re.compile(
    r"^(creates?|generates?|starts?|issues?|updates?|deletes?|removes?|initiates?|registers?|invokes?|consumes?|marks?"
    r"|returns a set of temporary|sends?|puts?|resets?|stops?|cancels?|retries|claims?|polls?)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def models() -> dict[str, OperationModel]:
    session = botocore.session.get_session()
    return {
        f"{service}:{name}": model.operation_model(name)
        for service in SERVICES
        for model in [session.get_service_model(service)]
        for name in model.operation_names
    }


def is_write(full: str) -> bool:
    service, name = full.split(":")
    return aws_operations.is_write(service, name)


def test_only_reviewed_operations_should_count_as_reads(models: dict[str, OperationModel]) -> None:
    by_rule = {name for name in models if re.match(r"[\w-]+:(Get|List|Describe|Head|BatchGet)[A-Z]", name)}
    reviewed = by_rule - WRITES_BY_NAME_OF_A_READ | READS_BY_ANOTHER_NAME & set(models)  # an older botocore has fewer
    assert {name for name in models if not is_write(name)} == reviewed
    assert len(reviewed) > 300


def test_every_service_that_is_called_should_have_been_reviewed() -> None:
    trees = [ast.parse(path.read_text()) for path in (ROOT / "drcore" / "services").rglob("*.py")]
    words = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert words & set(botocore.session.get_session().get_available_services()) - set(SERVICES) == set()


def test_no_read_should_be_one_that_its_model_says_does_more(models: dict[str, OperationModel]) -> None:
    """A method other than GET, a token against doing it twice, a first word that says that something is made."""
    doubtful = set()
    for name, model in models.items():
        shape = model.input_shape
        members = shape.members.values() if shape else ()
        tokens = [member for member in members if member.metadata.get("idempotencyToken")]
        rest = str(model.service_model.metadata["protocol"]).startswith("rest")
        told = re.sub(r"<[^>]+>", "", model.documentation).strip()
        always = name.partition(":")[0] in ALWAYS_POSTS
        posts = rest and model.http["method"] not in ("GET", "HEAD") and not always
        if not is_write(name) and (tokens or posts or DOES_MORE.match(told)):
            doubtful.add(name)
    assert doubtful == set(HARMLESS)


@pytest.mark.parametrize(
    "name",
    [
        *("s3:WriteGetObjectResponse", "s3:SelectObjectContent", "s3:GetterOfX", "s3:Listen", "s3:Describer"),
        *("sqs:ReceiveMessage", "sqs:PurgeQueue", "lambda:Invoke", "codepipeline:PollForJobs"),
        *("dynamodb:ExecuteStatement", "dynamodb:BatchWriteItem", "dynamodb:TransactGetItems"),
        *("apigateway:TestInvokeMethod", "iam:GenerateCredentialReport", "cloudwatch:SetAlarmState"),
        *("appconfig:StopDeployment", "xray:GetSamplingTargets", "sts:AssumeRoleWithSAML"),
    ],
)
def test_whatever_is_not_argued_for_should_be_a_write(name: str) -> None:
    assert is_write(name)
