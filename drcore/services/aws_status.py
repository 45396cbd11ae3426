"""AWS's public status page: what AWS says where its Health API cannot be read, as that stands in us-east-1.

The document has no published schema. Of each event only its ARN and its date are read, which name region, service and
kind of the event.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from drcore.calls.http import Http
from drcore.errors import Unknown
from drcore.services.health import Event

_SECONDS = 2.0  # nothing waits for it


def issues(http: Http, url: str, regions: Collection[str]) -> tuple[Event, ...]:
    """The events of some regions, oldest first. Raises Unknown, also when the page has another shape."""
    reply = http.get(url, within=_SECONDS, again=False)
    if reply.status != 200 or not isinstance(reply.json, list):
        raise Unknown(f"GET {url}: expected 200 with a list of events, seen {reply.status} with {reply.text[:80]!r}")
    events = [_event(each, url) for each in reply.json]
    return tuple(
        sorted((each for each in events if each.region in regions), key=lambda event: (event.began, event.region))
    )


def _event(written: object, url: str) -> Event:
    fields = written if isinstance(written, dict) else {}
    arn, date = str(fields.get("arn", "")), str(fields.get("date", ""))
    parts = arn.split(":")  # arn:aws:health:<region>::event/<service>/<code>/<id>
    names = parts[5].split("/") if len(parts) > 5 else []
    if len(names) < 3 or not date.isdigit():
        raise Unknown(f"GET {url}: expected events with arn and date, seen {str(written)[:120]!r}")
    return Event(names[1], parts[3], names[2], datetime.fromtimestamp(int(date), UTC))
