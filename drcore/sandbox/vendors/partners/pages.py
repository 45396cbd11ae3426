"""A partner's status page, as Atlassian hosts them: `GET /partner-status/NAME/api/v2/summary.json`.

A page is kept by people: it tells with a lag how the partner did. It may be told to lie, both ways, to give a page of
HTML where JSON was asked for, to keep silent. Simplified: one component for each operation, no maintenance.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from drcore.sandbox.core.registry import HttpCall, JsonReply, PageReply, http_route
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.protocol.exchange import NoResponse
from drcore.sandbox.vendors.partners.api import named
from drcore.sandbox.vendors.partners.state import PartnerHealth, Partners

LAG = timedelta(minutes=12)
"""Until a page tells of a change, unless it is set otherwise."""
_HTML = "<!doctype html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


class Manner(Enum):
    """How a page answers."""

    HONEST = "as it was so long ago"
    SAYS_WELL = "all operational, whatever is"
    SAYS_DOWN = "a major outage, whatever is"
    HTML = "a page instead of JSON"
    SILENT = "no answer"
    BROKEN = "500"


@dataclass(slots=True)
class PartnerPage:
    """One page: its manner, its lag."""

    manner: Manner = Manner.HONEST
    lag: timedelta = LAG


class PartnerPages:
    """The pages of all partners."""

    def __init__(self, _: World) -> None:
        self.known: dict[str, PartnerPage] = defaultdict(PartnerPage)


@http_route("GET", "/partner-status/<partner>/api/v2/summary.json")
def summary(call: HttpCall) -> JsonReply | PageReply:
    """The whole page: status, components, incidents that are not resolved."""
    return _answer(call, ("page", "status", "components", "incidents"))


@http_route("GET", "/partner-status/<partner>/api/v2/status.json")
def status(call: HttpCall) -> JsonReply | PageReply:
    """The status of all together."""
    return _answer(call, ("page", "status"))


@http_route("GET", "/partner-status/<partner>/api/v2/components.json")
def components(call: HttpCall) -> JsonReply | PageReply:
    """The components."""
    return _answer(call, ("page", "components"))


@http_route("GET", "/partner-status/<partner>/api/v2/incidents/unresolved.json")
def unresolved(call: HttpCall) -> JsonReply | PageReply:
    """The incidents that are not resolved."""
    return _answer(call, ("page", "incidents"))


def _answer(call: HttpCall, parts: tuple[str, ...]) -> JsonReply | PageReply:
    partner = named(call)
    page = call.world.state(PartnerPages).known[partner.name]
    if page.manner is Manner.SILENT:
        raise NoResponse
    if page.manner is Manner.BROKEN:
        return JsonReply(500, {"error": "Internal Server Error"})
    if page.manner is Manner.HTML:
        return PageReply(200, _HTML)
    now = call.world.clock.now()
    document = _document(partner.name, _told(call.world, page, partner.name, now), now)
    return JsonReply(200, {name: document[name] for name in parts})


def _told(world: World, page: PartnerPage, name: str, now: datetime) -> Mapping[str, PartnerHealth]:
    health_by_part = world.state(Partners).state(name, now - page.lag)
    if page.manner is Manner.HONEST:
        return health_by_part
    health = PartnerHealth(errors=0.9) if page.manner is Manner.SAYS_DOWN else PartnerHealth()
    return dict.fromkeys(health_by_part, health)


def _document(name: str, fields: Mapping[str, PartnerHealth], now: datetime) -> dict[str, Any]:
    at = precise(now)
    states = {operation: _status(health) for operation, health in fields.items()}
    affected = [operation for operation, state in states.items() if state != "operational"]
    down = [operation for operation, state in states.items() if state == "major_outage"]
    indicator = "none" if not affected else "critical" if len(down) == len(states) else "major" if down else "minor"
    descriptions = {
        "none": "All Systems Operational",
        "minor": "Partially Degraded Service",
        "major": "Partial System Outage",
        "critical": "Major Service Outage",
    }
    listed = [
        {"id": operation, "name": operation, "status": state, "updated_at": at, "group": False, "page_id": name}
        for operation, state in states.items()
    ]
    incident = {
        "id": f"{name}-incident",
        "name": f"Problems with {', '.join(affected)}",
        "status": "investigating",
        "impact": indicator,
        "updated_at": at,
        "components": [each for each in listed if each["status"] != "operational"],
    }
    return {
        "page": {"id": name, "name": name, "updated_at": at},
        "status": {"indicator": indicator, "description": descriptions[indicator]},
        "components": listed,
        "incidents": [incident] if affected else [],
    }


def _status(health: PartnerHealth) -> str:
    if health.is_down:
        return "major_outage"
    return "degraded_performance" if health.is_degraded else "operational"
