"""Durations read as people say them."""

from __future__ import annotations

import pytest

from drcore.show.wording import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.44, "0.4 s"),
        (59.6, "1 min"),
        (725, "12 min 5 s"),
        (3725, "1 h 2 min"),
        (-90, "-1 min 30 s"),
        (None, "unknown"),
    ],
)
def test_a_duration_should_read_as_people_say_it(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
