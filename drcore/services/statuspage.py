"""Statuspage: incidents on the public status page, found again by their run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from drcore.calls.http import Http
from drcore.errors import Unknown

_MOST = 100  # incidents a page: Statuspage gives no more, and no more without being asked
_APART = 1.0  # seconds between two requests with one key: Statuspage refuses more with 420


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


class _Update(BaseModel):
    body: str | None = None


class _Incident(BaseModel):
    """What is read of an incident; the rest may be as it likes."""

    id: str
    status: str
    metadata: dict[str, Any] | None = None
    incident_updates: list[_Update] = []

    @property
    def run_id(self) -> object:
        """The run that opened it, by what `open_incident` put there."""
        ours = (self.metadata or {}).get("drcore")
        return ours.get("run_id") if isinstance(ours, dict) else None


_INCIDENTS = TypeAdapter(list[_Incident])


def incident_of(http: Http, page: Page, run_id: str) -> PublicIncident:
    """The incident that a run has opened, however many came after it. Raises Rejected, Unknown."""
    for incident in _incidents(http, page):
        if incident.run_id == run_id:
            return PublicIncident(
                incident.id, incident.status, (incident.incident_updates or [_Update()])[0].body or ""
            )
    return PublicIncident()


def _incidents(http: Http, page: Page) -> Iterator[_Incident]:
    """All incidents, newest first. One that is opened meanwhile moves others to the next page: none is missed."""
    for number in count(1):
        asked = f"limit={_MOST}&page={number}"
        answer = _ask(http, page, "GET", f"?{asked}")
        try:
            incidents = _INCIDENTS.validate_python(answer)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "the answer"
            what = f"expected a list of incidents, seen {str(answer)[:200]} ({where}: {error.errors()[0]['msg']})"
            raise Unknown(f"GET {page.url}/pages/{page.page}/incidents: {what}") from error
        yield from incidents
        if len(incidents) < _MOST:
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
    _ask(http, page, "POST", json={"incident": incident})


def update(http: Http, page: Page, incident_id: str, status: str, body: str, components: Mapping[str, str]) -> None:
    """Add an update to an incident: its new status, what is said, how its components do now."""
    incident = {"status": status, "body": body, "components": dict(components)}
    _ask(http, page, "PATCH", f"/{incident_id}", json={"incident": incident})


def resolve(http: Http, page: Page, incident_id: str, body: str, components: Sequence[str]) -> None:
    """Resolve an incident, and set its components right again: they do not reset themselves."""
    update(http, page, incident_id, "resolved", body, dict.fromkeys(components, "operational"))


def _ask(http: Http, page: Page, method: str, rest: str = "", *, json: Any = None) -> Any:
    """Ask about the page's incidents. Raises Busy, Rejected, Unknown."""
    url = f"{page.url}/pages/{page.page}/incidents{rest}"
    return http.ask(method, url, json=json, authorization=f"OAuth {page.key}", apart=_APART)
