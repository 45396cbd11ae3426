"""What must be true of a user's item, and how an item that breaks it is described."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.plans.g import invariants
from drcore.plans.g.facts import GRun
from drcore.plans.g.invariants import Defect, Sample

GOOD: dict[str, Any] = {
    "pk": {"S": "USER#00042"},
    "sk": {"S": "sync"},
    "Owner": {"S": "00042"},
    "Enabled": {"BOOL": False},
    "Sources": {"SS": ["garmin"]},
    "PreferredSource": {"S": "garmin"},
    "Schedule": {"M": {"Every": {"N": "15"}}},
    "Priority": {"L": [{"S": "garmin"}]},
    "Revision": {"N": "1"},
    "UpdatedAt": {"S": "2026-01-05T08:00:00.000Z"},
    "Writers": {"L": [{"S": "api/2026.01.1"}, {"S": "worker/2026.01.2"}]},
}


def test_an_item_as_it_must_be_should_break_nothing(begun: GRun) -> None:
    assert list(invariants.broken(begun, GOOD)) == []


@pytest.mark.parametrize(
    ("attribute", "value", "what"),
    [
        ("Owner", {"S": "00043"}, "Owner is 00043"),
        ("Owner", None, "Owner is missing"),
        ("Enabled", {"S": "yes"}, "Enabled is S, not BOOL"),
        ("PreferredSource", {"S": ""}, "PreferredSource is empty"),
        ("Priority", {"L": []}, "Priority is empty"),
        ("Revision", None, "Revision is missing"),
    ],
)
def test_what_is_wrong_should_be_named(begun: GRun, attribute: str, value: Any, what: str) -> None:
    item = {name: each for name, each in {**GOOD, attribute: value}.items() if each is not None}
    assert list(invariants.broken(begun, item)) == [what]


@pytest.mark.parametrize(
    ("writer", "last"),
    [({"L": [{"S": "api/1"}, {"S": "worker/2"}]}, "worker/2"), ({"L": []}, ""), ({"S": "api/1"}, "api/1")],
)
def test_the_last_writer_should_be_what_the_item_says(begun: GRun, writer: Any, last: str) -> None:
    assert invariants.last_writer(begun, {**GOOD, "Writers": writer}) == last


def test_only_users_configurations_should_count(begun: GRun) -> None:
    assert invariants.is_user(begun, GOOD)
    assert not invariants.is_user(begun, {**GOOD, "sk": {"S": "session"}})
    assert not invariants.is_user(begun, {**GOOD, "pk": {"S": "CANARY#us-east-1"}})


def test_a_sample_should_say_what_it_means_for_all_users() -> None:
    sample = Sample(600, (Defect("00042", "Owner is 00043"),), 0.004, 0.925, 5000)
    assert sample.of_all_users == (0, 47)
    assert (
        str(sample)
        == "1 of 600 users have items that break an invariant: 0.0 % to 0.9 % of all users (95 % confidence)"
    )
    assert "fewer than" in str(Sample(600, (), 0.0, 0.498, 5000))
    assert str(Sample(0, (), 0.0, 100.0, 0)) == "no user's item was found"
