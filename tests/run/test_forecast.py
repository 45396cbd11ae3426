"""A long wait says whether the RTO will be kept, by how long each step took in the last drill."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drcore.clock import iso
from drcore.engine.progress import Phase, StepProgress
from drcore.parameters import Mode
from drcore.plans import f
from drcore.record.events import Event
from drcore.record.history import History
from drcore.run.forecast import Forecast, durations, forecast
from drcore.run.screen import Screen
from tests.support import show_samples as sample
from tests.support.stage import client, lines, staged

F = f.PLAN
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
    found = forecast(PLAN, FIRST, TOOK, sample.minute(-since), sample.minute(0), due)
    assert said in found.text
    assert found.missed == ("miss" in said)


def test_a_step_that_takes_longer_than_in_the_last_drill_should_add_nothing_of_its_own() -> None:
    late = forecast(PLAN, FIRST, TOOK, sample.minute(-50), sample.minute(0), sample.minute(40))
    assert f"well at {sample.minute(3 * (len(KEYS) - 1)):%H:%M}" in late.text


def test_without_a_drill_that_came_to_its_goal_nothing_should_be_foretold() -> None:
    for took in ({}, {FIRST.key: timedelta(minutes=1)}):
        assert forecast(PLAN, FIRST, took, sample.minute(0), sample.minute(0), sample.minute(40)) == Forecast()


def test_whoever_waits_without_a_screen_and_whoever_is_asked_should_be_told_that_the_rto_will_be_missed(
    tmp_path: Path,
) -> None:
    with staged(tmp_path) as stage:
        opened = stage.open(stage.prepare(F, Mode.REHEARSE))
        run, step = opened.run, f.LAMBDA
        region, begun = run.service.runner_region, datetime(2026, 1, 4, 9, tzinfo=UTC)
        drill = [
            {"event": kind, "key": each.key, "step": each.title, "time": iso(begun + timedelta(minutes=9 * n + m))}
            | ({"outcome": "DONE", "seconds": {}} if m else {})
            for n, each in enumerate(F.steps)
            for kind, m in (("step", 0), ("step-ended", 9))
        ]
        client(opened, "s3", region).put_object(
            Bucket=run.service.evidence.buckets[region],
            Key=f"records/f-drill-{begun:%Y%m%dT%H%M%SZ}-0001/journal.jsonl",
            Body="\n".join(map(json.dumps, drill)).encode(),
        )
        run.settle_moment("fault", run.clock.now() - timedelta(minutes=5))
        watch = Screen(run, F).watch(step)
        watch.tell(StepProgress(Phase.WAITING))
        watch.tell(StepProgress(Phase.WAITING))
        watch.tell(StepProgress(Phase.ASKING))
        told = [line["why"] for line in lines(opened, "forecast")]
        assert len(told) == 1, "once a step"
        assert told[0].startswith("as in the last drill it will miss the RTO at ")
        asked = [line["title"] for line in lines(opened, "file") if line["name"] == f"evidence/{step.key}-asked.csv"]
        assert "RTO 5 min of 20 min" in asked[0]
        assert told[0] in asked[0]


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
