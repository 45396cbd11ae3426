"""Two items are equal iff DynamoDB would say so."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcore.diff import Change, changes, equal
from drcore.diff.items import number, plain
from drcore.diff.keys import key_bytes
from drcore.errors import BadInput
from tests.support import plain_diff

EQUAL = {
    "members of SS in another order": ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
    "members of NS in another order and form": ({"NS": ["1", "20"]}, {"NS": ["2E1", "1.0"]}),
    "members of BS in another order": ({"BS": ["AAE=", "/w=="]}, {"BS": ["/w==", "AAE="]}),
    "attributes of M in another order": (
        {"M": {"a": {"S": "x"}, "b": {"N": "1"}}},
        {"M": {"b": {"N": "1"}, "a": {"S": "x"}}},
    ),
    "1.0 is 1": ({"N": "1.0"}, {"N": "1"}),
    "1E0 is 1": ({"N": "1E0"}, {"N": "1"}),
    "5E+1 is 50": ({"N": "5E+1"}, {"N": "50"}),
    "-0 is 0": ({"N": "-0"}, {"N": "0.0"}),
    "38 digits": ({"N": "1234567890123456789012345678901234567.80"}, {"N": "1234567890123456789012345678901234567.8"}),
    "bytes are what base64 says": ({"B": base64.b64encode(b"\x00\xff").decode()}, {"B": b"\x00\xff"}),
}
DIFFERENT = {
    "L is ordered": ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}),
    "a list is no set": ({"L": [{"S": "a"}]}, {"SS": ["a"]}),
    "S 1 is not N 1": ({"S": "1"}, {"N": "1"}),
    "S is not B": ({"S": "AAE="}, {"B": "AAE="}),
    "NULL is not empty": ({"NULL": True}, {"S": ""}),
    "BOOL is not N": ({"BOOL": True}, {"N": "1"}),
    "true is not false": ({"BOOL": True}, {"BOOL": False}),
    "the 29th digit counts": ({"N": "1234567890123456789012345678.1"}, {"N": "1234567890123456789012345678.2"}),
    "the 38th digit counts": (
        {"N": "12345678901234567890123456789012345678"},
        {"N": "12345678901234567890123456789012345679"},
    ),
    "what a float cannot tell apart": ({"N": "0.1"}, {"N": "0.1000000000000000000001"}),
    "SS is not NS": ({"SS": ["1"]}, {"NS": ["1"]}),
    "an empty map is not an empty list": ({"M": {}}, {"L": []}),
    "case counts": ({"S": "a"}, {"S": "A"}),
    "composed and decomposed letters": ({"S": "\u00e9"}, {"S": "e\u0301"}),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_what_dynamodb_calls_equal_should_be_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert equal({"a": one}, {"a": other})
    assert equal({"a": {"L": [one]}}, {"a": {"L": [other]}})
    assert changes({"a": one}, {"a": other}) == ()


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_dynamodb_calls_different_should_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not equal({"a": one}, {"a": other})
    assert not equal({"a": {"M": {"x": one}}}, {"a": {"M": {"x": other}}})
    assert changes({"a": one}, {"a": other}) != ()


def test_missing_should_be_neither_null_nor_empty() -> None:
    assert not equal({}, {"a": {"NULL": True}})
    assert not equal({"a": {"S": ""}}, {})
    assert not equal({"a": {"S": "x"}}, {"b": {"S": "x"}})


@pytest.mark.parametrize(
    "value",
    [
        {"N": "one"},
        {"N": "NaN"},
        {"N": "Infinity"},
        {"N": "1E999999999"},
        {"B": "no base64!"},
        {"S": 1},
        {"X": "?"},
        {},
        "x",
    ],
)
def test_what_is_no_dynamodb_value_should_be_refused_and_not_be_different(value: Any) -> None:
    with pytest.raises(BadInput, match="expected"):
        equal({"a": value}, {"a": {"N": "1"}})


def test_a_plain_number_should_have_one_form_and_all_its_digits() -> None:
    assert [plain(number(text)) for text in ("50", "5E+1", "5.0E1")] == ["50"] * 3
    assert plain(number("-0.0")) == "0"
    digits = "12345678901234567890.123456789012345678"
    assert plain(number(digits)) == digits


# ── whatever chance finds ────────────────────────────────────────────────────────────────────────────────────────────

texts = st.text('aA1\u00e9\u0301 "\\/\U0001f6b2', max_size=4) | st.sampled_from(["", "1", "a", "pk"])
numbers = st.sampled_from(["0", "1", "50", "-7.25"]) | st.decimals(
    min_value=Decimal("-1e30"), max_value=Decimal("1e30"), allow_nan=False, allow_infinity=False
).map(lambda value: format(value.normalize(), "f")[:39])
binaries = st.binary(max_size=4)
scalars = st.one_of(
    texts.map(lambda text: {"S": text}),
    numbers.map(lambda text: {"N": text}),
    binaries.map(lambda data: {"B": base64.b64encode(data).decode()}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.lists(texts, min_size=1, max_size=3, unique=True).map(lambda members: {"SS": members}),
    st.lists(numbers, min_size=1, max_size=3, unique_by=Decimal).map(lambda members: {"NS": members}),
    st.lists(binaries, min_size=1, max_size=3, unique=True).map(
        lambda members: {"BS": [base64.b64encode(member).decode() for member in members]}
    ),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda members: {"L": members})
        | st.dictionaries(texts, inner, max_size=3).map(lambda members: {"M": members})
    ),
    max_leaves=6,
)
items = st.dictionaries(st.sampled_from(["pk", "a", "b", "c"]), values, max_size=4)


def respelled(value: Mapping[str, Any], draw: Any) -> dict[str, Any]:
    """The same value as DynamoDB sees it, written in another way."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return {"N": draw(st.sampled_from(spellings(content)))}
        case "NS":
            return {"NS": [draw(st.sampled_from(spellings(each))) for each in draw(st.permutations(content))]}
        case "SS" | "BS":
            return {kind: draw(st.permutations(content))}
        case "L":
            return {"L": [respelled(each, draw) for each in content]}
        case "M":
            return {"M": {name: respelled(content[name], draw) for name in draw(st.permutations(list(content)))}}
    return dict(value)


