"""The gate: no write without an act, none in a rehearsal; every call short, noted, and told as a command."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.model import OperationModel

from drcore.calls import aws as door_to_aws
from drcore.calls import aws_operations
from drcore.calls.aws import Aws
from drcore.calls.aws_command import shell_command
from drcore.calls.gate import Call, Calls, Plane, Writes, WriteStopped
from drcore.calls.http import Http
from drcore.errors import Busy, Rejected, Unknown
from drcore.sandbox.endpoints import application
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess

EAST = "us-east-1"


@pytest.fixture
def notes() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def calls(notes: list[dict[str, Any]]) -> Calls:
    return Calls(lambda event, **fields: notes.append({"event": event} | fields))


@pytest.fixture(scope="module")
def sandbox() -> InProcess:
    """An empty account: what a test needs, it makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "furnish", lambda world: None)
        return InProcess(7)


@pytest.fixture
def aws(calls: Calls, sandbox: InProcess) -> Aws:
    aws = Aws(calls, endpoint=ENDPOINT, run_id="t-1")
    sandbox.attach(aws.session)
    return aws


# ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_write_outside_an_act_should_be_refused_and_not_sent(aws: Aws, notes: list[dict[str, Any]]) -> None:
    with pytest.raises(RuntimeError, match=r"outside an act was refused: sns:CreateTopic"):
        aws.call("sns", EAST, "create_topic", Name="outside")
    assert notes == []
    assert "outside" not in str(aws.call("sns", EAST, "list_topics"))


def test_a_write_in_a_rehearsal_should_be_stopped_with_its_exact_arguments(aws: Aws, calls: Calls) -> None:
    with calls.during(Writes.STOPPED), pytest.raises(WriteStopped) as stopped:
        aws.call("sns", EAST, "create_topic", Name="rehearsed", Tags=[{"Key": "a", "Value": "b"}])
    call = stopped.value.call
    assert (call.service, call.operation, call.region, call.write) == ("sns", "CreateTopic", EAST, True)
    assert call.parameters == {"Name": "rehearsed", "Tags": [{"Key": "a", "Value": "b"}]}
    assert str(stopped.value) == (
        'WOULD sns:CreateTopic {"Name": "rehearsed", "Tags": [{"Key": "a", "Value": "b"}]} in us-east-1'
    )
    assert "rehearsed" not in str(aws.call("sns", EAST, "list_topics"))


@pytest.mark.parametrize(
    "arguments", [{"Nmae": "x"}, {"Name": 5}, {}, {"Name": "x", "Tags": {"a": "b"}}, {"Name": "x", "More": 1}]
)
def test_a_rehearsal_should_find_what_aws_would_never_take(aws: Aws, calls: Calls, arguments: dict[str, Any]) -> None:
    with calls.during(Writes.STOPPED), pytest.raises(Rejected, match=r"Parameter validation failed|Unknown parameter"):
        aws.call("sns", EAST, "create_topic", **arguments)


def test_a_write_in_an_act_should_be_sent_and_noted_with_its_arguments(
    aws: Aws, calls: Calls, notes: list[dict[str, Any]]
) -> None:
    with calls.during(Writes.ALLOWED):
        aws.call("sns", EAST, "create_topic", Name="allowed")
    assert "allowed" in str(aws.call("sns", EAST, "list_topics"))
    write, read = notes
    assert write["call"] == "sns:CreateTopic" and write["answer"] == "OK" and write["request_id"]
    assert write["write"] and write["parameters"] == {"Name": "allowed"}
    assert not read["write"] and "parameters" not in read
    assert [call.operation for call in calls.made] == ["CreateTopic", "ListTopics"]


def test_the_gate_should_close_again_however_an_act_ends(aws: Aws, calls: Calls) -> None:
    with contextlib.suppress(KeyError), calls.during(Writes.ALLOWED):
        with calls.during(Writes.STOPPED), contextlib.suppress(WriteStopped):
            aws.call("sns", EAST, "create_topic", Name="x")
        assert calls.writes is Writes.ALLOWED
        raise KeyError
    assert calls.writes is Writes.FORBIDDEN


def test_a_stopped_write_should_not_be_swallowed_by_a_handler_of_failures(aws: Aws, calls: Calls) -> None:
    def act() -> None:
        with contextlib.suppress(Exception):
            aws.call("sns", EAST, "create_topic", Name="x")

    with calls.during(Writes.STOPPED), pytest.raises(WriteStopped):
        act()


def test_a_page_of_a_list_should_go_through_the_same_gate(aws: Aws, calls: Calls, notes: list[dict[str, Any]]) -> None:
    with calls.during(Writes.STOPPED):
        assert list(aws.pages("sns", EAST, "list_subscriptions", "Subscriptions")) == []
    assert [note["call"] for note in notes] == ["sns:ListSubscriptions"]
    with pytest.raises(Rejected, match="Unknown parameter"):
        list(aws.pages("sns", EAST, "list_subscriptions", "Subscriptions", Nothing=1))


