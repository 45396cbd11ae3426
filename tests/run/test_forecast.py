"""A long wait says whether the RTO will be kept, by how long each step took in the last drill."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drcore.record.events import Event
from drcore.record.history import History
from drcore.run.forecast import durations, forecast
from tests.support import show_samples as sample

PLAN = sample.PLAN
KEYS = [step.key for step in PLAN.steps]
TOOK = {key: timedelta(minutes=3) for key in KEYS}
FIRST = PLAN.steps[0]


@pytest.mark.parametrize(
    ("minutes", "since", "said"),
    [
        (40, 0, f"as in the last drill users are well at {sample.minute(3 * len(KEYS)):%H:%M}"),
        (40, 2, "users are well at"),
        (4, 0, f"it will miss the RTO at {PLAN.steps[1].title}, by 2 min or more"),
        (2, 0, f"it will miss the RTO at {FIRST.title}, by 1 min or more"),
    ],
)
def test_it_should_say_when_users_are_well_or_at_which_step_the_rto_is_missed(
    minutes: float, since: float, said: str
) -> None:
    due = sample.minute(minutes)
    assert said in forecast(PLAN, FIRST, TOOK, sample.minute(-since), sample.minute(0), due)


def test_a_step_that_takes_longer_than_in_the_last_drill_should_add_nothing_of_its_own() -> None:
    late = forecast(PLAN, FIRST, TOOK, sample.minute(-50), sample.minute(0), sample.minute(40))
    assert f"well at {sample.minute(3 * (len(KEYS) - 1)):%H:%M}" in late


def test_without_a_drill_that_came_to_its_goal_nothing_should_be_foretold() -> None:
    for took in ({}, {FIRST.key: timedelta(minutes=1)}):
        assert forecast(PLAN, FIRST, took, sample.minute(0), sample.minute(0), sample.minute(40)) == ""


def test_the_goal_should_count_until_users_were_well() -> None:
    lines: list[Event] = [
        {"event": "step", "key": "goal", "step": "Goal", "time": "2026-01-05T09:00:00Z"},
        {"event": "moment", "name": "healthy", "at": "2026-01-05T09:04:00Z"},
        {
            "event": "step-ended", "key": "goal", "step": "Goal", "time": "2026-01-05T09:14:00Z",
            "outcome": "DONE", "seconds": {"machine": 0, "human": 0, "cloud": 840},
        },
    ]  # fmt: skip
    assert durations(History(lines)) == {"goal": timedelta(minutes=4)}
