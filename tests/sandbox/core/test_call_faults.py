"""What the generic faults do to a caller, and what they leave done."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from drcore.sandbox.core.call_faults import denies
from drcore.sandbox.endpoints.in_process import InProcess
from tests.sandbox.conftest import Client


def _inject(sandbox: InProcess, name: str, **options: object) -> dict[str, Any]:
    status, document = sandbox.request("POST", "/_sandbox/faults", {"name": name, "options": options})
    assert status == 200, document
    return dict(document)


def _topics(client: Client) -> list[str]:
    return [topic["TopicArn"].rsplit(":", 1)[1] for topic in client("sns").list_topics()["Topics"]]


THROTTLED: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("sns", "Throttling", lambda c: c.list_topics()),
    ("lambda", "TooManyRequestsException", lambda c: c.list_layers()),
    ("dynamodb", "ThrottlingException", lambda c: c.list_tables()),
    ("s3", "SlowDown", lambda c: c.list_buckets()),
]


@pytest.mark.parametrize(("service", "code", "ask"), THROTTLED, ids=[case[0] for case in THROTTLED])
def test_it_should_throttle_with_the_code_that_the_service_uses(
    empty: InProcess, client: Client, service: str, code: str, ask: Callable[[Any], Any]
) -> None:
    _inject(empty, "throttling", service=service)
    with pytest.raises(ClientError) as raised:
        ask(client(service))
    assert raised.value.response["Error"]["Code"] == code


def test_it_should_be_busy_by_the_code_that_it_is_told_for_so_many_calls(empty: InProcess, client: Client) -> None:
    _inject(empty, "busy", service="events", operation="PutRule", code="ConcurrentModificationException", count=1)
    with pytest.raises(ClientError) as raised:
        client("events").put_rule(Name="r", ScheduleExpression="rate(1 day)")
    assert raised.value.response["Error"]["Code"] == "ConcurrentModificationException"
    assert client("events").list_rules()["Rules"] == []
    client("events").put_rule(Name="r", ScheduleExpression="rate(1 day)")
    assert [rule["Name"] for rule in client("events").list_rules()["Rules"]] == ["r"]


def test_it_should_answer_with_another_member_or_without_the_field(empty: InProcess, client: Client) -> None:
    client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    scope = {"service": "dynamodb", "operation": "DescribeTable", "count": 1}
    _inject(empty, "answer", field="Table.TableStatus", member="ARCHIVING", **scope)
    assert client("dynamodb").describe_table(TableName="t")["Table"]["TableStatus"] == "ARCHIVING"
    _inject(empty, "answer", field="Table.KeySchema.KeyType", **scope)
    assert client("dynamodb").describe_table(TableName="t")["Table"]["KeySchema"] == [{"AttributeName": "k"}]
    seen = client("dynamodb").describe_table(TableName="t")["Table"]
    assert seen["TableStatus"] != "ARCHIVING" and seen["KeySchema"][0]["KeyType"] == "HASH"


def test_it_should_deny_access_only_in_its_scope(empty: InProcess, client: Client) -> None:
    _inject(empty, "access-denied", service="sns", operation="CreateTopic", region="us-west-2")
    with pytest.raises(ClientError) as raised:
        client("sns", "us-west-2").create_topic(Name="t")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    client("sns").create_topic(Name="t")
    assert client("sns", "us-west-2").list_topics()["Topics"] == []
    assert denies(empty.world, "sns", "CreateTopic", "us-west-2")
    assert not denies(empty.world, "sns", "CreateTopic", "us-east-1")


def test_it_should_drop_the_connection_before_anything_is_done(empty: InProcess, client: Client) -> None:
    _inject(empty, "dropped-connection", operation="CreateTopic", service="sns", count=1)
    with pytest.raises(ConnectionClosedError):
        client("sns").create_topic(Name="t")
    assert _topics(client) == []


def test_it_should_lose_the_response_of_a_call_that_was_done(empty: InProcess, client: Client) -> None:
    _inject(empty, "lost-response", operation="CreateTopic", service="sns", count=1)
    with pytest.raises(ConnectionClosedError):
        client("sns").create_topic(Name="t")
    assert _topics(client) == ["t"]


def test_it_should_spend_the_latency_in_virtual_time(empty: InProcess, client: Client) -> None:
    _inject(empty, "latency", service="sns", seconds=3)
    before = empty.world.clock.now()
    client("sns").list_topics()
    assert (empty.world.clock.now() - before).total_seconds() == pytest.approx(3.05)


def test_it_should_let_the_caller_time_out_if_the_latency_is_longer_than_a_read_timeout(
    empty: InProcess, client: Client
) -> None:
    _inject(empty, "latency", service="sns", seconds=6, count=1)
    with pytest.raises(ReadTimeoutError):
        client("sns").create_topic(Name="t")
    assert _topics(client) == ["t"]


def test_it_should_answer_reads_with_what_was_true_some_seconds_ago(empty: InProcess, client: Client) -> None:
    _inject(empty, "stale-read", service="sns", seconds=30)
    assert _topics(client) == []
    client("sns").create_topic(Name="t")
    assert _topics(client) == []
    empty.request("POST", "/_sandbox/clock", {"sleep": 31})
    assert _topics(client) == ["t"]


def test_it_should_keep_stale_answers_apart_by_what_was_asked(empty: InProcess, client: Client) -> None:
    first = client("sns").create_topic(Name="a")["TopicArn"]
    second = client("sns").create_topic(Name="b")["TopicArn"]
    _inject(empty, "stale-read", service="sns", seconds=30)
    for arn in (first, second):
        assert client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["TopicArn"] == arn


def test_it_should_not_serve_an_answer_that_is_much_older_than_told(empty: InProcess, client: Client) -> None:
    _inject(empty, "stale-read", service="sns", seconds=30)
    assert _topics(client) == []
    client("sns").create_topic(Name="t")
    empty.request("POST", "/_sandbox/clock", {"sleep": 300})
    assert _topics(client) == ["t"]


def test_it_should_answer_a_consistent_read_with_what_is_true_now(empty: InProcess, client: Client) -> None:
    dynamodb, key = client("dynamodb"), {"k": {"S": "a"}}
    dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    empty.request("POST", "/_sandbox/clock", {"sleep": 60})
    _inject(empty, "stale-read", service="dynamodb", seconds=30)

    def seen(*, consistent: bool) -> tuple[bool, bool]:
        one = dynamodb.get_item(TableName="t", Key=key, ConsistentRead=consistent)
        some = dynamodb.batch_get_item(RequestItems={"t": {"Keys": [key], "ConsistentRead": consistent}})
        return "Item" in one, bool(some["Responses"]["t"])

    assert seen(consistent=True) == seen(consistent=False) == (False, False)
    dynamodb.put_item(TableName="t", Item=key)
    assert seen(consistent=True) == (True, True)
    assert seen(consistent=False) == (False, False)


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [({"count": 2}, "xx.."), ({"share": 0}, "...."), ({"lasts": 0.1}, "x..."), ({}, "xxxx")],
    ids=["count", "share", "lasts", "until cleared"],
)
def test_it_should_be_over_when_its_options_say_so(
    empty: InProcess, client: Client, options: dict[str, object], outcomes: str
) -> None:
    _inject(empty, "throttling", service="sns", **options)
    seen = ""
    for _ in outcomes:
        try:
            client("sns").list_topics()
            seen += "."
        except ClientError:
            seen += "x"
    assert seen == outcomes


def test_it_should_hit_the_same_calls_of_a_share_in_each_run_of_a_seed(empty: InProcess) -> None:
    def run(sandbox: InProcess) -> list[bool]:
        _inject(sandbox, "throttling", service="statuspage", share=0.5)
        path = "/statuspage/v1/pages/syncwell-page/components"
        return [sandbox.request("GET", path)[0] == 429 for _ in range(40)]

    first = run(empty)
    assert run(InProcess(7)) == first
    assert 5 < sum(first) < 35


def test_it_should_break_calls_of_vendors_too(empty: InProcess) -> None:
    key = {"Authorization": "OAuth key"}
    incidents = "/statuspage/v1/pages/syncwell-page/incidents"
    _inject(empty, "lost-response", service="statuspage", operation="create_incident")
    with pytest.raises(ConnectionResetError):
        empty.request("POST", incidents, {"incident": {"name": "down"}}, key)
    empty.world.clock.advance(1)
    assert [incident["name"] for incident in empty.request("GET", incidents, headers=key)[1]] == ["down"]


def test_it_should_leave_the_worlds_own_calls_alone(empty: InProcess) -> None:
    _inject(empty, "dropped-connection")
    before = empty.world.clock.now()
    assert empty.world.client("sns", "us-east-1").list_topics()["Topics"] == []
    assert empty.world.clock.now() == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "throtling"}, "name: expected one of access-denied, "),
        ({"name": "throttling", "options": {"servise": "sns"}}, "options.servise: expected service, "),
        ({"name": "throttling", "options": {"service": "snss"}}, "options.service: expected a service"),
        (
            {"name": "throttling", "options": {"service": "sns", "operation": "Make"}},
            "options.operation: expected an operation of sns; saw 'Make'",
        ),
        ({"name": "answer"}, "options.field: expected the path of a field; saw none"),
        (
            {"name": "answer", "options": {"service": "lambda", "operation": "GetAlias", "field": "State"}},
            "options.field: expected a field of the answer of lambda:GetAlias; saw 'State'",
        ),
        (
            {
                "name": "answer",
                "options": {
                    "service": "dynamodb",
                    "operation": "DescribeTable",
                    "field": "Table.TableStatus",
                    "member": "ASLEEP",
                },
            },
            "options.member: expected one of CREATING, ",
        ),
        ({"name": "busy"}, "options.code: expected an error code; saw none"),
        (
            {"name": "busy", "options": {"service": "sns", "operation": "Publish", "code": "ConflictException"}},
            "options.code: expected an error of sns:Publish; saw 'ConflictException'",
        ),
        ({"name": "throttling", "options": {"count": "two"}}, "options.count: expected a whole number; saw"),
        ({"name": "throttling", "options": {"share": 2}}, "options.share: expected a number from 0 to 1"),
        ({"name": "throttling", "options": []}, "options: expected an object; saw []"),
        ({}, "name: expected the name of a fault; saw None"),
    ],
)
def test_it_should_refuse_what_is_not_a_fault_and_say_why(
    empty: InProcess, body: dict[str, object], message: str
) -> None:
    status, document = empty.request("POST", "/_sandbox/faults", body)
    assert status == 400
    assert document["error"].startswith(message)
    assert empty.request("GET", "/_sandbox/faults")[1] == []


def test_it_should_list_and_clear_faults(empty: InProcess, client: Client) -> None:
    injected = _inject(empty, "throttling", service="sns", count="3")
    assert injected["at"] == "2026-01-05T09:00:00.000000Z"
    assert (injected["options"]["count"], injected["options"]["share"]) == (3, 1.0)
    assert empty.request("GET", "/_sandbox/faults")[1] == [injected]
    assert empty.request("DELETE", "/_sandbox/faults/latency")[1] == [injected]
    assert empty.request("DELETE", "/_sandbox/faults/throttling")[1] == []
    assert _topics(client) == []
