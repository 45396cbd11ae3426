"""Whether two sides belong together: the same table, spans of time that meet. Asked before anything is counted.

Two full states may be of any two tables, as a restored table has a name of its own. An incremental export knows only
what was touched in its span, so it says something of no table but its own, and of no moment outside that span.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from drcore.clock import iso
from drcore.diff.policy import Policy
from drcore.diff.source import Opened, Provenance, Role
from drcore.errors import BadInput

_CLOSE = timedelta(minutes=1)  # between the recovery point as a person names it and the moment of an export


def check(sides: Mapping[Role, Opened], policy: Policy) -> list[str]:
    """What is to be said about the two sides. Raises BadInput where no answer can be known."""
    restored, live = sides[Role.RESTORED], sides[Role.LIVE]
    remarks = []
    if restored.partial or live.partial:
        _same_table(restored, live)
        remarks += _spans_meet(restored, live)
    remarks += _of_the_recovery_point(restored, live, policy)
    return remarks


def _same_table(restored: Opened, live: Opened) -> None:
    one, other = restored.origin, live.origin
    same = _named(one) == _named(other) != ("", "")
    if same and one.table == other.table and one.table_id and other.table_id:
        same = one.table_id == other.table_id  # a table may be deleted and made anew under its name
    if not same:
        raise BadInput(
            f"{restored.name} and {live.name}: an incremental export says nothing of another table: expected the same "
            f"table on both sides, seen {_shown(one)} and {_shown(other)}"
        )


def _named(origin: Provenance) -> tuple[str, str]:
    """Account and name: the replicas of a global table are one table."""
    parts = origin.table.split(":")
    return (parts[4], parts[5].removeprefix("table/")) if len(parts) == 6 else ("", "")


def _shown(origin: Provenance) -> str:
    return f"{origin.table or 'none'} ({origin.table_id})" if origin.table_id else origin.table or "none"


def _spans_meet(restored: Opened, live: Opened) -> list[str]:
    one, other = restored.origin, live.origin
    if restored.partial and live.partial:
        assert one.since and one.until and other.since and other.until
        if one.until < other.since or other.until < one.since:
            raise _gap(f"{_span(restored)}, {_span(live)}: expected spans that meet")
        return []
    window, whole = (restored, live) if restored.partial else (live, restored)
    since, until, at = window.origin.since, window.origin.until, whole.origin.at
    assert since and until
    if whole.origin.live:
        if whole is restored:
            return []  # a restored table says of no moment what it is the state of
        return [f"{_span(window)}: what was written to {whole.name} after that, and not in it, counts as unchanged"]
    if at is None:
        raise BadInput(f"{whole.name}: expected an exportTime, as {_span(window)} is compared with it, seen none")
    if not since <= at <= until:
        raise _gap(f"{_span(window)}: expected the full export to be of a moment in it, seen {iso(at)} of {whole.name}")
    return []


def _span(side: Opened) -> str:
    since, until = side.origin.since, side.origin.until
    assert since and until
    return f"{side.name} is of {iso(since)} to {iso(until)}"


def _gap(text: str) -> BadInput:
    return BadInput(f"{text}; what happened in between is in neither")


def _of_the_recovery_point(restored: Opened, live: Opened, policy: Policy) -> list[str]:
    """The good state of the same table must be that of the recovery point; a restored table is exported later."""
    point = policy.recovery_point
    one, other = restored.origin, live.origin
    at = one.since if restored.partial else one.at
    if point is None or at is None or abs(at - point) <= _CLOSE or (one.table and one.table != other.table):
        return []
    two = f"is of {iso(at)}, not of the recovery point {iso(point)}"
    return [f"the good state, {restored.name}, {two}: what was changed between the two is judged wrongly"]
