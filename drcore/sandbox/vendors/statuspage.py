"""The public status page, as Atlassian Statuspage answers (developer.statuspage.io).

Simplified: one page, no subscribers, any key is accepted. As on the real one there is no idempotency key: the
same incident posted twice is two incidents; and a key that asks twice within a second is told 420.
"""

from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World

PAGE = "syncwell-page"
_MOST = 100
_APART = timedelta(seconds=1)
_PAGES = "/statuspage/v1/pages/<page>"
_INCIDENT_STATUSES = ("investigating", "identified", "monitoring", "resolved")
_IMPACTS = ("none", "minor", "major", "critical")
_COMPONENT_STATUSES = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)


class PageContent:
    """What the page holds: components by id, incidents newest first."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.components = {name: _component(name, world.clock.now()) for name in ("api", "sync")}
        self.incidents: list[dict[str, Any]] = []
        self.asked: dict[str, datetime] = {}  # by key: when it was answered last
        world.add_to_dump("statuspage", lambda: {"components": self.components, "incidents": self.incidents})

    def new_id(self, kind: str) -> str:
        """Twelve characters, as the real ones; the n-th of a kind is the same in each run of a seed."""
        count = self.world.count("statuspage", kind, "")
        return f"{self.world.rng('statuspage', kind, count).getrandbits(60):012x}"[:12]


def open_page(world: World) -> PageContent:
    """The page of a world; its state is part of the dump from the beginning."""
    return world.state(PageContent)


@http_route("GET", f"{_PAGES}/incidents")
def list_incidents(call: HttpCall) -> JsonReply:
    """The incidents, newest first, at most 100 a page; `page` is the number of the page, from 1 on."""
    return JsonReply(200, _listed(call, _page(call).incidents))


@http_route("GET", f"{_PAGES}/incidents/unresolved")
def list_unresolved_incidents(call: HttpCall) -> JsonReply:
    """The incidents that are not resolved, newest first, page by page too."""
    return JsonReply(200, _listed(call, [i for i in _page(call).incidents if i["status"] != "resolved"]))


def _listed(call: HttpCall, incidents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    size = min(int(call.query.get("limit") or _MOST), _MOST)
    first = (int(call.query.get("page") or 1) - 1) * size
    return incidents[first : first + size]


@http_route("GET", f"{_PAGES}/incidents/<incident>")
def get_incident(call: HttpCall) -> JsonReply:
    """One incident."""
    _page(call)
    return JsonReply(200, _incident(call))


@http_route("GET", f"{_PAGES}/components")
def list_components(call: HttpCall) -> JsonReply:
    """The components with their statuses."""
    return JsonReply(200, list(_page(call).components.values()))


@http_route("POST", f"{_PAGES}/incidents")
def create_incident(call: HttpCall) -> JsonReply:
    """A new incident, each time."""
    page, asked = _page(call), _asked(call, "incident")
    if not asked.get("name"):
        raise AwsError("UnprocessableEntity", "incident.name: can't be blank", 422)
    now = precise(call.world.clock.now())
    incident = {
        "id": page.new_id("incident"),
        "page_id": PAGE,
        "created_at": now,
        "name": asked["name"],
        "status": "investigating",
        "impact": asked.get("impact_override", "none"),
        "impact_override": None,
        "metadata": {},
        "components": [],
        "incident_updates": [],
        "resolved_at": None,
    }
    _apply(page, incident, asked)
    page.incidents.insert(0, incident)
    return JsonReply(201, incident)


@http_route("PATCH", f"{_PAGES}/incidents/<incident>")
def update_incident(call: HttpCall) -> JsonReply:
    """Change an incident; what is not named stays."""
    page, incident = _page(call), _incident(call)
    _apply(page, incident, _asked(call, "incident"))
    return JsonReply(200, incident)


@http_route("PATCH", f"{_PAGES}/components/<component>")
def update_component(call: HttpCall) -> JsonReply:
    """Set the status of a component."""
    page, asked = _page(call), _asked(call, "component")
    name = call.args["component"]
    _set_component(page, name, asked.get("status", "operational"))
    return JsonReply(200, page.components[name])


def _page(call: HttpCall) -> PageContent:
    """The page that the call names; raises AwsError 401 without a key, 404 for another page."""
    scheme, _, key = call.headers.get("Authorization", "").partition(" ")
    if scheme != "OAuth" or not key.strip():
        raise AwsError("Unauthorized", "Could not authenticate", 401)
    if call.args["page"] != PAGE:
        raise AwsError("NotFound", f"page: expected {PAGE}; saw {call.args['page']}", 404)
    page, now = open_page(call.world), call.world.clock.now()
    if now - page.asked.get(key, now - _APART) < _APART:
        raise AwsError("EnhanceYourCalm", "This page has exceeded its rate limit of 60 requests a minute", 420)
    page.asked[key] = now
    return page


def _incident(call: HttpCall) -> dict[str, Any]:
    for incident in open_page(call.world).incidents:
        if incident["id"] == call.args["incident"]:
            return incident
    raise AwsError("NotFound", f"incident: expected the id of an incident; saw {call.args['incident']}", 404)


def _asked(call: HttpCall, key: str) -> dict[str, Any]:
    asked = call.json().get(key)
    if not isinstance(asked, dict):
        raise AwsError("UnprocessableEntity", f"{key}: expected an object; saw {asked!r}", 422)
    return asked


def _apply(page: PageContent, incident: dict[str, Any], asked: dict[str, Any]) -> None:
    """Change an incident as asked and add the update that subscribers would get."""
    now = precise(page.world.clock.now())
    status = _one_of("incident.status", asked.get("status", incident["status"]), _INCIDENT_STATUSES)
    impact = asked.get("impact_override", incident["impact_override"])
    if impact is not None:
        incident["impact"] = _one_of("incident.impact_override", impact, _IMPACTS)
    components = asked.get("components", {})
    for name in [*components, *asked.get("component_ids", ())]:
        _known_component(page, name)
    for name, component_status in components.items():
        _set_component(page, name, component_status)
    named = {*components, *asked.get("component_ids", ()), *(c["id"] for c in incident["components"])}
    update = {
        "id": page.new_id("update"),
        "incident_id": incident["id"],
        "status": status,
        "body": asked.get("body", ""),
        "created_at": now,
        "deliver_notifications": asked.get("deliver_notifications", True),
        "affected_components": [{"code": n, "new_status": s} for n, s in sorted(components.items())],
    }
    incident |= {
        "name": asked.get("name", incident["name"]),
        "status": status,
        "impact_override": impact,
        "metadata": incident["metadata"] | asked.get("metadata", {}),
        "components": [page.components[name] for name in sorted(named)],
        "incident_updates": [update, *incident["incident_updates"]],
        "updated_at": now,
        "resolved_at": now if status == "resolved" else None,
    }


def _set_component(page: PageContent, name: str, status: str) -> None:
    component = _known_component(page, name)
    component["status"] = _one_of(f"components.{name}", status, _COMPONENT_STATUSES)
    component["updated_at"] = precise(page.world.clock.now())


def _known_component(page: PageContent, name: str) -> dict[str, Any]:
    if name not in page.components:
        raise AwsError("NotFound", f"component: expected {', '.join(page.components)}; saw {name}", 404)
    return page.components[name]


def _one_of(field: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise AwsError("UnprocessableEntity", f"{field}: expected {', '.join(choices)}; saw {value}", 422)
    return value


def _component(name: str, created: datetime) -> dict[str, Any]:
    at = precise(created)
    return {
        "id": name,
        "page_id": PAGE,
        "name": name,
        "status": "operational",
        "created_at": at,
        "updated_at": at,
    }
