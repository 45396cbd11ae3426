"""An answer that did not fit into a datagram is asked for again over TCP."""

from __future__ import annotations

from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest

from drcore.calls.gate import CallGate
from drcore.services import dns as service

NAME = "api.syncwell.example."
ALL = ("192.0.2.10", "192.0.2.20")


def replying(*addresses: str, cut: bool = False) -> Any:
    def reply(query: dns.message.Message, *_: Any, **__: Any) -> dns.message.Message:
        made = dns.message.make_response(query)
        made.answer.append(dns.rrset.from_text(NAME, 60, "IN", "A", *addresses))
        if cut:
            made.flags |= dns.flags.TC
        return made

    return reply


def test_a_cut_answer_is_asked_for_again_in_full(monkeypatch: pytest.MonkeyPatch, gate: CallGate) -> None:
    monkeypatch.setattr("dns.query.udp", replying(ALL[0], cut=True))
    monkeypatch.setattr("dns.query.tcp", replying(*ALL))
    assert service.answers(gate, "127.0.0.1:53", NAME, ["198.18.0.0/20"]) == (ALL,)


def test_a_whole_answer_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch, gate: CallGate) -> None:
    monkeypatch.setattr("dns.query.udp", replying(ALL[0]))
    monkeypatch.setattr("dns.query.tcp", lambda *_, **__: pytest.fail("asked over TCP"))
    assert service.answers(gate, "127.0.0.1:53", NAME, ["198.18.0.0/20"]) == ((ALL[0],),)
