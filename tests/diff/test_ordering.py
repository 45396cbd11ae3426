"""Names in order: equal items have one text; what cannot be put in order is left to those who say what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcore.diff import ExportSource, Policy, compare
from drcore.diff.ordering import FAILS, Ordered, in_order, ordering
from drcore.errors import BadInput
from tests.support import exports
from tests.support.diff_cases import PK

ONE = '{"Item":{"pk":{"S":"é"},"a":{"M":{"b":{"N":"1"},"c":{"S":"x"}}}}}\n'.encode()
TURNED = '{"Item":{"a":{"M":{"b":{"N":"1"},"c":{"S":"x"}}},"pk":{"S":"é"}}}\n'.encode()
TURNED_INSIDE = '{"Item":{"a":{"M":{"c":{"S":"x"},"b":{"N":"1"}}},"pk":{"S":"é"}}}\n'.encode()
DEPTHS = (Ordered.ATTRIBUTES, Ordered.THROUGHOUT)


@pytest.mark.parametrize("depth", DEPTHS)
def test_another_order_of_attributes_should_make_no_other_text(depth: Ordered) -> None:
    text = in_order(depth)
    assert text(ONE) == text(TURNED) != ONE


def test_names_in_maps_should_be_put_in_order_only_throughout() -> None:
    attributes, throughout = map(in_order, DEPTHS)
    assert attributes(ONE) != attributes(TURNED_INSIDE)
    assert throughout(ONE) == throughout(TURNED_INSIDE)


@pytest.mark.parametrize("depth", DEPTHS)
def test_attributes_that_are_asked_for_should_be_there_as_they_are(depth: Ordered) -> None:
    assert ordering(depth, ("pk",))(ONE)[0]["pk"] == {"S": "é"}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    "line",
    [
        b"no JSON",
        b"[]",
        b"{}",
        b'{"Item":{"pk":{"S":"a"}}',
        b'{"Item":{"pk":{"S":"a"},"b":{"S":tru}}}',
        b'{"Item":{"pk":{"S":"a"},"b":{"S":"\x01"}}}',
        b'{"Item":{"pk":{"S":"a"},"b":{"S":"\\ud800"}}}',
        b'{"Item":{"pk":{"S":"a"},"b":{"S":"\xff"}}}',
        b'{"Item":{"pk":{"S":"a"},"b":' + b"[" * 5000 + b"]" * 5000 + b"}}",
    ],
    ids=range(9),
)
def test_what_is_no_item_should_be_left_as_it_is(depth: Ordered, line: bytes) -> None:
    assert in_order(depth)(line) == line
    with pytest.raises(FAILS):
        ordering(depth, ("pk",))(line)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_value_that_is_not_parsed_for_its_row_should_be_refused_where_it_differs(jobs: int, tmp_path: Path) -> None:
    def line(number: int, side: str) -> bytes:
        value = b"1e999" if number == 59 else b'"1"'
        parts = [b'"pk":{"S":"%d"}' % number, b'"a":{"N":%b}' % value, b'"b":{"S":"%b"}' % side.encode()]
        return b'{"Item":{%b}}' % b",".join(parts if side == "a" else parts[::-1])

    a, b = (exports.write(tmp_path / side, [line(number, side) for number in range(60)]) for side in "ab")
    with pytest.raises(
        BadInput, match=r"json\.gz: line 60 beside .*json\.gz: line 60: expected one JSON object.*1e999"
    ):
        compare(ExportSource(a, key=PK), ExportSource(b), Policy(), out=tmp_path / "out", jobs=jobs)
