"""A table in which no user's item is found proves nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from drcore.engine.outcome import Answer, Target
from drcore.parameters import Mode
from drcore.plans.g import p09_sign_off, p13_close
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.facts import GRun
from drcore.plans.g.headcount import Headcount
from drcore.plans.g.invariants import Sample
from drcore.plans.g.p09_sign_off import SignOff
from drcore.plans.g.p13_close import UsersServed
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes

NOBODY = Sample(0, (), 0, 100, 0)
SOME = replace(NOBODY, size=300, high_percent=1, users=300)
QUIET = Complaints(0, 0, 0, 0, 0, 2000, 0.1)
EAST = Target("us-east-1")
NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
GOOD = GoodMinutes(NINE, NINE, None, NINE)


def test_users_should_not_be_well_where_none_was_found(begun: GRun) -> None:
    check = p13_close.users_are_well(begun, EAST, UsersServed(QUIET, NOBODY, Headcount(), GOOD, GoodLooks()))
    assert check.answer is Answer.UNKNOWN
    assert "no user's item was found" in check.why


def test_nobody_should_be_asked_to_sign_for_a_table_without_users(begun: GRun) -> None:
    begun.rehearsing = False
    try:
        seen = SignOff("SyncWellMetadata", (("us-east-1", SOME), ("us-west-2", NOBODY)))
        check = p09_sign_off.is_to_be_signed(begun, EAST, seen)
    finally:
        begun.rehearsing = begun.mode is Mode.REHEARSE
    assert check.answer is Answer.UNKNOWN
    assert "no user's item was found in us-west-2" in check.why
