"""Statuspage: incidents on the public status page, found again by their run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from drcore.calls.http import Http

_MOST = 100  # incidents a page: Statuspage gives no more, and no more without being asked


@dataclass(frozen=True, slots=True)
class Page:
    """Where the page's API is, which page, with which key."""

    url: str
    page: str
    key: str

    def __repr__(self) -> str:
        return f"Page({self.url}, {self.page})"  # never the key


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """One incident: investigating, identified, monitoring or resolved. An empty id: there is none."""

    id: str = field(default="", metadata={"label": "incident"})
    status: str = ""
    body: str = field(default="", metadata={"label": "text"})


def incident_of(http: Http, page: Page, run_id: str) -> PublicIncident:
    """The incident that a run has opened, however many came after it. Raises Rejected, Unknown."""
    for each in _incidents(http, page):
        if each.get("metadata", {}).get("drcore", {}).get("run_id") == run_id:
            updates = each.get("incident_updates") or [{}]
            return PublicIncident(each["id"], each["status"], updates[0].get("body", ""))
    return PublicIncident()


def _incidents(http: Http, page: Page) -> Iterator[Any]:
    """All incidents, newest first. One that is opened meanwhile moves others to the next page: none is missed."""
    for number in count(1):
        asked = f"limit={_MOST}&page={number}"
        found = http.ask("GET", f"{page.url}/pages/{page.page}/incidents?{asked}", authorization=f"OAuth {page.key}")
        yield from found
        if len(found) < _MOST:
            return


def open_incident(http: Http, page: Page, run_id: str, name: str, body: str, components: Mapping[str, str]) -> None:
    """Post an incident. The API has no idempotency key: look for the run's incident first."""
    incident: dict[str, Any] = {
        "name": name,
        "status": "investigating",
        "body": body,
        "component_ids": list(components),
        "components": dict(components),
        "metadata": {"drcore": {"run_id": run_id}},
        "deliver_notifications": True,
    }
    http.ask(
        "POST",
        f"{page.url}/pages/{page.page}/incidents",
        json={"incident": incident},
        authorization=f"OAuth {page.key}",
    )


def update(http: Http, page: Page, incident_id: str, status: str, body: str, components: Mapping[str, str]) -> None:
    """Add an update to an incident: its new status, what is said, how its components do now."""
    http.ask(
        "PATCH",
        f"{page.url}/pages/{page.page}/incidents/{incident_id}",
        json={"incident": {"status": status, "body": body, "components": dict(components)}},
        authorization=f"OAuth {page.key}",
    )


def resolve(http: Http, page: Page, incident_id: str, body: str, components: Sequence[str]) -> None:
    """Resolve an incident, and set its components right again: they do not reset themselves."""
    update(http, page, incident_id, "resolved", body, dict.fromkeys(components, "operational"))
