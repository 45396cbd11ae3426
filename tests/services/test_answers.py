"""An answer has the shape that we know, or is Unknown, with what was expected and what was seen."""

from __future__ import annotations

from typing import Literal

import pytest

from drcore.errors import Unknown
from drcore.services.answers import VendorAnswer, understood


class Inner(VendorAnswer):
    day_number: int


class Outer(VendorAnswer):
    state: Literal["ON", "OFF"]
    inner: tuple[Inner, ...] = ()


def test_what_we_know_should_be_read_and_the_rest_passed_over() -> None:
    found = understood({"state": "ON", "inner": [{"dayNumber": 3, "new": 1}], "newField": {}}, Outer, "the answer")
    assert found == Outer(state="ON", inner=(Inner(day_number=3),))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "that: the answer: expected a valid dictionary or instance of Outer, seen None"),
        ({}, "that: state: expected a value, seen none"),
        ({"state": "HALF"}, "that: state: expected 'ON' or 'OFF', seen 'HALF'"),
        ({"state": "ON", "inner": [{}]}, "that: inner.0.dayNumber: expected a value, seen none"),
        ({"state": "ON", "inner": [{"dayNumber": "3"}]}, "that: inner.0.dayNumber: expected a valid integer, seen '3'"),
        ({"state": "ON", "inner": {"dayNumber": 3}}, "that: inner: expected a valid tuple, seen {'day_number': 3}"),
    ],
)
def test_another_shape_should_be_unknown(document: object, message: str) -> None:
    with pytest.raises(Unknown) as unknown:
        understood(document, Outer, "that")
    assert str(unknown.value) == message


def test_what_was_seen_should_be_short_and_of_a_secret_not_shown() -> None:
    with pytest.raises(Unknown) as unknown:
        understood({"state": "x" * 500}, Outer, "that")
    assert len(str(unknown.value)) < 160
    with pytest.raises(Unknown, match=r"seen str$"):
        understood({"state": "secret"}, Outer, "that", secret=True)
