"""A small table in two states, and what a comparison says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drcore.diff import ExportSource, Policy, Report, compare
from drcore.diff.keys import KeySchema
from tests.support import exports

POINT = datetime(2026, 1, 5, 9, tzinfo=UTC)
BEFORE, AFTER = "2026-01-04T10:00:00.000000Z", "2026-01-05T10:00:00.000000Z"
GOOD, BAD = "api/2026.01.1", "worker/2026.01.2"
POLICY = Policy(POINT, (BAD,), "UpdatedAt", "Writers")
PK = KeySchema(("pk",))
Item = dict[str, Any]


def item(number: int, **more: Any) -> Item:
    return {
        "pk": {"S": f"USER#{number}"},
        "Owner": {"S": str(number)},
        "Sources": {"SS": ["apple", "garmin"]},
        "UpdatedAt": {"S": BEFORE},
        "Writers": writers(GOOD),
    } | more


def writers(*names: str) -> Item:
    return {"L": [{"S": name} for name in names]}


def compared(
    folder: Path, restored: list[Item], live: list[Item], policy: Policy = POLICY, key: KeySchema = PK, **options: Any
) -> Report:
    a, b = exports.full(folder / "a", restored, per_file=3), exports.full(folder / "b", live, per_file=3)
    return compare(ExportSource(a, key=key), ExportSource(b), policy, out=folder / "out", **options)


def found(report: Report) -> dict[str, tuple[str, str]]:
    told = {next(iter(each.key.values()))["S"]: (str(each.kind), each.reason) for each in report.differences()}
    assert len(told) == report.differs
    return told


OTHER = {"Owner": {"S": "somebody else"}}
