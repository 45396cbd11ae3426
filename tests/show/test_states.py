"""A card says what a state holds in the words of who reads it, all of it, and what has changed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drcore import show
from drcore.engine.labels import label
from drcore.engine.outcome import Outcome, Target, TargetResult
from drcore.show.states import Field, as_text, changed
from tests.support import show_samples as sample


@dataclass(frozen=True, slots=True)
class Load:
    requests: int
    error_percent: float = field(metadata=label("errors", unit="%"), default=0.5)


@dataclass(frozen=True, slots=True)
class Version:
    number: int

    def describe(self) -> str:
        return f"version {self.number}"


@dataclass(frozen=True, slots=True)
class Seen:
    alarms_raised: tuple[str, ...] = ()
    load: Load = field(metadata=label("API"), default=Load(10))
    percent: Mapping[str, int] = field(metadata=label("share of", unit="%"), default_factory=dict)
    versions: tuple[Version, ...] = ()
    inner: Load | None = field(metadata=label(""), default=None)


@dataclass(frozen=True, slots=True)
class Described:
    digest: str
    load: Load = Load(10)

    def describe(self) -> Mapping[str, object]:
        return {"as": "wanted", "of the API": self.load}


@dataclass(frozen=True, slots=True)
class Long:
    a: int = 1
    b: int = 2
    c: int = 3
    d: int = 4
    e: int = 5
    f: int = 6
    g: int = 7
    h: int = 8
    i: int = 9
    j: int = 10
    k: int = 11
    l: int = 12  # noqa: E741
    m: int = 13


def result(before: Any, after: Any) -> TargetResult:
    return TargetResult(Target(sample.EAST), Outcome.DONE, "", before, after)


def test_a_field_should_be_called_by_its_label_and_a_number_have_its_unit() -> None:
    seen = Seen(percent={sample.EAST: 20})
    (text,) = as_text(result(seen, seen))
    assert text.startswith(
        "      seen: alarms raised none, API requests 10, API errors 0.5 %, share of us-east-1 20 %, "
    )


def test_a_change_should_be_told_by_the_label() -> None:
    before, after = Seen(), Seen(load=Load(10, 9.0), inner=Load(1))
    assert as_text(result(before, after)) == [
        "      API errors: 0.5 % → 9 %",
        "      requests: none → 1",
        "      errors: none → 0.5 %",
    ]


def test_each_of_several_states_should_have_a_line_of_its_own() -> None:
    seen = Seen(versions=(Version(1), Version(2)))
    assert as_text(result(seen, seen))[1:] == ["      seen versions:", "        version 1", "        version 2"]
    html, _ = show.card(replace(sample.done(), targets=(result(seen, seen),)))
    assert html.count(">version 1</div>") == 1 == html.count(">version 2</div>")


def test_of_several_states_only_those_that_came_or_went_should_be_a_change() -> None:
    before, after = Seen(versions=(Version(1), Version(2))), Seen(versions=(Version(2), Version(3)))
    assert as_text(result(before, after)) == ["      versions:", "        - version 1", "        + version 3"]
    assert as_text(result(Seen(), before)) == ["      versions:", "        + version 1", "        + version 2"]


def test_more_states_than_a_card_has_room_for_should_be_counted() -> None:
    seen = Seen(versions=tuple(map(Version, range(30))))
    (*_, last) = as_text(result(seen, seen))
    assert last.strip() == "10 more"


def test_a_state_that_describes_itself_should_be_shown_as_it_says() -> None:
    seen = Described("8f2e")
    assert as_text(result(seen, seen)) == ["      seen: as wanted, of the API requests 10, of the API errors 0.5 %"]
    assert as_text(result(Version(1), Version(2))) == ["      version 1 → version 2"]
    assert changed(result(seen, Described("other")))[0] == "seen"


def test_no_field_should_be_left_to_the_journal() -> None:
    _, fields = changed(result(Long(), Long()))
    assert [field.name for field in fields] == list("abcdefghijklm")
    html, text = show.card(replace(sample.done(), targets=(result(Long(), Long()),)))
    assert "3 more</summary>" in html
    assert all(f"{name} {number}" in text for number, name in enumerate("abcdefghijklm", start=1))
    assert "journal" not in html + text


def test_two_fields_of_one_label_should_both_be_shown() -> None:
    @dataclass(frozen=True)
    class Twice:
        one: int = field(metadata=label("number"), default=1)
        two: int = field(metadata=label("number"), default=2)

    assert changed(result(Twice(), Twice(1, 3)))[1] == (Field("number (1)", ("2",), ("3",)),)


def test_only_fields_that_differ_should_be_shown_of_a_change() -> None:
    heading, fields = changed(sample.done().targets[0])
    assert heading == "changed"
    assert [(field.name, field.before, field.after) for field in fields] == [
        ("version", ("42",), ("41",)),
        ("weights", ("43 0.1",), ("none",)),
    ]
    _, text = show.card(sample.done())
    assert "version: 42 → 41" in text
    assert "revision" not in text  # it does not count: compare=False


def test_values_that_differ_only_after_the_cut_should_still_be_told_apart() -> None:
    old, new = ("x" * 500 + end for end in "ab")
    result = TargetResult(Target(), Outcome.DONE, "", sample.Alias(old), sample.Alias(new))
    _, (field,) = changed(result)
    assert field.before != field.after


def test_a_state_that_did_not_change_should_be_shown_as_seen() -> None:
    heading, fields = changed(sample.looked().targets[0])
    assert heading == "seen"
    assert [field.before for field in fields] == [None] * 3
