"""How bad a vulnerability is: CISA's decision by SSVC, the score of CVSS 4.0 beside it.

The table is that of CISA's coordinator (SSVC, decision table 2.0.3). It is written down here: CERT/CC's library wants
a newer Python than this tool.
"""

from __future__ import annotations

from drcore.errors import Unknown

LEVELS = ("track", "track*", "attend", "act")
POINTS = {
    "exploitation": ("none", "public poc", "active"),
    "automatable": ("no", "yes"),
    "technical impact": ("partial", "total"),
    "mission & well-being": ("low", "medium", "high"),
}
# By exploitation, automatable, technical impact: the level for low, medium, high impact on mission and well-being.
_TABLE = {
    ("none", "no", "partial"): "track track track",
    ("none", "no", "total"): "track track track*",
    ("none", "yes", "partial"): "track track attend",
    ("none", "yes", "total"): "track track attend",
    ("public poc", "no", "partial"): "track track track*",
    ("public poc", "no", "total"): "track track* attend",
    ("public poc", "yes", "partial"): "track track attend",
    ("public poc", "yes", "total"): "track track* attend",
    ("active", "no", "partial"): "track track attend",
    ("active", "no", "total"): "track attend act",
    ("active", "yes", "partial"): "attend attend act",
    ("active", "yes", "total"): "attend act act",
}
_LETTERS = {"none": "N", "public poc": "P", "active": "A", "no": "N", "yes": "Y", "partial": "P", "total": "T"}
_MISSION = {"low": "L", "medium": "M", "high": "H"}


def level(exploitation: str, automatable: str, technical_impact: str, mission: str) -> str:
    """`track`, `track*`, `attend` or `act`. Raises Unknown for a value that no decision point has."""
    given = (exploitation, automatable, technical_impact, mission)
    for (point, known), value in zip(POINTS.items(), given, strict=True):
        if value not in known:
            raise Unknown(f"SSVC: {point}: expected one of {', '.join(known)}, seen {value!r}")
    row = _TABLE[exploitation, automatable, technical_impact]
    return row.split()[POINTS["mission & well-being"].index(mission)]


def vector(exploitation: str, automatable: str, technical_impact: str, mission: str) -> str:
    """The decision points in one line: `SSVCv2/E:A/A:Y/T:T/M:H`."""
    first = "/".join(
        f"{name}:{_LETTERS.get(value, '?')}"
        for name, value in (("E", exploitation), ("A", automatable), ("T", technical_impact))
    )
    return f"SSVCv2/{first}/M:{_MISSION.get(mission, '?')}"


def score(cvss: str) -> tuple[float, str]:
    """The score of a CVSS 4.0 vector with its word (Low, Medium, High, Critical). Raises Unknown where it is none."""
    from cvss import CVSS4  # a command that weighs no finding starts without it
    from cvss.exceptions import CVSS4Error

    try:
        scored = CVSS4(cvss)
    except CVSS4Error as error:
        raise Unknown(f"CVSS: expected a vector of version 4.0, seen {cvss!r}: {error}") from error
    return float(scored.base_score), str(scored.severity)
