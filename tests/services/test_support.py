"""All tickets of a span, however many pages they come on; what is no ticket is unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore.calls.http import Http
from drcore.errors import Unknown
from drcore.sandbox.endpoints.in_process import ENDPOINT
from drcore.services import support
from tests.support.service_calls import BEGAN

URL = f"{ENDPOINT}/support/v1"
Ask = Callable[..., Any]


def answering(monkeypatch: pytest.MonkeyPatch, *pages: Any) -> list[str]:
    asked: list[str] = []
    left = list(pages)

    def ask(self: Http, method: str, url: str, **_: Any) -> Any:
        asked.append(url)
        return left.pop(0)

    monkeypatch.setattr(Http, "ask", ask)
    return asked


def ticket(number: int, minute: int) -> dict[str, str]:
    opened = f"2026-01-05T08:{minute:02}:00.000Z"
    return {"id": f"T-{number}", "opened_at": opened, "user": f"{number:05}", "subject": "Wrong"}


def test_pages_are_read_to_the_last_and_tickets_sorted(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = (
        {"tickets": [ticket(3, 30), ticket(1, 10)], "next": "more"},
        {"tickets": [], "next": "last"},
        {"tickets": [ticket(2, 20)]},
    )
    asked = answering(monkeypatch, *pages)
    found = support.tickets(http, URL, "sync-settings", BEGAN, BEGAN)
    assert [each.id for each in found] == ["T-1", "T-2", "T-3"]
    assert ["next=more" in url for url in asked] == [False, True, False] and "next=last" in asked[2]


@pytest.mark.parametrize(
    "page", [{}, {"tickets": [{"id": "T-1"}]}, {"tickets": [ticket(1, 1) | {"opened_at": "yesterday"}]}, {"tickets": 5}]
)
def test_what_is_no_ticket_is_unknown(http: Http, monkeypatch: pytest.MonkeyPatch, page: Any) -> None:
    answering(monkeypatch, page)
    with pytest.raises(Unknown, match="expected tickets"):
        support.tickets(http, URL, "sync-settings", BEGAN, BEGAN)
