"""The timeline of a run draws the numbers of its table."""

from __future__ import annotations

import pytest
from matplotlib.patches import Rectangle

from drcore import show
from tests.support import show_samples as sample


def test_the_timeline_should_hold_the_same_numbers_as_its_table() -> None:
    shown = show.timeline(sample.results(), sample.moments())
    rows = shown.table().rows
    assert [row[0] for row in rows] == ["step"] * 4 + ["moment"] * 5
    assert rows[1][6:] == (4, 240, 8)
    widths = [patch.get_width() * 86400 for patch in show.figure(shown).axes[0].patches if isinstance(patch, Rectangle)]
    drawn = [seconds for bar in shown.bars for seconds in (bar.human, bar.machine, bar.cloud) if seconds]
    assert widths == pytest.approx(drawn, abs=1e-3)
