"""One Python function answers any operation, in the protocol that the caller speaks."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from drcore.sandbox.core.registry import OPERATIONS, AwsCall, AwsError, operation
from tests.sandbox.conftest import Client

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

CASES = [
    pytest.param("sns", "GetTopicAttributes", {"TopicArn": "t"}, {"Attributes": {"Owner": "o"}}, id="query"),
    pytest.param("ec2", "DescribeRegions", {"RegionNames": ["a"]}, {"Regions": [{"Endpoint": "e"}]}, id="ec2"),
    pytest.param(
        "codedeploy",
        "GetDeployment",
        {"deploymentId": "d-1"},
        {"deploymentInfo": {"deploymentId": "d-1", "createTime": AT}},
        id="json",
    ),
    pytest.param(
        "cloudwatch",
        "DescribeAlarms",
        {"AlarmNames": ["a"]},
        {"MetricAlarms": [{"AlarmName": "a", "StateUpdatedTimestamp": AT, "Threshold": 1.5}]},
        id="json with query errors",
    ),
    pytest.param(
        "lambda",
        "UpdateAlias",
        {"FunctionName": "f", "Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}},
        {"Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {}}},
        id="rest-json",
    ),
    pytest.param(
        "route53",
        "GetHealthCheckStatus",
        {"HealthCheckId": "h"},
        {"HealthCheckObservations": [{"Region": "us-east-1", "StatusReport": {"CheckedTime": AT}}]},
        id="rest-xml",
    ),
    pytest.param(
        "s3",
        "GetBucketVersioning",
        {"Bucket": "some-bucket"},
        {"Status": "Enabled"},
        id="s3",
    ),
    pytest.param("eventbridgev2", "ListEventSources", {"MaxResults": 3}, {"NextToken": "n"}, id="smithy-rpc-v2-cbor"),
]


@pytest.mark.parametrize(("service", "name", "params", "output"), CASES)
def test_it_should_answer_with_what_the_function_returns(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    name: str,
    params: dict[str, Any],
    output: dict[str, Any],
) -> None:
    seen: list[AwsCall] = []

    def answer(call: AwsCall) -> dict[str, Any]:
        seen.append(call)
        return output

    monkeypatch.setitem(OPERATIONS, (service, name), answer)
    answered = getattr(client(service, "us-west-2"), xform_name(name))(**params)
    del answered["ResponseMetadata"]
    assert answered == output
    assert dict(seen[0].params) == params
    assert (seen[0].region, seen[0].account) == ("us-west-2", "123456789012")


@pytest.mark.parametrize(("service", "name", "params", "output"), CASES)
@pytest.mark.parametrize("code", ["ThrottlingException", "NotInAnyModel"])
def test_it_should_raise_the_functions_error_at_the_caller(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    name: str,
    params: dict[str, Any],
    output: dict[str, Any],
    code: str,
) -> None:
    def refuse(call: AwsCall) -> dict[str, Any]:
        raise AwsError(code, "expected this, saw that", 429)

    monkeypatch.setitem(OPERATIONS, (service, name), refuse)
    with pytest.raises(ClientError) as raised:
        getattr(client(service), xform_name(name))(**params)
    error: dict[str, Any] = dict(raised.value.response["Error"])
    assert (error["Code"], error["Message"]) == (code, "expected this, saw that")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_it_should_use_the_models_status_and_class_for_an_error_without_status(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(call: AwsCall) -> dict[str, Any]:
        raise AwsError("ResourceNotFoundException", "no such alias")

    monkeypatch.setitem(OPERATIONS, ("lambda", "GetAlias"), refuse)
    lambda_ = client("lambda")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException) as raised:
        lambda_.get_alias(FunctionName="f", Name="live")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_it_should_let_moto_answer_what_has_no_function(client: Client) -> None:
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    client("dynamodb", "us-west-2").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert client("dynamodb", "us-west-2").list_tables()["TableNames"] == ["t"]
    assert client("dynamodb").list_tables()["TableNames"] == []


FORWARDED: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("sns", "ListTopics", lambda c: c.list_topics()["Topics"]),
    ("sqs", "ListQueues", lambda c: c.list_queues().get("QueueUrls")),
    ("lambda", "ListLayers", lambda c: c.list_layers()["Layers"]),
    ("s3", "GetObject", lambda c: c.get_object(Bucket="some-bucket", Key="a b")["Body"].read()),
]


@pytest.mark.parametrize(("service", "name", "ask"), FORWARDED, ids=[name for _, name, _ in FORWARDED])
def test_it_should_give_the_function_motos_answer_and_write_it_back_unchanged(
    client: Client, monkeypatch: pytest.MonkeyPatch, service: str, name: str, ask: Callable[[Any], Any]
) -> None:
    client("s3").create_bucket(Bucket="some-bucket")
    client("s3").put_object(Bucket="some-bucket", Key="a b", Body=b"\x00\xff")
    client("sns").create_topic(Name="t")
    client("sqs").create_queue(QueueName="q")
    monkeypatch.delitem(OPERATIONS, (service, name), raising=False)
    plain = ask(client(service))
    monkeypatch.setitem(OPERATIONS, (service, name), lambda call: call.forward())
    assert ask(client(service)) == plain


def test_it_should_forward_other_parameters_if_the_function_gives_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(call: AwsCall) -> dict[str, Any]:
        return call.forward({**call.params, "Name": "other"})

    monkeypatch.setitem(OPERATIONS, ("sns", "CreateTopic"), rename)
    assert client("sns").create_topic(Name="this")["TopicArn"].endswith(":other")


def test_it_should_give_motos_refusal_to_the_function(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[str] = []

    def look(call: AwsCall) -> dict[str, Any]:
        try:
            return call.forward()
        except AwsError as error:
            codes.append(error.code)
            raise

    monkeypatch.setitem(OPERATIONS, ("sns", "GetTopicAttributes"), look)
    with pytest.raises(ClientError) as raised:
        client("sns").get_topic_attributes(TopicArn="arn:aws:sns:us-east-1:123456789012:none")
    assert codes == [raised.value.response["Error"]["Code"]] == ["NotFound"]


def test_it_should_refuse_two_functions_for_one_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, ("sns", "TagResource"), lambda call: {})
    with pytest.raises(ValueError, match="sns:TagResource is answered twice"):
        operation("sns", "TagResource")(lambda call: {})


def test_it_should_take_a_body_in_chunks_with_its_metadata(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="ü/b", Body=b"{}", Metadata={"my_key": "v"}, IfNoneMatch="*")
    found = s3.get_object(Bucket="some-bucket", Key="ü/b")
    assert (found["Body"].read(), found["Metadata"]) == (b"{}", {"my_key": "v"})
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="some-bucket", Key="ü/b", Body=b"{}", IfNoneMatch="*")


def test_it_should_say_what_is_not_in_the_sandbox(client: Client) -> None:
    with pytest.raises(ClientError) as raised:
        client("xray").get_insight(InsightId="00000000-0000-0000-0000-000000000000")
    error = raised.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("NotImplemented", 501)
