"""The finding that plan E is about, what was decided of it, whether there is anything to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import TypeAdapter, ValidationError

from drcore.errors import Unknown, WrongParameter
from drcore.plans.e import ssvc, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.sweep_versions import frozen_before, frozen_key
from drcore.services import s3, securitydesk
from drcore.services.securitydesk import SecurityFinding

READ_ONLY, MAINTENANCE, TRACK = "read-only", "maintenance", "track"
MODES = (READ_ONLY, MAINTENANCE)
APP = "app"
_FINDING = TypeAdapter(SecurityFinding)
_CLOSED: WeakKeyDictionary[ERun, SecurityFinding] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Severity:
    """SSVC's level (empty: its decision points are not all known, `unclear` says which), CVSS beside it."""

    level: str
    vector: str
    cvss: str
    unclear: str = ""


def open_findings(run: ERun) -> tuple[SecurityFinding, ...]:
    """The findings of the security desk that are open, oldest first. Raises Rejected, Unknown."""
    desk = run.facts.desk
    return securitydesk.findings(run.http, desk.url, run.secret(desk.api_key) if desk.api_key else None)


def open_finding(run: ERun) -> SecurityFinding | None:
    """The finding that was named, else the newest open one; None where none is open. Raises Rejected, Unknown.

    One that was named may be closed already: by a run of this plan that died before all tokens were invalidated.
    """
    listed, named = open_findings(run), run.incident.finding
    if not named:
        return listed[-1] if listed else None
    known = next((each for each in listed if each.id == named), None) or _closed(run, named)
    if known is None:
        expected = ", ".join(each.id for each in listed) or "none: no finding is open"
        raise WrongParameter(
            "finding", f"expected one of {expected}, or one of which an earlier run froze evidence, seen {named!r}"
        )
    return known


def is_taken_up_again(run: ERun) -> bool:
    """Whether the finding that was named is closed at the desk, and what is left of it is done. Raises as above."""
    return bool(run.incident.finding) and run.incident.finding not in {each.id for each in open_findings(run)}


def for_evidence(finding: SecurityFinding | None) -> Any:
    """A finding as it is frozen, from which a later run can take it up."""
    return finding and _FINDING.dump_python(finding, mode="json")


def _closed(run: ERun, name: str) -> SecurityFinding | None:
    """A finding as the last run before this one froze it; None where none did. Raises Rejected, Unknown."""
    where = run.service.runner_region
    for earlier in reversed(frozen_before(run)) if run not in _CLOSED else ():
        key = frozen_key(earlier)
        held = s3.document(run.aws, where, run.service.evidence.buckets[where], key)
        finding = held.get("finding") if isinstance(held, dict) else None
        if isinstance(finding, dict) and finding.get("id") == name:
            try:
                _CLOSED[run] = _FINDING.validate_python(finding)
            except ValidationError as error:
                raise Unknown(f"{key}: expected the whole of finding {name}, seen {finding}") from error
            break
    return _CLOSED.get(run)


def decided_finding(run: ERun) -> SecurityFinding | None:
    """The finding that was decided on, as it was then: once it is mended the desk does not show it any more."""
    act = run.history.act(titles.DECIDE)
    finding = act.first["before"]["finding"] if act else None
    return _FINDING.validate_python(finding) if finding else None


def the_finding(run: ERun) -> SecurityFinding | None:
    """The finding of this run: decided on, or to be. Raises Rejected, Unknown."""
    return decided_finding(run) or open_finding(run)


def severity(finding: SecurityFinding) -> Severity:
    """How bad a finding is. What cannot be told is said, and left to a person."""
    points = (finding.exploitation, finding.automatable, finding.technical_impact, finding.mission)
    unclear, level, cvss = [], "", ""
    try:
        level = ssvc.level(*points)
    except Unknown as error:
        unclear.append(str(error))
    try:
        number, word = ssvc.score(finding.cvss)
        cvss = f"{number:g} {word}, {finding.cvss}"
    except Unknown as error:
        unclear.append(str(error))
    return Severity(level, ssvc.vector(*points), cvss, "; ".join(unclear))


def advice(run: ERun, finding: SecurityFinding) -> tuple[str, str]:
    """The answer that is recommended with why; both empty where the severity cannot be told."""
    weighed = severity(finding)
    if not weighed.level:
        return "", ""
    if weighed.level not in run.facts.contain_from:
        return TRACK, f"SSVC says {weighed.level}"
    answer = MAINTENANCE if finding.exploitation == "active" else READ_ONLY
    how = "it is exploited already" if answer == MAINTENANCE else "no exploitation is known"
    return answer, f"SSVC says {weighed.level}, and {how}"


def decided_mode(run: ERun) -> str:
    """The mode that was decided on; where that is only rehearsed, the one that is recommended."""
    chosen = run.decided(titles.DECIDE).choice
    if chosen:
        return chosen if chosen in MODES else ""
    finding = open_finding(run) if run.rehearsing else None
    answer = advice(run, finding)[0] if finding else ""
    return answer if answer in MODES else ""


def nothing_to_do(run: ERun) -> str:
    """Why there is nothing to contain, mend or invalidate, in words; empty where there is. Raises Rejected, Unknown."""
    chosen = run.decided(titles.DECIDE).choice
    if chosen == TRACK:
        return "decided: track the finding, contain nothing"
    if chosen or decided_mode(run):
        return ""
    return "a finding is open that needs no containment" if open_finding(run) else "no finding is open"


def in_the_app(run: ERun) -> bool:
    """Whether the hole is in the mobile app: no release of the backend mends it."""
    finding = the_finding(run)
    return finding is not None and finding.where == APP
