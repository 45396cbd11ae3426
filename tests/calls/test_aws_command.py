"""A call as a command: one that the AWS CLI takes, with the same values."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from drcore.calls.aws import Aws
from drcore.calls.aws_command import shell_command
from drcore.calls.gate import CallGate, Plane

EAST = "us-east-1"
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("sns", "Publish", {"TopicArn": "arn:aws:sns:us-east-1:1:x", "Subject": "-it's", "Message": '{"a": "$HOME `x`"}'}),
    ("codedeploy", "StopDeployment", {"deploymentId": "d-1", "autoRollbackEnabled": True}),
    ("codedeploy", "StopDeployment", {"deploymentId": "d-1", "autoRollbackEnabled": False}),
    ("codedeploy", "ListDeployments", {"applicationName": "a", "includeOnlyStatuses": ["Created", "Queued"]}),
    ("cloudwatch", "DescribeAlarmHistory", {"AlarmName": "a b", "StartDate": NINE, "EndDate": NINE}),
    ("cloudwatch", "GetMetricData", {"MetricDataQueries": [{"Id": "m0"}], "StartTime": NINE, "EndTime": NINE}),
    (
        "lambda",
        "UpdateAlias",
        {"FunctionName": "f", "Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {"41": 0.1}}},
    ),
    ("apigateway", "UpdateStage", {"restApiId": "x", "stageName": "p", "patchOperations": [{"op": "replace"}]}),
    ("s3", "GetObject", {"Bucket": "b", "Key": "k"}),
    ("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": b'{"a": "it\'s"}', "IfNoneMatch": "*"}),
    ("sqs", "ReceiveMessage", {"QueueUrl": "https://q/1/2", "VisibilityTimeout": 0, "WaitTimeSeconds": 0}),
    ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "p/", "Delimiter": "/"}),
]

NAMES = {"s3": "s3api", "codedeploy": "deploy"}  # where `aws` calls a service something else


@pytest.mark.parametrize(("service", "operation", "parameters"), COMMANDS)
def test_a_command_should_be_one_that_aws_takes(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """By the rules of the AWS CLI: names from the model, a flag with its opposite for a boolean, no value twice."""
    command = shell_command(service, operation, EAST, parameters, write=True)
    words = shlex.split(command.split(" > body && ")[-1])
    assert words[:5] == ["aws", NAMES.get(service, service), xform_name(operation, "-"), "--region", EAST]
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    assert shape
    kinds = {xform_name(name, "-"): member.type_name for name, member in shape.members.items()}
    given: dict[str, list[str]] = {}
    option = ""
    for word in words[5:]:
        if word.startswith("--"):
            option, equals, value = word[2:].partition("=")
            given[option] = [value] if equals else []
        elif word != "/dev/stdout":
            given[option].append(word)
    for name, value in parameters.items():
        option = xform_name(name, "-")
        kind = kinds[option]
        if kind == "boolean":
            assert given[option if value else f"no-{option}"] == []
        elif kind == "list" and isinstance(value[0], str):
            assert given[option] == value
        elif kind in ("structure", "list", "map"):
            assert json.loads(given[option][0]) == value
        elif kind == "timestamp":
            assert datetime.fromisoformat(given[option][0]) == value
        elif kind == "blob":
            assert given[option] == ["body"]
            assert shlex.split(command)[:3] == ["printf", "%s", value.decode()]
        else:
            assert given[option] == [str(value)]
    assert len(given) == len(parameters)


def test_a_command_should_go_along_with_each_call(aws: Aws, calls: CallGate) -> None:
    aws.call("sts", EAST, "get_caller_identity")
    assert calls.made[-1].command == "aws sts get-caller-identity --region us-east-1"
    assert calls.made[-1].plane is Plane.DATA
