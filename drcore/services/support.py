"""The support desk: tickets of a category, page after page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from drcore.calls.http import Http
from drcore.clock import iso, parse_time
from drcore.errors import Unknown


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket. `user` is the id of the user who opened it; `platform` and `version` are the app's, or empty."""

    id: str
    opened: datetime
    user: str
    subject: str
    platform: str = ""
    version: str = ""


def tickets(
    http: Http, url: str, category: str, since: datetime, until: datetime, key: str | None = None
) -> tuple[Ticket, ...]:
    """All tickets of a span, oldest first. Raises Rejected, Unknown; never a shorter answer."""
    asked = {"since": iso(since), "until": iso(until), "category": category}
    rows: list[Ticket] = []
    while True:
        page = http.ask("GET", f"{url}/tickets?{urlencode(asked)}", authorization=f"Bearer {key}" if key else None)
        try:
            rows += map(_ticket, page["tickets"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unknown(f"GET {url}/tickets: expected tickets, seen {error!r}") from error
        if not page.get("next"):
            break
        asked["next"] = page["next"]
    return tuple(sorted(rows, key=lambda ticket: (ticket.opened, ticket.id)))


def _ticket(row: Mapping[str, str]) -> Ticket:
    app = (row.get("platform") or "", row.get("app_version") or "")
    return Ticket(row["id"], parse_time(row["opened_at"]), row["user"], row["subject"], *app)
