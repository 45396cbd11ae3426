"""Bars of what is gone of a whole: drawn to one scale, said in words, without secrets."""

from __future__ import annotations

from matplotlib.patches import Rectangle

from drcore import show
from drcore.record.evidence import Bars, Portion
from drcore.show.alt_text import alt
from drcore.show.charts import redacted

CLOCKS = Bars(
    "clocks",
    "Clocks: the authority is due in 24.0 h",
    "hours",
    (
        Portion("to the authority", 48, 72, "24.0 h left"),
        Portion("late", 30, 24, "OVERDUE"),
        Portion("final", None, 336, "waits"),
    ),
)


def test_a_bar_should_be_as_long_as_its_whole_and_dark_as_far_as_it_is_gone() -> None:
    (axes,) = show.figure(CLOCKS).axes
    widths = [patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle)]
    assert widths == [72, 48, 24, 24, 336], "what is over is dark from end to end; what has not begun has nothing dark"
    assert {text.get_text() for text in axes.texts} == {"24.0 h left", "OVERDUE", "waits"}


def test_its_words_should_be_those_of_the_picture() -> None:
    assert alt(CLOCKS).startswith("Clocks: the authority is due in 24.0 h. hours. to the authority 48 gone of 72, 24.0")
    assert "final not begun of 336, waits." in alt(CLOCKS)
    assert show.in_words(CLOCKS).splitlines()[0] == CLOCKS.title
    assert CLOCKS.table().rows[2] == ("final", None, 336, "waits")


def test_a_secret_should_be_in_none_of_its_texts() -> None:
    clean = redacted(CLOCKS, lambda text: text.replace("e", "*"))
    assert "e" not in clean.title + clean.bars[0].label + clean.bars[0].note
