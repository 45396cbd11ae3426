"""HTTP that is not AWS: the same gate, and an answer that is one."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Callable

import pytest

from drcore.calls.gate import CallGate, Writes, WriteStopped
from drcore.calls.http import Http
from drcore.errors import Busy, Missing, NoAnswer, Unknown
from tests.support.raw_server import answer, hang_up, serving


def test_http_should_have_the_same_gate(calls: CallGate) -> None:
    http = Http(calls)
    with pytest.raises(RuntimeError, match="outside an act"):
        http.ask("POST", "http://127.0.0.1:9/x", json={})
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        with calls.during(Writes.STOPPED), pytest.raises(WriteStopped):
            http.ask(method, "http://127.0.0.1:9/x", json={"a": 1}, authorization="OAuth abcdefgh")
    with calls.during(Writes.STOPPED), pytest.raises(WriteStopped) as stopped:
        http.ask("POST", "http://127.0.0.1:9/x", json={"a": 1}, authorization="OAuth abcdefgh")
    assert "abcdefgh" not in f"{stopped.value} {stopped.value.call}"


def test_a_curl_command_should_never_hold_the_key(calls: CallGate) -> None:
    with pytest.raises(Unknown):
        Http(calls).get("http://127.0.0.1:9/it's?a=1&b=2", authorization="OAuth abcdefgh")
    assert shlex.split(calls.made[-1].command) == [
        *("curl", "-X", "GET", "http://127.0.0.1:9/it's?a=1&b=2"),
        *("-H", "Authorization: OAuth $KEY"),
    ]
    assert '"Authorization: OAuth $KEY"' in calls.made[-1].command, "double quotes, so that the shell puts the key in"


def test_http_should_try_a_read_twice_and_a_write_once(calls: CallGate) -> None:
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
        (answer("404 Not Found", "no such page"), Missing),
        (answer("429 Too Many", "{}"), Busy),
        (answer("420 Calm", "{}"), Busy),
        (answer("500 Oops", "{}"), NoAnswer),
        (answer("200 OK", "<html>"), NoAnswer),
        (answer("302 Found", "{}", "Location: http://127.0.0.1:9/"), NoAnswer),
        (answer("204 No Content"), NoAnswer),
    ],
)
def test_an_http_answer_should_be_json_with_a_good_status(
    calls: CallGate, reply: Callable[[socket.socket], object], error: type[Exception]
) -> None:
    with serving(reply) as server:
        with pytest.raises(error) as caught:
            Http(calls).ask("GET", server.address)
        assert caught.type is error
        assert len(server.requests) == 1, "an answer is an answer: it is not asked for again"


def test_a_post_that_only_reads_should_pass_where_nothing_may_be_written(calls: CallGate) -> None:
    with serving(answer("200 OK", '{"rows": []}', "X-Rate-Limit: user-hour-rem:7;")) as server:
        reply = Http(calls).send("POST", server.address, json={"a": 1}, reads=True)
        with calls.during(Writes.STOPPED):
            Http(calls).send("POST", server.address, json={"a": 1}, reads=True)
        with pytest.raises(RuntimeError, match="outside an act"):
            Http(calls).send("POST", server.address, json={"a": 1})
    assert (reply.json, reply.headers["x-rate-limit"]) == ({"rows": []}, "user-hour-rem:7;")
    assert [call.write for call in calls.made] == [False, False]


def test_a_form_should_be_sent_and_not_noted(calls: CallGate) -> None:
    with serving(answer("200 OK", "{}")) as server:
        Http(calls).send("POST", server.address, form={"assertion": "a b&c"}, reads=True)
        assert "content-length: 17\r\n" in server.requests[0].lower(), "assertion=a+b%26c"
        assert "application/x-www-form-urlencoded" in server.requests[0]
    assert "assertion" not in f"{calls.made}"


def test_a_refusal_should_be_an_answer_to_who_sends(calls: CallGate) -> None:
    with serving(answer("409 Conflict", '{"error": {"code": 409}}')) as server:
        assert Http(calls).send("GET", server.address).status == 409
