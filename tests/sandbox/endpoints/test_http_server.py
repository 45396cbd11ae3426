"""The loopback server as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY

WAIT = 30
"""Wall seconds after which a test gives up on the process; none of them should come near."""


class Served:
    """One running server."""

    def __init__(self, seed: int, *options: str) -> None:
        command = [sys.executable, "-m", "drcore.sandbox", "--seed", str(seed), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        self.address: str = self.ready["address"]

    def request(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=WAIT)
        try:
            connection.request(method, path, body=json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def client(self, service: str, region: str = "us-east-1") -> Any:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=1, connect_timeout=WAIT)
        session: Any = boto3.Session(ADMINISTRATOR_KEY, "secret", region_name=region)
        return session.client(service, endpoint_url=self.address, config=config)

    def end(self) -> tuple[int, str]:
        """Wait for the process; its exit code and what it said on stderr."""
        try:
            _, complaints = self.process.communicate(timeout=WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, complaints = self.process.communicate()
        return self.process.returncode, complaints


@pytest.fixture
def served() -> Iterator[Served]:
    server = Served(7)
    yield server
    server.process.terminate()
    server.end()


def test_it_should_say_where_it_is_and_answer_there_only(served: Served) -> None:
    assert served.ready == {"address": served.address, "pid": served.process.pid}
    host, port = urlsplit(served.address).hostname, urlsplit(served.address).port
    assert host == "127.0.0.1"
    assert served.client("sts").get_caller_identity()["Account"] == "123456789012"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))


def test_it_should_end_cleanly_by_sigterm(served: Served) -> None:
    served.request("GET", "/_sandbox/clock")
    os.kill(served.process.pid, signal.SIGTERM)
    assert served.end() == (0, "")


def test_it_should_end_when_asked(served: Served) -> None:
    assert served.request("POST", "/_sandbox/stop")[0] == 200
    assert served.end() == (0, "")


def test_it_should_end_when_nobody_has_spoken_for_a_while() -> None:
    assert Served(7, "--idle-seconds", "0.1").end() == (0, "")


def test_it_should_close_the_socket_of_a_lost_response_and_of_a_dropped_connection(served: Served) -> None:
    sns = served.client("sns")
    for name in ("dropped-connection", "lost-response"):
        options = {"service": "sns", "operation": "CreateTopic", "count": 1}
        served.request("POST", "/_sandbox/faults", {"name": name, "options": options})
        with pytest.raises(ConnectionClosedError):
            sns.create_topic(Name=name)
    topics = {topic["TopicArn"].rsplit(":", 1)[1] for topic in sns.list_topics()["Topics"]}
    assert topics & {"dropped-connection", "lost-response"} == {"lost-response"}


def test_it_should_leave_a_caller_waiting_without_making_others_wait(served: Served) -> None:
    served.request("POST", "/_sandbox/faults", {"name": "latency", "options": {"service": "sns", "seconds": 6}})
    with pytest.raises(ReadTimeoutError):
        served.client("sns").list_topics()
    assert served.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_it_should_take_an_object_over_a_kept_connection(served: Served) -> None:
    s3 = served.client("s3", "us-west-2")
    s3.create_bucket(Bucket="some-bucket", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="some-bucket", Key="a b/ü", Body=b"\x00\xff" * 5000, Metadata={"my_key": "v"})
    found = s3.get_object(Bucket="some-bucket", Key="a b/ü")
    assert (found["Body"].read(), found["Metadata"]) == (b"\x00\xff" * 5000, {"my_key": "v"})
    assert s3.head_object(Bucket="some-bucket", Key="a b/ü")["ContentLength"] == 10_000


def test_it_should_answer_byte_for_byte_the_same_in_two_processes_of_a_seed(served: Served) -> None:
    other = Served(7)
    paths = ("/_sandbox/state", "/_sandbox/truth", "/_sandbox/clock")
    try:
        for server in (served, other):
            server.client("sns").create_topic(Name="t")
            server.client("apigateway").create_rest_api(name="a")
            server.request("POST", "/_sandbox/clock", {"sleep": 120})
        assert [served.request("GET", path) for path in paths] == [other.request("GET", path) for path in paths]
    finally:
        other.request("POST", "/_sandbox/stop")
        other.end()
