"""Labels keep apart, and a moment far away stands at the edge."""

from __future__ import annotations

import pytest

from drcore.record.evidence import Mark
from drcore.show.canvas import apart, flags
from tests.support import show_samples as sample


def test_labels_should_keep_apart_and_stay_inside() -> None:
    places = apart([0.0, 0.05, 0.1, 2.0, 1.99], 0.17, 2.0)
    assert sorted(places) == pytest.approx([0.0, 0.17, 0.34, 1.83, 2.0])
    assert places == [*sorted(places[:3]), 2.0, pytest.approx(1.83)]


def test_a_far_away_moment_should_stand_at_the_edge() -> None:
    span = (sample.minute(0), sample.minute(10))
    placed, rows = flags(
        [Mark("fault", sample.minute(-90)), Mark("healthy", sample.minute(9), sample.minute(7))], span, 6.0, 1.0
    )
    assert [flag.text for flag in placed] == ["◂ fault 07:30", "healthy 09:07 to 09:09"]
    assert placed[1].first < placed[1].x, "what is known within bounds is an interval, not a point"
    assert placed[0].first == placed[0].x
    (yesterday,), _ = flags([Mark("fault", sample.minute(-900))], span, 6.0, 1.0)
    assert yesterday.text == "◂ fault 2026-01-04 18:00"
    assert rows == 1
