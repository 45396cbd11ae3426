"""SyncWell's security desk: the findings that were reported to it, with how each is told from its absence.

`GET /security/v1/findings` gives those that are open, newest last; `GET /syncwell/REGION/v1/exposure/ID` is the check
that belongs to a finding: whether the service of a region still shows it. No token is in any answer.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.serving import served

BACKEND, APP = "backend", "app"


@dataclass(slots=True)
class ReportedFinding:
    """One finding: where the hole is, which release mends it, how bad it is by the words of SSVC and CVSS."""

    id: str
    title: str
    reported: datetime
    began: datetime
    where: str = BACKEND
    fixed_in: str = ""
    ssvc: dict[str, str] = field(default_factory=dict)
    cvss: str = ""
    exploited: bool = False
    mended: datetime | None = None
    """When it is gone without this backend's doing: nobody uses an app any more that has it, an update took it away."""

    def document(self) -> dict[str, Any]:
        """As the desk shows it."""
        return {
            "id": self.id,
            "title": self.title,
            "reported_at": precise(self.reported),
            "exposed_since": precise(self.began),
            "where": self.where,
            "fixed_in": self.fixed_in,
            "ssvc": self.ssvc,
            "cvss": self.cvss,
            "known_exploited": self.exploited,
        }


class SecurityDesk:
    """The findings of this world, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.findings: list[ReportedFinding] = []

    def open(self) -> list[ReportedFinding]:
        """Those that some region still shows."""
        return [each for each in self.findings if any(self.shows(each, region) for region in self._world.regions)]

    def shows(self, finding: ReportedFinding, region: str) -> bool:
        """Whether a region still has the hole: as long as other code than that which mends it answers there."""
        if finding.where == APP or finding.mended is not None:
            return finding.mended is None or self._world.clock.now() < finding.mended
        rows = [row for row in served(self._world, region) if row.function in names.API_FUNCTIONS]
        return any(row.code.release != finding.fixed_in for row in rows)


@http_route("GET", "/security/v1/findings")
def findings(call: HttpCall) -> JsonReply:
    """200 `{"findings": […]}`: those that are open. 401 without the desk's key (`Authorization: Bearer KEY`)."""
    if call.bearer != names.SECURITY_DESK_KEY:
        return JsonReply(401, {"error": "a valid key is wanted"})
    return JsonReply(200, {"findings": [each.document() for each in call.world.state(SecurityDesk).open()]})


@http_route("GET", "/syncwell/<region>/v1/exposure/<finding>")
def exposure(call: HttpCall) -> JsonReply:
    """200 `{"finding", "exposed"}`, 404 for a finding that nobody has reported."""
    desk = call.world.state(SecurityDesk)
    known = next((each for each in desk.findings if each.id == call.args["finding"]), None)
    if known is None or call.region not in call.world.regions:
        return JsonReply(404, {"message": "no such finding, or region"})
    return JsonReply(200, {"finding": known.id, "exposed": desk.shows(known, call.region)})
