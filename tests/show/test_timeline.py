"""The timeline of a run draws the numbers of its table."""

from __future__ import annotations

import pytest
from matplotlib.patches import Rectangle

from drcore import show
from tests.support import show_samples as sample


def test_the_timeline_should_hold_the_same_numbers_as_its_table() -> None:
    shown = show.timeline(sample.turns(), sample.dated())
    rows = shown.table().rows
    assert [row[0] for row in rows] == ["step"] * 5 + ["moment"] * 5
    assert rows[1][6:] == (4, 240, 8)
    axes = show.figure(shown).axes[0]
    drawn = [seconds for row in shown.rows for bar in row for seconds in (bar.human, bar.machine, bar.cloud) if seconds]
    patches = [patch.get_width() * 86400 for patch in axes.patches if isinstance(patch, Rectangle)]
    bounds = [(each.at - each.earliest).total_seconds() for each in shown.moments if each.earliest]
    assert patches == pytest.approx([*drawn, *bounds], abs=1e-3)
    assert len(bounds) == 1, "a moment between two looks is an interval"


def test_a_step_that_was_carried_out_again_should_have_one_row_with_all_of_its_time() -> None:
    shown = show.timeline(sample.turns(), sample.dated())
    (first, *_) = shown.rows
    assert len(shown.rows) == 4
    assert len(first) == 2
    texts = [text.get_text() for text in show.figure(shown).axes[0].texts]
    assert any(text.endswith("in 2 goes") for text in texts)
