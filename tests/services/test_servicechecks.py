"""The service's own checks: an answer that is neither yes nor no is unknown, and no path is no proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore.calls.http import Http
from drcore.errors import Unknown
from drcore.sandbox.endpoints.in_process import ENDPOINT
from drcore.services import servicechecks

BASE = f"{ENDPOINT}/syncwell/us-east-1/v1"
PROBE = {
    "issuer": "stride",
    "epoch": "too old",
    "cache_or_store": "held",
    "at_issuer": "refused",
    "syncwell": "refused",
}


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(Http, "ask", lambda *_, **__: answer)


def test_what_the_service_answers_is_read(http: Http) -> None:
    paths = [each.path for each in servicechecks.marked_writes(http, f"{BASE}/marked-writes")]
    assert paths == ["message", "request", "scheduled", "token-refresh", "webhook"]
    found = servicechecks.old_token(http, f"{BASE}/token-probes/pulse")
    assert (found.issuer, found.by_syncwell, found.at_issuer) == ("pulse", True, True)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (servicechecks.marked_writes, {"paths": {}}),
        (servicechecks.marked_writes, {"paths": {"request": {"status": "refused"}}}),
        (servicechecks.old_token, PROBE | {"syncwell": "perhaps"}),
        (servicechecks.old_token, PROBE | {"at_issuer": ""}),
        (servicechecks.old_token, {"issuer": "stride"}),
        (servicechecks.is_exposed, {"exposed": "no"}),
        (servicechecks.is_exposed, {"exposed": None}),
    ],
)
def test_what_is_neither_yes_nor_no_is_unknown(
    http: Http, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Http, str], object], answer: Any
) -> None:
    answering(monkeypatch, answer)
    with pytest.raises(Unknown):
        ask(http, BASE)