def test_taking_messages_should_be_a_write_unless_nobody_is_kept_from_them(aws: Aws, calls: Calls) -> None:
    with calls.during(Writes.ALLOWED):
        url = aws.call("sqs", EAST, "create_queue", QueueName="q")["QueueUrl"]
    aws.call("sqs", EAST, "receive_message", QueueUrl=url, VisibilityTimeout=0)
    for taking in ({}, {"VisibilityTimeout": 30}):
        with calls.during(Writes.STOPPED), pytest.raises(WriteStopped):
            aws.call("sqs", EAST, "receive_message", QueueUrl=url, **taking)


def test_a_refusal_of_aws_should_be_rejected_with_its_code(aws: Aws, notes: list[dict[str, Any]]) -> None:
    with pytest.raises(Rejected, match=r"lambda get_alias in us-east-1: ResourceNotFoundException") as refused:
        aws.call("lambda", EAST, "get_alias", FunctionName="none", Name="live")
    assert refused.value.code == "ResourceNotFoundException"
    assert notes[-1]["answer"] == "ResourceNotFoundException" and notes[-1]["region"] == EAST


def test_http_should_have_the_same_gate(calls: Calls) -> None:
    http = Http(calls)
    with pytest.raises(RuntimeError, match="outside an act"):
        http.ask("POST", "http://127.0.0.1:9/x", json={})
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        with calls.during(Writes.STOPPED), pytest.raises(WriteStopped):
            http.ask(method, "http://127.0.0.1:9/x", json={"a": 1}, authorization="OAuth abcdefgh")
    with calls.during(Writes.STOPPED), pytest.raises(WriteStopped) as stopped:
        http.ask("POST", "http://127.0.0.1:9/x", json={"a": 1}, authorization="OAuth abcdefgh")
    assert "abcdefgh" not in f"{stopped.value} {stopped.value.call}"


# ── what counts as a read ────────────────────────────────────────────────────────────────────────────────────────────

SERVICES = [
    *("lambda", "apigateway", "codedeploy", "codepipeline", "cloudwatch", "s3", "sns", "sqs", "sts", "iam"),
    *("secretsmanager", "dynamodb", "appconfig", "route53"),
]

# Reviewed one by one. Reads by another name than Get, List, Describe, Head, BatchGet:
READS_BY_ANOTHER_NAME = {
    *("dynamodb:Query", "dynamodb:Scan", "dynamodb:SearchVectors"),
    *("iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"),
    "route53:TestDNSAnswer",
    "sts:AssumeRole",
}
# Named as reads, and no reads:
WRITES_BY_NAME_OF_A_READ = {
    *("sts:GetDelegatedAccessToken", "sts:GetFederationToken", "sts:GetSessionToken", "sts:GetWebIdentityToken"),
    "iam:GetHumanReadableSummary",
}
# Reads although their documentation, or their HTTP method, speaks of more; each was read in full.
HARMLESS = {
    "apigateway:GetModelTemplate": "computes a template, keeps nothing",
    "apigateway:GetSdk": "makes a download, keeps nothing",
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
    return aws_operations.is_write(service, name, {})


def test_only_reviewed_operations_should_count_as_reads(models: dict[str, OperationModel]) -> None:
    by_rule = {name for name in models if re.match(r"\w+:(Get|List|Describe|Head|BatchGet)[A-Z]", name)}
    reviewed = by_rule - WRITES_BY_NAME_OF_A_READ | READS_BY_ANOTHER_NAME
    assert {name for name in models if not is_write(name)} == reviewed
    assert set(models) >= WRITES_BY_NAME_OF_A_READ | READS_BY_ANOTHER_NAME | set(HARMLESS)
    assert len(reviewed) > 300


def test_no_read_should_be_one_that_its_model_says_does_more(models: dict[str, OperationModel]) -> None:
    """A method other than GET, a token against doing it twice, a first word that says that something is made."""
    doubtful = set()
    for name, model in models.items():
        shape = model.input_shape
        members = shape.members.values() if shape else ()
        tokens = [member for member in members if member.metadata.get("idempotencyToken")]
        rest = str(model.service_model.metadata["protocol"]).startswith("rest")
        told = re.sub(r"<[^>]+>", "", model.documentation).strip()
        posts = rest and model.http["method"] not in ("GET", "HEAD")
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


# ── the same call for a shell ────────────────────────────────────────────────────────────────────────────────────────

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


def test_a_command_should_go_along_with_each_call(aws: Aws, calls: Calls) -> None:
    aws.call("sts", EAST, "get_caller_identity")
    assert calls.made[-1].command == "aws sts get-caller-identity --region us-east-1"
    assert calls.made[-1].plane is Plane.DATA


def test_a_curl_command_should_never_hold_the_key(calls: Calls) -> None:
    with pytest.raises(Unknown):
        Http(calls).get("http://127.0.0.1:9/it's?a=1&b=2", authorization="OAuth abcdefgh")
    assert shlex.split(calls.made[-1].command) == [
        *("curl", "-X", "GET", "http://127.0.0.1:9/it's?a=1&b=2"),
        *("-H", "Authorization: OAuth $KEY"),
    ]
    assert '"Authorization: OAuth $KEY"' in calls.made[-1].command, "double quotes, so that the shell puts the key in"


# ── the wire ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Server:
    """A server on loopback that treats each request as told; counts what arrives."""

    def __init__(self, treat: Callable[[socket.socket], object]) -> None:
        self.requests: list[str] = []
        self._treat = treat
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            text = b""
            while b"\r\n\r\n" not in text:
                text += connection.recv(65536)
            self.requests.append(text.decode(errors="replace"))
            self._treat(connection)

    def close(self) -> None:
        self._listener.close()


def never_answer(connection: socket.socket) -> None:
    while connection.recv(65536):  # until the other side has had enough
        pass


def hang_up(connection: socket.socket) -> None:
    connection.close()


def answer(status: str, body: str = "", *headers: str) -> Callable[[socket.socket], object]:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body]
    return lambda connection: connection.sendall("\r\n".join(lines).encode())


