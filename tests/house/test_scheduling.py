"""Tests that share what takes long to make run in one process, the longest first."""

from __future__ import annotations

import pytest

from drcore.engine.prepare import HOME
from tests.support.scheduling import NAMED, place_of, unit_of

FAMILY = "tests/plans/family/test_"


@pytest.mark.parametrize(
    ("test", "unit"),
    [
        ("tests/calls/test_aws.py::test_a[a-f]", "tests/calls/test_aws.py"),
        (FAMILY + "kills.py::test_a[g-between two steps]", FAMILY + "kills.py g"),
        (FAMILY + "consents.py::test_a[another phrase-f]", FAMILY + "consents.py f"),
        (FAMILY + "faults.py::test_a[PutObject-it is throttled twice]", FAMILY + "faults.py"),
        (FAMILY + "rehearsals.py::test_a[a-region-outage]", FAMILY + "drills.py a"),
        (FAMILY + "drills.py::test_a[a]", FAMILY + "drills.py a"),
    ],
)
def test_of_a_file_over_all_plans_each_plan_is_a_unit(test: str, unit: str) -> None:
    assert unit_of(test) == unit


def test_the_longest_stand_first() -> None:
    files = ["tests/test_clock.py::test_a", FAMILY + "refusals.py::test_a[a]", FAMILY + "kills.py::test_a[g]"]
    assert sorted(files, key=place_of) == files[::-1]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_is_named_should_be_there(name: str) -> None:
    """A test that was given another name would silently be another kind of test."""
    path, _, test = name.partition("::")
    text = (HOME / path).read_text()
    assert not test or f"def {test}(" in text
