"""The card of a step under way: what it does, how many are good, since when, until when, what is left of the RTO."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drcore import show
from drcore.clock import Waiting
from drcore.engine.outcome import Target
from drcore.engine.progress import Phase, StepProgress
from tests.support.engine_world import Things, mend

BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = BEGAN + timedelta(minutes=2)
EAST, WEST = Target("us-east-1"), Target("us-west-2")
STEP = mend(Things(), title="Verify")
LOOKED: dict[str, Any] = {"whys": {EAST: "0.1 % errors", WEST: "3 % errors"}, "good": frozenset({EAST})}


def told(how: StepProgress, clock: str = "") -> str:
    phases = [("looking", BEGAN), *([(how.phase.value, NOW)] if how.phase is not Phase.LOOKING else [])]
    html, text = show.progress(STEP, how, NOW, phases, clock)
    for part in ("Verify", how.phase.value.upper()):
        assert part in html
    return " ".join(text.split())


@pytest.mark.parametrize("phase", Phase)
def test_it_should_say_what_it_does(phase: Phase) -> None:
    assert told(StepProgress(phase)).startswith(f"… {phase.value.upper()} Verify")


def test_a_wait_should_show_the_last_look_how_many_are_good_and_until_when() -> None:
    text = told(StepProgress(Phase.WAITING, waiting=Waiting(None, 480, 300), **LOOKED), "RTO 8 min of 20 min, 12 left")
    assert "as expected 1 of 2" in text
    assert "waits until 09:10:00, 8 min more" in text
    assert "✔ in us-east-1 0.1 % errors … in us-west-2 3 % errors" in text
    assert "RTO 8 min of 20 min, 12 left" in text


def test_what_holds_should_show_since_when_and_when_it_is_believed() -> None:
    since = BEGAN + timedelta(minutes=1)
    text = told(StepProgress(Phase.WAITING, waiting=Waiting(since, 0, 240), **LOOKED))
    assert "holds since 09:01:00, to be believed at 09:06:00" in text


def test_many_targets_should_be_counted_not_listed() -> None:
    many = {Target("us-east-1", f"thing {number}"): "bad" for number in range(30)}
    text = told(StepProgress(Phase.WAITING, whys=many, waiting=Waiting(None, 60, 0)))
    assert "as expected 0 of 30" in text and "and 18 more" in text and "thing 20" not in text


def test_what_stays_should_be_when_it_did_what() -> None:
    html, text = show.passed(STEP, [("looking", BEGAN), ("waiting", NOW)], NOW + timedelta(seconds=30))
    assert text == "Verify: looking 09:00:00 → waiting 09:02:00, over 09:02:30"
    assert text in html


@pytest.mark.parametrize(
    ("used", "rto", "said"),
    [
        (480, 1200, "RTO 8 min of 20 min, 12 min left"),
        (1260, 1200, "RTO 21 min of 20 min, 1 min over"),
        (None, 1200, ""),
        (480, None, ""),
    ],
)
def test_the_clock_should_say_what_is_left(used: Any, rto: Any, said: str) -> None:
    assert show.rto_clock(used, rto) == said
