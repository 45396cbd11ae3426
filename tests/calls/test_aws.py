"""AWS: each call short, a lost answer told from a refusal, nothing tried more often than is safe."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ReadTimeoutError

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes, WriteStopped
from drcore.errors import BadInput, Busy, Rejected, Unknown
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from tests.support.raw_server import answer, hang_up, never_answer, serving

EAST = "us-east-1"


@pytest.mark.parametrize(
    "arguments", [{"Nmae": "x"}, {"Name": 5}, {}, {"Name": "x", "Tags": {"a": "b"}}, {"Name": "x", "More": 1}]
)
def test_a_rehearsal_should_find_what_aws_would_never_take(
    aws: Aws, calls: CallGate, arguments: dict[str, Any]
) -> None:
    with calls.during(Writes.STOPPED), pytest.raises(Rejected, match=r"Parameter validation failed|Unknown parameter"):
        aws.call("sns", EAST, "create_topic", **arguments)


def test_a_page_of_a_list_should_go_through_the_same_gate(
    aws: Aws, calls: CallGate, notes: list[dict[str, Any]]
) -> None:
    with calls.during(Writes.STOPPED):
        assert list(aws.pages("sns", EAST, "list_subscriptions", "Subscriptions")) == []
    assert [note["call"] for note in notes] == ["sns:ListSubscriptions"]
    with pytest.raises(Rejected, match="Unknown parameter"):
        list(aws.pages("sns", EAST, "list_subscriptions", "Subscriptions", Nothing=1))


def test_taking_messages_should_be_a_write(aws: Aws, calls: CallGate) -> None:
    """However shortly: a message that was received counts as received, and a redrive policy goes by that."""
    with calls.during(Writes.ALLOWED):
        url = aws.call("sqs", EAST, "create_queue", QueueName="q")["QueueUrl"]
    with calls.during(Writes.STOPPED), pytest.raises(WriteStopped):
        aws.call("sqs", EAST, "receive_message", QueueUrl=url, VisibilityTimeout=0)


def test_a_refusal_of_aws_should_be_rejected_with_its_code(aws: Aws, notes: list[dict[str, Any]]) -> None:
    with pytest.raises(Rejected, match=r"lambda get_alias in us-east-1: ResourceNotFoundException") as refused:
        aws.call("lambda", EAST, "get_alias", FunctionName="none", Name="live")
    assert refused.value.code == "ResourceNotFoundException"
    assert notes[-1]["answer"] == "ResourceNotFoundException" and notes[-1]["region"] == EAST


@pytest.fixture
def unpausing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between two tries."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


def tries(aws: Aws) -> list[str]:
    """Where each request goes that leaves from now on, also one that nobody reads."""
    sent: list[str] = []
    aws.session.events.register("before-send.*", lambda request, **_: sent.append(request.url))
    return sent


@pytest.mark.usefixtures("unpausing")
@pytest.mark.parametrize(
    ("treat", "failure"),
    [(never_answer, "ReadTimeoutError"), (hang_up, "ConnectionClosedError"), (answer("503 Down"), "503")],
)
def test_a_read_should_be_tried_three_times_and_a_write_once(
    calls: CallGate, treat: Callable[[socket.socket], object], failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if treat is never_answer:
        monkeypatch.setattr("drcore.calls.aws._READ", 0.1)  # seconds, where no answer comes however long one waits
    with serving(treat) as server:
        aws = Aws(calls, endpoint=server.address)
        sent = tries(aws)
        with pytest.raises(Unknown, match=f"sqs list_queues in us-east-1: .*{failure}"):
            aws.call("sqs", EAST, "list_queues")
        assert len(sent) == 3
        with calls.during(Writes.ALLOWED), pytest.raises(Unknown, match=failure):
            aws.call("sqs", EAST, "create_queue", QueueName="q")
        assert len(sent) == 4
        assert [(call.operation, call.answer) for call in calls.made] == [
            ("ListQueues", failure),
            ("CreateQueue", failure),
        ]


@pytest.mark.usefixtures("unpausing")
def test_a_silent_region_should_be_asked_but_once_until_it_answers_and_others_as_ever(calls: CallGate) -> None:
    """A plan has five minutes, and a read that is tried three times takes half of one of them."""
    is_silent = iter([True] * 4 + [False] + [True] * 6)

    def silence(request: AWSPreparedRequest, **_: object) -> None:
        if next(is_silent):
            raise ReadTimeoutError(endpoint_url=request.url)

    with serving(answer("400 No")) as server:
        aws = Aws(calls, endpoint=server.address)
        sent = tries(aws)
        aws.session.events.register_last("before-send.*", silence)

        def asked(region: str, service: str = "sqs", operation: str = "list_queues") -> int:
            before = len(sent)
            with pytest.raises((Unknown, Rejected)):
                aws.call(service, region, operation)
            return len(sent) - before

        assert asked(EAST) == 3
        assert asked(EAST, "sns", "list_topics") == 1, "whichever service it is"
        assert asked(EAST) == 1, "which is answered"
        assert asked(EAST) == 3, "so it is believed again"
        assert asked("us-west-2") == 3


@pytest.mark.usefixtures("unpausing")
def test_pages_should_never_be_fewer_because_of_a_failure(calls: CallGate) -> None:
    with serving(hang_up) as server, pytest.raises(Unknown, match="ConnectionClosedError"):
        list(Aws(calls, endpoint=server.address).pages("sqs", EAST, "list_queues", "QueueUrls"))


@pytest.mark.usefixtures("unpausing")
@pytest.mark.parametrize("body", ["<html></html>", '{"error": "suspended"}', "{}", ""])
@pytest.mark.parametrize(
    "ask",
    [
        lambda aws: list(aws.pages("logs", EAST, "filter_log_events", "events", logGroupName="g")),
        lambda aws: aws.call("lambda", EAST, "get_alias", FunctionName="f", Name="live"),
        lambda aws: aws.call("s3", EAST, "get_object", Bucket="b", Key="k"),  # a body that is any bytes
        lambda aws: aws.call("s3", EAST, "put_object", Bucket="b", Key="k"),  # nothing that it must say
        lambda aws: aws.call("sns", EAST, "publish", TopicArn="t", Message="m"),
        lambda aws: list(aws.scan_raw(EAST, "t", 0, 1, lambda body: (body, {}))),
    ],
    ids=["pages", "json", "bytes", "write", "xml", "raw"],
)
def test_an_answer_of_somebody_else_should_be_none(calls: CallGate, ask: Callable[[Aws], object], body: str) -> None:
    with serving(answer("200 OK", body)) as server, calls.during(Writes.ALLOWED), pytest.raises(Unknown):
        ask(Aws(calls, endpoint=server.address))


def test_a_list_that_aws_leaves_out_should_be_empty(calls: CallGate) -> None:
    with serving(answer("200 OK", "{}", "x-amzn-RequestId: 7")) as server:
        aws = Aws(calls, endpoint=server.address)
        assert list(aws.pages("sqs", EAST, "list_queues", "QueueUrls")) == []


@pytest.mark.usefixtures("unpausing")
@pytest.mark.parametrize(
    "read",
    [
        lambda aws: aws.call("sqs", EAST, "list_queues"),
        lambda aws: list(aws.pages("sqs", EAST, "list_queues", "QueueUrls")),
        lambda aws: list(aws.scan_raw(EAST, "t", 0, 1, lambda body: (body, {}))),
    ],
    ids=["call", "pages", "scan_raw"],
)
def test_a_role_that_cannot_be_assumed_should_be_unknown_after_three_tries(
    calls: CallGate, read: Callable[[Aws], object]
) -> None:
    with serving(hang_up) as server:
        aws = Aws(calls, endpoint=server.address, role="arn:aws:iam::123456789012:role/drcore")
        with pytest.raises(Unknown, match="sts assume_role in us-east-1: ConnectionClosedError"):
            read(aws)
        assert len(server.requests) == 3


@pytest.mark.usefixtures("unpausing")
def test_a_body_that_breaks_off_should_be_unknown(calls: CallGate) -> None:
    def break_off(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with serving(break_off) as server, pytest.raises(Unknown, match="s3 get_object in us-east-1"):
        Aws(calls, endpoint=server.address).call("s3", EAST, "get_object", Bucket="b", Key="k")


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"])
@pytest.mark.usefixtures("unpausing")
def test_a_throttled_write_should_be_busy_and_not_repeated_by_the_client(calls: CallGate, code: str) -> None:
    body = json.dumps({"__type": code, "message": "slow down"})
    with serving(answer("400 Bad Request", body)) as server, calls.during(Writes.ALLOWED):
        with pytest.raises(Busy, match=code):
            Aws(calls, endpoint=server.address).call("sqs", EAST, "create_queue", QueueName="q")
        assert len(server.requests) == 1


def test_a_client_should_give_up_long_before_an_rto_is_spent(calls: CallGate) -> None:
    """Connect 2 s, read at most 10 s, whatever the environment of the shell says; in the mode that counts attempts."""
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("AWS_MAX_ATTEMPTS", "10")
        shell.setenv("AWS_RETRY_MODE", "legacy")
        aws = Aws(calls, endpoint="http://127.0.0.1:9")
        for write, attempts in ((True, 1), (False, 3)):
            config = aws._client("lambda", EAST, write).meta.config
            assert (config.connect_timeout, config.retries["total_max_attempts"]) == (2, attempts)
            assert config.read_timeout <= 10 and config.retries["mode"] == "standard"


def test_real_credentials_should_never_reach_an_endpoint_of_ones_own(calls: CallGate) -> None:
    with pytest.MonkeyPatch.context() as shell, serving(answer("400 Bad Request")) as server:
        shell.setenv("AWS_ACCESS_KEY_ID", "AKIA" + "REALREALREALREAL")
        shell.setenv("AWS_SECRET_ACCESS_KEY", "real")
        with pytest.raises((Rejected, Unknown)):
            Aws(calls, endpoint=server.address).call("sqs", EAST, "list_queues")
        assert server.requests and not any("REALREAL" in request for request in server.requests)


ODD_SETTINGS = {
    "AWS_DEFAULTS_MODE": "bogus",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "odd",
    "AWS_STS_REGIONAL_ENDPOINTS": "odd",
    "AWS_METADATA_SERVICE_TIMEOUT": "soon",
    "AWS_ENDPOINT_URL": "nonsense",
}


@pytest.mark.parametrize(("name", "value"), ODD_SETTINGS.items())
def test_what_botocore_cannot_be_configured_with_should_be_told_in_its_sentence_and_is_no_regions_fault(
    name: str, value: str, calls: CallGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, "/nowhere")
    with pytest.raises(BadInput, match=f"^AWS_PROFILE, or AWS's configuration on this machine: .*{value}"):
        Aws(calls).call("sts", EAST, "get_caller_identity")


def test_an_endpoint_of_ones_own_should_not_be_concerned_by_settings_for_aws(
    sandbox: InProcess, calls: CallGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ODD_SETTINGS.items():
        monkeypatch.setenv(name, value)
    aws = Aws(calls, endpoint=ENDPOINT)
    sandbox.attach(aws.session)
    assert aws.call("sts", EAST, "get_caller_identity")["Account"]


def test_a_call_without_credentials_should_be_rejected_not_unknown(calls: CallGate) -> None:
    aws = Aws(calls)
    with pytest.MonkeyPatch.context() as shell:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            shell.delenv(name, raising=False)
        shell.setenv("AWS_EC2_METADATA_DISABLED", "true")
        shell.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        shell.setenv("AWS_CONFIG_FILE", "/nowhere")
        aws.session = boto3.Session()
        with pytest.raises(Rejected, match="credentials"):
            aws.call("sqs", EAST, "list_queues")


def test_the_keys_of_a_role_should_be_had_anew_before_they_end(sandbox: InProcess, calls: CallGate) -> None:
    clock, trust = sandbox.world.clock, '{"Version": "2012-10-17", "Statement": []}'
    sandbox.world.client("iam", EAST).create_role(RoleName="drcore", AssumeRolePolicyDocument=trust)
    aws = Aws(calls, endpoint=ENDPOINT, role="arn:aws:iam::123456789012:role/drcore", now=clock.now)
    sandbox.attach(aws.session)

    def assumed_after(minutes: float) -> int:
        clock.advance(60 * minutes)
        aws.call("sqs", EAST, "list_queues")
        aws.call("sns", EAST, "list_topics")
        return sum(call.operation == "AssumeRole" for call in calls.made)

    assert [assumed_after(minutes) for minutes in (0, 45, 10, 45, 10)] == [1, 1, 2, 2, 3]