def spellings(text: str) -> list[str]:
    value = Decimal(text)
    pointed = text if "." in text else f"{text}."
    return [text, f"{pointed}0", f"{value:E}", f"{text}E0"]


@given(items, st.data())
def test_an_item_written_in_another_way_should_be_equal(item: dict[str, Any], data: st.DataObject) -> None:
    other = {name: respelled(item[name], data.draw) for name in data.draw(st.permutations(list(item)))}
    assert equal(item, other)
    assert changes(item, other) == ()
    assert equal(item, json.loads(json.dumps(other)))


@given(items, items)
def test_any_two_items_should_be_equal_iff_the_plain_comparison_says_so(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert equal(one, other) == equal(other, one) == plain_diff.same_item(one, other)
    assert equal(one, other) == (changes(one, other) == ())


@given(items, st.data())
def test_an_item_with_one_value_exchanged_should_differ_iff_the_value_does(
    item: dict[str, Any], data: st.DataObject
) -> None:
    name, value = data.draw(st.sampled_from(["pk", "a", "z"])), data.draw(values)
    other = item | {name: value}
    assert equal(item, other) == (name in item and plain_diff.same(item[name], value))


@given(
    st.lists(
        st.one_of(texts.map(lambda text: {"S": text}), numbers.map(lambda text: {"N": text})), min_size=2, max_size=2
    )
)
def test_keys_should_have_the_same_bytes_iff_they_are_equal(parts: list[dict[str, Any]]) -> None:
    one, other = ({"pk": part} for part in parts)
    assert (key_bytes(one) == key_bytes(other)) == plain_diff.same_item(one, other)


def test_the_parts_of_a_key_should_not_run_into_each_other() -> None:
    assert key_bytes({"a": {"S": "xy"}, "b": {"S": "z"}}) != key_bytes({"a": {"S": "x"}, "b": {"S": "yz"}})


# ── what a person reads ──────────────────────────────────────────────────────────────────────────────────────────────


def test_changes_should_be_flat_and_readable() -> None:
    before: dict[str, dict[str, Any]] = {
        "Enabled": {"BOOL": True},
        "Schedule": {"M": {"Every": {"N": "15"}, "Days": {"L": [{"S": "mon"}, {"S": "tue"}]}}},
        "Sources": {"SS": ["garmin", "apple"]},
        "Gone": {"S": "x"},
        "Kind": {"S": "1"},
    }
    after: dict[str, dict[str, Any]] = {
        "Enabled": {"BOOL": False},
        "Schedule": {"M": {"Every": {"N": "15.0"}, "Days": {"L": [{"S": "mon"}, {"S": "wed"}, {"S": "thu"}]}}},
        "Sources": {"SS": ["apple"]},
        "Kind": {"N": "1"},
        "New": {"M": {"a": {"B": "/w=="}, "b": {"NULL": True}}},
    }
    assert changes(before, after) == (
        Change("Enabled", "true", "false"),
        Change("Schedule.Days[1]", "tue", "wed"),
        Change("Schedule.Days[2]", None, "thu"),
        Change("Sources", "{apple, garmin}", "{apple}"),
        Change("Gone", "x", None),
        Change("Kind", "S 1", "N 1"),
        Change("New", None, "{a: 0xff, b: null}"),
    )
