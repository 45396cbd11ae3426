"""Who cannot see a chart is told its range, its limits and its moments."""

from __future__ import annotations

from dataclasses import replace

from drcore.record.evidence import Chart, Limit, Series
from drcore.show.alt_text import alt, summary
from tests.support import show_samples as sample


def test_the_alt_text_should_tell_range_limit_and_moments() -> None:
    told = alt(sample.chart())
    assert told.startswith("Errors went above the threshold with the canary")
    assert "us-east-1, syncwell-api: 0.05" in told
    assert "above alarm above 1 % from 09:01:00, last at 09:12:00" in told
    assert "3 of 31 not measured" in told
    assert "fault at 09:00:30." in told
    times = tuple(sample.minute(number) for number in range(4))
    rising = Chart("c", "Lag", "s", (Series("lag", times, (1.0, 5.0, None, 6.0)),), (Limit("target", 2),))
    assert "above target since 09:01:00" in alt(rising)
    assert alt(replace(rising, alt="in my words")) == "in my words"


def test_a_summary_should_be_a_title_with_one_line() -> None:
    assert len(summary(sample.chart()).splitlines()) == 2
    assert summary(sample.chart()).splitlines()[0] == sample.chart().title
