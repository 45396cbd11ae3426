"""What each remedy costs, and which one the numbers propose."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drcore.diff import Class
from drcore.plans.g import remedies
from drcore.plans.g.comparison import Compared, Count
from drcore.plans.g.facts import GRun, Remedy

POINT = datetime(2026, 1, 5, 8, 48, tzinfo=UTC)


def compared(**items: int) -> Compared:
    """A comparison with so many items of each class; two of the bad ones cannot be written under a condition."""
    counts = tuple(Count(kind, items.get(kind.value, 0), items.get(kind.value, 0)) for kind in Class)
    bad = sum(items.get(kind.value, 0) for kind in (Class.CORRUPTED, Class.DELETED, Class.CONFLICT))
    return Compared(POINT, counts, bad, items.get("conflict", 0) + 2, 0)


COMPARED = compared(unchanged=900, corrupted=30, deleted=10, conflict=5, legit=50, added=5)


def test_a_repair_should_lose_nothing_and_leave_what_a_person_decides(begun: GRun) -> None:
    repair, _ = remedies.costs(begun, COMPARED)
    assert (repair.remedy, repair.lost, repair.by_person, repair.items) == (Remedy.REPAIR, 0, 7, 38)


def test_a_switch_should_lose_every_change_since_the_recovery_point(begun: GRun) -> None:
    _, switch = remedies.costs(begun, COMPARED)
    assert (switch.remedy, switch.lost, switch.by_person, switch.items) == (Remedy.SWITCH, 60, 0, 0)


@pytest.mark.parametrize(("corrupted", "proposed"), [(50, Remedy.REPAIR), (51, Remedy.SWITCH)])
def test_repair_should_be_proposed_up_to_the_share_of_the_parameters(
    begun: GRun, corrupted: int, proposed: Remedy
) -> None:
    assert begun.facts.repair_percent == 5
    assert remedies.proposed(begun, compared(unchanged=1000 - corrupted, corrupted=corrupted)) is proposed
