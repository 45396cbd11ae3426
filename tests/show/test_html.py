"""What a person sees is escaped, the same each time, and looks the same wherever it is shown."""

from __future__ import annotations

import pytest

from drcore import show
from tests.support import show_samples as sample
from tests.support.show_cards import CARDS, tags


@pytest.mark.parametrize("name", CARDS)
def test_a_hostile_string_should_stay_text(name: str) -> None:
    html, text = CARDS[name]()
    elements = tags(html)
    assert {tag for tag, _ in elements}.isdisjoint({"script", "img"})
    assert {attribute for _, attributes in elements for attribute in attributes} <= {"class", "style"}
    assert "alert(" in html
    assert "alert(" in text


@pytest.mark.parametrize("name", CARDS)
def test_a_card_should_be_the_same_each_time(name: str) -> None:
    assert CARDS[name]() == CARDS[name]()
    assert " at 0x" not in "".join(CARDS[name]())


@pytest.mark.parametrize("name", CARDS)
def test_a_card_should_keep_its_look_on_the_page_of_a_record(name: str) -> None:
    sanitise = pytest.importorskip("drcore.headless.html_cleaner")
    html, _ = CARDS[name]()
    kept = sanitise.sanitised(html)
    assert [tag for tag, _ in tags(kept)] == [tag for tag, _ in tags(html)]
    for (_, before), (_, after) in zip(tags(html), tags(kept), strict=True):
        wanted, got = (
            {rule.split(":")[0].strip() for rule in (each.get("style") or "").split(";") if rule.strip()}
            for each in (before, after)
        )
        assert wanted == got


def test_every_colour_should_come_with_its_background_so_that_no_theme_hides_it() -> None:
    html, _ = show.card(sample.done())
    cells = [attributes["style"] or "" for tag, attributes in tags(html) if tag in ("td", "th", "pre", "table")]
    assert cells
    assert all("background" in style and " color:" in f" {style}" for style in cells)
