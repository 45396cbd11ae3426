"""A minute is judged when it is whole; one that changes after that is noticed, and makes what was read unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.engine.context import Run
from drcore.engine.metric_minutes import ONE
from drcore.engine.outcome import Between
from drcore.engine.verdict import Objective
from drcore.errors import Unknown
from drcore.parameters import Mode
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric
from tests.support.stage import Stage, staged

F = plans.find("f")
REGION = "us-east-1"
COUNT = Metric("AWS/ApiGateway", "Count", "Sum", (("ApiName", "syncwell"), ("Stage", "prod")))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def begun(stage: Stage, **service: object) -> Run[Any]:
    return stage.open(stage.prepare(F, Mode.REHEARSE, service=service)).run


def look_often(stage: Stage, run: Run[Any]) -> None:
    """As a step does that waits."""
    for _ in range(40):
        run.metrics.read(REGION, [COUNT], run.metrics.last(1)[0])
        stage.sleep(37)


def test_a_window_should_end_as_long_ago_as_the_environment_says(stage: Stage) -> None:
    run = begun(stage, metric_delay_s=200)
    stage.sleep(30)
    since, until = run.metrics.last(5)
    now = run.clock.now()
    assert until <= now - timedelta(seconds=200) < until + ONE
    assert since == until - 5 * ONE
    assert run.metrics.until_now(5)[1] == now.replace(second=0, microsecond=0)


def test_a_minute_that_is_not_whole_should_not_be_read(stage: Stage) -> None:
    run = begun(stage)
    read = run.metrics.read(REGION, [COUNT], run.clock.now() - 10 * ONE, run.clock.now())[0]
    assert read.times[-1] == run.metrics.until - ONE
    newest = cloudwatch.minutes(run.aws, REGION, [COUNT], run.clock.now() - 10 * ONE, run.clock.now())[0]
    assert newest.times[-1] > read.times[-1], "there is something newer, which is not whole"


def test_what_was_judged_should_stay_as_it_is_where_metrics_are_in_time(stage: Stage) -> None:
    run = begun(stage)
    look_often(stage, run)


@pytest.mark.parametrize(("delay", "least", "most"), [(0, 60, 180), (60, 60, 180), (180, 240, 600)])
def test_a_minute_that_changes_after_it_was_judged_should_make_it_unknown(
    stage: Stage, delay: float, least: float, most: float
) -> None:
    """Whatever was read is then no evidence, and the message says how late metrics are."""
    run = begun(stage, metric_delay_s=delay)
    stage.fault("lateness", least=least, most=most)
    said = (
        rf"later here than metric_delay_s = {delay}: AWS/ApiGateway Count of \d\d:\d\d in {REGION} was .*, \d+ s after"
    )
    with pytest.raises(Unknown, match=said):
        look_often(stage, run)


@pytest.mark.parametrize(
    ("measured", "least", "met"), [(300, 180, True), (300.5, 180, False), (100, None, True), (None, None, False)]
)
def test_a_target_should_be_met_by_the_most_that_it_may_have_been(
    measured: float | None, least: float | None, met: bool
) -> None:
    objective = Objective(300, measured, least)
    assert objective.met is met
    told = objective.as_data() or {}
    assert told["measured_s"] == measured
    assert told.get("least_s") == least


def test_a_moment_that_is_known_within_bounds_should_be_so_after_a_restart(stage: Stage) -> None:
    run = begun(stage)
    early, late = datetime(2026, 1, 5, 9, 1, tzinfo=UTC), datetime(2026, 1, 5, 9, 3, tzinfo=UTC)
    run.settle_moment("healthy", Between(early, late))
    assert (run.earliest["healthy"], run.moments["healthy"]) == (early, late)
    assert (run.history.earliest()["healthy"], run.history.moments()["healthy"]) == (early, late)
