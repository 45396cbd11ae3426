"""The gate: no write without an act, none in a rehearsal, and each call noted."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import Call, CallGate, Writes, WriteStopped

EAST = "us-east-1"
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_write_outside_an_act_should_be_refused_and_not_sent(aws: Aws, notes: list[dict[str, Any]]) -> None:
    with pytest.raises(RuntimeError, match=r"outside an act was refused: sns:CreateTopic"):
        aws.call("sns", EAST, "create_topic", Name="outside")
    assert notes == []
    assert "outside" not in str(aws.call("sns", EAST, "list_topics"))


def test_a_write_in_a_rehearsal_should_be_stopped_with_its_exact_arguments(aws: Aws, calls: CallGate) -> None:
    with calls.during(Writes.STOPPED), pytest.raises(WriteStopped) as stopped:
        aws.call("sns", EAST, "create_topic", Name="rehearsed", Tags=[{"Key": "a", "Value": "b"}])
    call = stopped.value.call
    assert (call.service, call.operation, call.region, call.write) == ("sns", "CreateTopic", EAST, True)
    assert call.parameters == {"Name": "rehearsed", "Tags": [{"Key": "a", "Value": "b"}]}
    assert str(stopped.value) == (
        'WOULD sns:CreateTopic {"Name": "rehearsed", "Tags": [{"Key": "a", "Value": "b"}]} in us-east-1'
    )
    assert "rehearsed" not in str(aws.call("sns", EAST, "list_topics"))


def test_a_write_in_an_act_should_be_sent_and_noted_with_its_arguments(
    aws: Aws, calls: CallGate, notes: list[dict[str, Any]]
) -> None:
    with calls.during(Writes.ALLOWED):
        aws.call("sns", EAST, "create_topic", Name="allowed")
    assert "allowed" in str(aws.call("sns", EAST, "list_topics"))
    write, read = notes
    assert write["call"] == "sns:CreateTopic" and write["answer"] == "OK" and write["request_id"]
    assert write["write"] and write["parameters"] == {"Name": "allowed"}
    assert not read["write"] and "parameters" not in read
    assert [call.operation for call in calls.made] == ["CreateTopic", "ListTopics"]


def test_the_gate_should_close_again_however_an_act_ends(aws: Aws, calls: CallGate) -> None:
    with contextlib.suppress(KeyError), calls.during(Writes.ALLOWED):
        with calls.during(Writes.STOPPED), contextlib.suppress(WriteStopped):
            aws.call("sns", EAST, "create_topic", Name="x")
        assert calls.writes is Writes.ALLOWED
        raise KeyError
    assert calls.writes is Writes.FORBIDDEN


def test_a_stopped_write_should_not_be_swallowed_by_a_handler_of_failures(aws: Aws, calls: CallGate) -> None:
    def act() -> None:
        with contextlib.suppress(Exception):
            aws.call("sns", EAST, "create_topic", Name="x")

    with calls.during(Writes.STOPPED), pytest.raises(WriteStopped):
        act()


def test_a_call_should_be_told_with_whatever_it_carries(calls: CallGate, notes: list[dict[str, Any]]) -> None:
    call = Call("s3", "PutObject", EAST, True, parameters={"Body": b"\xff{}", "Until": NINE, "Name": "Größe"})
    with calls.during(Writes.ALLOWED):
        calls.admit(call)
        calls.note(call, "OK", "r-1")
    assert notes[0]["parameters"] == {"Body": "\ufffd{}", "Until": "2026-01-05T09:00:00.000Z", "Name": "Größe"}
