"""The dump of all resources, and the sameness of two runs of a seed."""

import json
import os
import random
from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from tests.sandbox.conftest import Client, client_of


def _state(sandbox: InProcess) -> dict[str, Any]:
    return dict(sandbox.request("GET", "/_sandbox/state")[1])


def _furnish(client: Client, region: str) -> None:
    client("sns", region).create_topic(Name="t")
    client("sqs", region).create_queue(QueueName="q")
    client("iam", region).create_role(RoleName=f"r-{region}", AssumeRolePolicyDocument="{}")
    client("dynamodb", region).create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    client("dynamodb", region).put_item(TableName="t", Item={"k": {"S": "x"}})


def test_it_should_hold_the_resources_of_both_regions_by_service(empty: InProcess, client: Client) -> None:
    for region in ("us-east-1", "us-west-2"):
        _furnish(client, region)
    emulated = _state(empty)["emulated"]
    assert set(emulated) == {"sns", "sqs", "iam", "dynamodb"}
    assert set(emulated["sns"]) == {"us-east-1", "us-west-2"}
    assert '"x"' in json.dumps(emulated["dynamodb"]["us-west-2"])


def test_it_should_not_change_by_looking_or_waiting(empty: InProcess, client: Client) -> None:
    _furnish(client, "us-east-1")
    client("s3").create_bucket(Bucket="some-bucket")
    client("s3").put_object(Bucket="some-bucket", Key="k", Body=b"{}")
    before = _state(empty)
    client("s3").list_objects_v2(Bucket="some-bucket")
    client("s3").get_object(Bucket="some-bucket", Key="k")
    client("dynamodb").scan(TableName="t")
    client("iam").list_roles()
    client("secretsmanager", "us-west-2").list_secrets()
    client("logs").describe_log_groups()
    empty.request("POST", "/_sandbox/clock", {"sleep": 600})
    assert _state(empty) == before


@pytest.mark.parametrize("change", ["item", "topic", "incident", "own"])
def test_it_should_change_by_each_write(empty: InProcess, client: Client, change: str) -> None:
    own = {"version": "41"}
    empty.world.add_to_dump("releases", lambda: own)
    _furnish(client, "us-east-1")
    before = _state(empty)
    if change == "item":
        client("dynamodb").put_item(TableName="t", Item={"k": {"S": "y"}})
    elif change == "topic":
        client("sns", "us-west-2").create_topic(Name="t")
    elif change == "incident":
        key = {"Authorization": "OAuth key"}
        incidents = "/statuspage/v1/pages/syncwell-page/incidents"
        empty.request("POST", incidents, {"incident": {"name": "down"}}, key)
    else:
        own["version"] = "42"
    assert _state(empty) != before


def _run(client: Client, extra_reads: int) -> list[str]:
    """The names that the emulator drew in one run."""
    client("apigateway").get_rest_apis()
    drawn = [client("apigateway").create_rest_api(name="a")["id"]]
    for _ in range(extra_reads):
        client("apigateway").get_rest_apis()
        client("apigateway", "us-west-2").create_rest_api(name="b")
    drawn.append(client("apigateway").create_rest_api(name="a")["id"])
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    drawn.append(client("sns").publish(TopicArn=topic, Message="m")["MessageId"])
    application = client("codedeploy").create_application(applicationName="a", computePlatform="Lambda")
    return [*drawn, application["applicationId"], client("sts").get_caller_identity()["ResponseMetadata"]["RequestId"]]


def test_it_should_draw_the_same_names_in_each_run_of_a_seed(client: Client) -> None:
    first = _run(client, 0)
    assert len(set(first)) == len(first)
    assert _run(client_of(InProcess(7)), 0) == first
    assert _run(client_of(InProcess(8)), 0) != first


def test_it_should_draw_names_that_do_not_depend_on_other_calls(client: Client) -> None:
    first = _run(client, 0)
    assert _run(client_of(InProcess(7)), 5) == first


def test_it_should_not_touch_the_chance_of_the_process(client: Client) -> None:
    drawn, urandom = random.getstate(), os.urandom
    client("sts").get_caller_identity()
    assert random.getstate() == drawn
    assert os.urandom is urandom


def test_it_should_empty_the_account_when_a_new_world_opens(client: Client) -> None:
    _furnish(client, "us-east-1")
    assert _state(InProcess(7))["emulated"] == {}
