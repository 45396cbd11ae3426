"""AWS's public page: its events by region, in the encoding that it has; what is no such page."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from drcore.calls.gate import CallGate
from drcore.calls.http import Http
from drcore.errors import Unknown
from drcore.services import aws_status
from drcore.services.health import Event
from tests.support.raw_server import answer, serving

ARN = "arn:aws:health:me-south-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_1"
EVENT = {"date": "1772335740", "arn": ARN, "region_name": "Bahrain", "status": "3"}


def page(document: object, encoding: str) -> Callable[[socket.socket], object]:
    body = json.dumps(document).encode(encoding)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-16"])
def test_the_events_of_the_regions_that_are_asked_for_should_be_read(encoding: str) -> None:
    other = EVENT | {"arn": ARN.replace("me-south-1", "eu-west-1")}
    with serving(page([EVENT, other], encoding)) as server:
        found = aws_status.issues(Http(CallGate(lambda *_, **__: None)), server.address, ("me-south-1", "us-east-1"))
    began = datetime(2026, 3, 1, 3, 29, tzinfo=UTC)
    assert found == (Event("EC2", "me-south-1", "AWS_EC2_OPERATIONAL_ISSUE", began),)


@pytest.mark.parametrize(
    "treat",
    [
        answer("503 Service Unavailable", "busy"),
        answer("200 OK", "<html>"),
        page({"events": []}, "utf-8"),
        page(["nothing"], "utf-8"),
        page([EVENT | {"arn": "arn:aws:health"}], "utf-8"),
        page([EVENT | {"date": "yesterday"}], "utf-8"),
    ],
)
def test_another_shape_should_be_unknown_with_what_was_seen(treat: Callable[[socket.socket], object]) -> None:
    with serving(treat) as server, pytest.raises(Unknown, match=r"expected .*, seen"):
        aws_status.issues(Http(CallGate(lambda *_, **__: None)), server.address, ("me-south-1",))
