"""The security desk: the findings that are open, each with its severity as SSVC has it, with CVSS beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from drcore.calls.http import Http
from drcore.errors import Unknown


@dataclass(frozen=True, slots=True)
class SecurityFinding:
    """One finding. `where` is the backend or the app, `fixed_in` the release that mends it (empty: none is known).

    The decision points of SSVC (`exploitation`, `automatable`, `technical_impact`, `mission`) and the vector of CVSS
    are as the desk has them; an empty one is not known.
    """

    id: str
    title: str = field(compare=False)
    reported: datetime = field(compare=False)
    exposed_since: datetime = field(compare=False)
    where: str
    fixed_in: str
    exploitation: str
    automatable: str
    technical_impact: str
    mission: str
    cvss: str
    known_exploited: bool


class _Ssvc(BaseModel):
    exploitation: str = ""
    automatable: str = ""
    technical_impact: str = ""
    mission: str = ""


class _Finding(BaseModel):
    """What is read of a finding; the rest may be as it likes."""

    id: str
    title: str
    reported_at: AwareDatetime
    exposed_since: AwareDatetime
    where: str
    fixed_in: str = ""
    ssvc: _Ssvc = _Ssvc()
    cvss: str = ""
    known_exploited: bool = False


_FINDINGS = TypeAdapter(list[_Finding])


def findings(http: Http, url: str, key: str | None = None) -> tuple[SecurityFinding, ...]:
    """The open findings, oldest first. Raises Rejected, Unknown."""
    answer: Any = http.ask("GET", f"{url}/findings", authorization=f"Bearer {key}" if key else None)
    try:
        rows = _FINDINGS.validate_python(answer["findings"])
    except (ValidationError, TypeError) as error:
        raise Unknown(f"GET {url}/findings: expected findings, seen {str(answer)[:200]}: {error}") from error
    read = [
        SecurityFinding(
            each.id,
            each.title,
            each.reported_at,
            each.exposed_since,
            each.where,
            each.fixed_in,
            each.ssvc.exploitation,
            each.ssvc.automatable,
            each.ssvc.technical_impact,
            each.ssvc.mission,
            each.cvss,
            each.known_exploited,
        )
        for each in rows
    ]
    return tuple(sorted(read, key=lambda finding: (finding.reported, finding.id)))