@contextlib.contextmanager
def serving(treat: Callable[[socket.socket], object]) -> Iterator[Server]:
    server = Server(treat)
    yield server
    server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second instead of eight, and no pause between two tries."""
    monkeypatch.setattr(door_to_aws, "_READ", 0.1)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("treat", "failure"),
    [(never_answer, "ReadTimeoutError"), (hang_up, "ConnectionClosedError"), (answer("503 Down"), "503")],
)
def test_a_read_should_be_tried_three_times_and_a_write_once(
    calls: Calls, treat: Callable[[socket.socket], object], failure: str
) -> None:
    with serving(treat) as server:
        aws = Aws(calls, endpoint=server.address)
        with pytest.raises(Unknown, match=f"sqs list_queues in us-east-1: .*{failure}"):
            aws.call("sqs", EAST, "list_queues")
        assert len(server.requests) == 3
        with calls.during(Writes.ALLOWED), pytest.raises(Unknown, match=failure):
            aws.call("sqs", EAST, "create_queue", QueueName="q")
        assert len(server.requests) == 4
        assert [(call.operation, call.answer) for call in calls.made] == [
            ("ListQueues", failure),
            ("CreateQueue", failure),
        ]


@pytest.mark.usefixtures("impatient")
def test_a_silent_region_should_be_asked_but_once_until_it_answers_and_others_as_ever(calls: Calls) -> None:
    """A plan has five minutes, and a read that is tried three times takes half of one of them."""
    said: list[Callable[[socket.socket], object]] = [never_answer] * 4 + [answer("400 No")] + [never_answer] * 6

    def next_one(connection: socket.socket) -> None:
        said.pop(0)(connection)

    with serving(next_one) as server:
        aws = Aws(calls, endpoint=server.address)

        def tries(region: str, service: str = "sqs", operation: str = "list_queues") -> int:
            before = len(server.requests)
            with pytest.raises((Unknown, Rejected)):
                aws.call(service, region, operation)
            return len(server.requests) - before

        assert tries(EAST) == 3
        assert tries(EAST, "sns", "list_topics") == 1, "whichever service it is"
        assert tries(EAST) == 1, "which is answered"
        assert tries(EAST) == 3, "so it is believed again"
        assert tries("us-west-2") == 3


@pytest.mark.usefixtures("impatient")
def test_pages_should_never_be_fewer_because_of_a_failure(calls: Calls) -> None:
    with serving(hang_up) as server, pytest.raises(Unknown, match="ConnectionClosedError"):
        list(Aws(calls, endpoint=server.address).pages("sqs", EAST, "list_queues", "QueueUrls"))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", ["call", "pages"])
def test_a_role_that_cannot_be_assumed_should_be_unknown_after_three_tries(calls: Calls, how: str) -> None:
    with serving(hang_up) as server:
        aws = Aws(calls, endpoint=server.address, role="arn:aws:iam::123456789012:role/drcore")
        with pytest.raises(Unknown, match="ConnectionClosedError"):
            aws.call("sqs", EAST, "list_queues") if how == "call" else list(
                aws.pages("sqs", EAST, "list_queues", "QueueUrls")
            )
        assert len(server.requests) == 3


@pytest.mark.usefixtures("impatient")
def test_a_body_that_breaks_off_should_be_unknown(calls: Calls) -> None:
    def break_off(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with serving(break_off) as server, pytest.raises(Unknown, match="s3 get_object in us-east-1"):
        Aws(calls, endpoint=server.address).call("s3", EAST, "get_object", Bucket="b", Key="k")


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"])
@pytest.mark.usefixtures("impatient")
def test_a_throttled_write_should_be_busy_and_not_repeated_by_the_client(calls: Calls, code: str) -> None:
    body = json.dumps({"__type": code, "message": "slow down"})
    with serving(answer("400 Bad Request", body)) as server, calls.during(Writes.ALLOWED):
        with pytest.raises(Busy, match=code):
            Aws(calls, endpoint=server.address).call("sqs", EAST, "create_queue", QueueName="q")
        assert len(server.requests) == 1


def test_a_client_should_give_up_long_before_an_rto_is_spent(calls: Calls) -> None:
    """Connect 2 s, read at most 10 s, whatever the environment of the shell says; in the mode that counts attempts."""
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("AWS_MAX_ATTEMPTS", "10")
        shell.setenv("AWS_RETRY_MODE", "legacy")
        aws = Aws(calls, endpoint="http://127.0.0.1:9")
        for write, attempts in ((True, 1), (False, 3)):
            config = aws._client("lambda", EAST, write).meta.config
            assert (config.connect_timeout, config.retries["total_max_attempts"]) == (2, attempts)
            assert config.read_timeout <= 10 and config.retries["mode"] == "standard"


def test_real_credentials_should_never_reach_an_endpoint_of_ones_own(calls: Calls) -> None:
    with pytest.MonkeyPatch.context() as shell, serving(answer("400 Bad Request")) as server:
        shell.setenv("AWS_ACCESS_KEY_ID", "AKIA" + "REALREALREALREAL")
        shell.setenv("AWS_SECRET_ACCESS_KEY", "real")
        with pytest.raises((Rejected, Unknown)):
            Aws(calls, endpoint=server.address).call("sqs", EAST, "list_queues")
        assert server.requests and not any("REALREAL" in request for request in server.requests)


def test_a_call_without_credentials_should_be_rejected_not_unknown(calls: Calls) -> None:
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


def test_http_should_try_a_read_twice_and_a_write_once(calls: Calls) -> None:
    with serving(hang_up) as server:
        with pytest.raises(Unknown):
            Http(calls).get(server.address)
        assert len(server.requests) == 2
        with calls.during(Writes.ALLOWED), pytest.raises(Unknown):
            Http(calls).ask("POST", server.address, json={})
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (answer("404 Not Found", "no such page"), Rejected),
        (answer("429 Too Many", "{}"), Busy),
        (answer("420 Calm", "{}"), Busy),
        (answer("500 Oops", "{}"), Unknown),
        (answer("200 OK", "<html>"), Unknown),
        (answer("302 Found", "{}", "Location: http://127.0.0.1:9/"), Unknown),
        (answer("204 No Content"), Unknown),
    ],
)
def test_an_http_answer_should_be_json_with_a_good_status(
    calls: Calls, reply: Callable[[socket.socket], object], error: type[Exception]
) -> None:
    with serving(reply) as server:
        with pytest.raises(error) as caught:
            Http(calls).ask("GET", server.address)
        assert caught.type is error
        assert len(server.requests) == 1, "an answer is an answer: it is not asked for again"


def test_a_call_should_be_told_with_whatever_it_carries(calls: Calls, notes: list[dict[str, Any]]) -> None:
    call = Call("s3", "PutObject", EAST, True, parameters={"Body": b"\xff{}", "Until": NINE, "Name": "Größe"})
    with calls.during(Writes.ALLOWED):
        calls.admit(call)
        calls.note(call, "OK", "r-1")
    assert notes[0]["parameters"] == {"Body": "\ufffd{}", "Until": "2026-01-05T09:00:00.000Z", "Name": "Größe"}


def test_the_keys_of_a_role_should_be_had_anew_before_they_end(sandbox: InProcess, calls: Calls) -> None:
    clock = sandbox.world.clock
    aws = Aws(calls, endpoint=ENDPOINT, role="arn:aws:iam::123456789012:role/drcore", now=clock.now)
    sandbox.attach(aws.session)

    def assumed_after(minutes: float) -> int:
        clock.advance(60 * minutes)
        aws.call("sqs", EAST, "list_queues")
        aws.call("sns", EAST, "list_topics")
        return sum(call.operation == "AssumeRole" for call in calls.made)

    assert [assumed_after(minutes) for minutes in (0, 45, 10, 45, 10)] == [1, 1, 2, 2, 3]
