"""A line is drawn where something was measured, a gap stays a gap, and each line has its label."""

from __future__ import annotations

from typing import Any

from drcore import show
from drcore.record.evidence import Chart, Series
from drcore.show.alt_text import alt
from tests.support import show_samples as sample


def measured(chart: Chart) -> list[list[float]]:
    """The values of each line drawn from measurements in the first panel: no limits, moments, labels."""
    lines = [line for line in show.figure(chart).axes[0].lines if line.get_clip_on() and line.get_marker() == "o"]
    points: list[Any] = [line.get_xydata() for line in lines]
    return [[float(value) for _, value in each] for each in points]


def test_a_gap_should_never_be_joined() -> None:
    times = tuple(sample.minute(number) for number in range(6))
    chart = Chart("c", "Lag", "s", (Series("lag", times, (1.0, 2.0, None, None, 3.0, 4.0)),))
    assert measured(chart) == [[1, 2], [3, 4]]


def test_a_lone_value_should_be_seen() -> None:
    times = tuple(sample.minute(number) for number in range(100))
    values: list[float | None] = [None] * 100
    values[41] = 3.0
    assert measured(Chart("c", "Lag", "s", (Series("lag", times, tuple(values)),))) == [[3]]


def test_a_series_without_a_value_should_say_so_and_not_be_zero() -> None:
    chart = Chart("c", "Lag", "s", (Series("lag", (sample.minute(0), sample.minute(5)), (None, None)),))
    assert measured(chart) == []
    assert {"lag: no data", "no data"} <= {text.get_text() for text in show.figure(chart).axes[0].texts}
    assert "no measurements" in alt(chart)
