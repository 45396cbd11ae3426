"""Findings are read whole; what is no finding is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.http import Http
from drcore.errors import Unknown
from drcore.sandbox.endpoints.in_process import ENDPOINT
from drcore.services import securitydesk

URL = f"{ENDPOINT}/security/v1"
ONE = {
    "id": "SW-1",
    "title": "A hole",
    "reported_at": "2026-01-05T09:00:00Z",
    "exposed_since": "2026-01-05T08:00:00Z",
    "where": "backend",
}


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(Http, "ask", lambda *_, **__: answer)


def test_findings_come_oldest_first_and_what_is_not_told_is_empty(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = ONE | {"id": "SW-2", "reported_at": "2026-01-05T10:00:00Z", "ssvc": {"exploitation": "active"}}
    answering(monkeypatch, {"findings": [newer, ONE]})
    first, second = securitydesk.findings(http, URL)
    assert (first.id, first.fixed_in, first.exploitation) == ("SW-1", "", "")
    assert (second.id, second.exploitation) == ("SW-2", "active")


@pytest.mark.parametrize(
    "answer", [{"findings": [{"id": "SW-1"}]}, {"findings": 5}, {"findings": [ONE | {"reported_at": "yesterday"}]}, 7]
)
def test_what_is_no_finding_is_unknown(http: Http, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    answering(monkeypatch, answer)
    with pytest.raises(Unknown, match="expected findings"):
        securitydesk.findings(http, URL)
