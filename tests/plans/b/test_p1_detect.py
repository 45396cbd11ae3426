"""How plan B notices, and how it tells chance from harm to the sync jobs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drcore import plans
from drcore.engine.outcome import Answer, Target
from drcore.parameters import Mode
from drcore.plans.b import p1_detect
from drcore.plans.b.health import AiSignals
from drcore.plans.b.p1_detect import Degradation
from drcore.run.runbook import Runbook
from tests.support.stage import Stage

EAST = Target("us-east-1")
SINCE = datetime(2026, 1, 5, 9, tzinfo=UTC)
QUIET = AiSignals((), 150, 0.3, 0.0, 100, 0.1, 120.0, 6000, 0.4)


@pytest.fixture
def run(stage: Stage) -> Runbook:
    return stage.open(stage.prepare(plans.find("b"), Mode.REHEARSE))


@pytest.mark.parametrize(
    ("signals", "answer", "why"),
    [
        (QUIET, Answer.NO, "no trouble"),
        (AiSignals((), 0, None, None, 0, None, None, 0, None), Answer.UNKNOWN, "no traffic is not the same"),
        (AiSignals((), 150, 0.3, 0.0, 100, 0.1, 120.0, 6000, 0.4, doubt="no alarm"), Answer.UNKNOWN, "no alarm"),
        (AiSignals((), 150, 12.0, 0.0, 0, None, None, 6000, 0.4), Answer.YES, "12.0 % of the conflicts resolved"),
        (AiSignals((), 150, 6.0, 6.0, 0, None, None, 6000, 0.4), Answer.YES, "met a timeout"),
        (AiSignals((), 150, 6.0, 0.0, 100, 7.0, 120.0, 6000, 0.4), Answer.YES, "of the endpoint's calls failed"),
        (AiSignals((), 150, 0.3, 0.0, 100, 0.1, 60_000.0, 6000, 0.4), Answer.YES, "p99 is 60,000 ms"),
        (AiSignals((), 9, 100.0, 100.0, 9, 100.0, 60_000.0, 6000, 0.4), Answer.UNKNOWN, "9 conflicts"),
        (AiSignals(("floor",), 0, None, None, 0, None, None, 0, None), Answer.YES, "alarm floor"),
    ],
)
def test_trouble_is_told_from_quiet_and_from_silence(
    run: Runbook, signals: AiSignals, answer: Answer, why: str
) -> None:
    check = p1_detect.trouble_is_seen(run.run, EAST, signals)
    assert (check.answer, why in check.why) == (answer, True), check.why


@pytest.mark.parametrize(
    ("failed_before", "jobs", "failed", "answer"),
    [
        (150, 6000, 30, Answer.YES),  # as before
        (150, 6000, 0, Answer.YES),
        (150, 6000, 150, Answer.NEVER),  # 2 % more
        (150, 60, 1, Answer.UNKNOWN),  # one of sixty may be chance
        (150, 400, 4, Answer.UNKNOWN),
    ],
)
def test_more_failures_are_harm_only_where_they_are_more_than_chance(
    run: Runbook, failed_before: int, jobs: int, failed: int, answer: Answer
) -> None:
    seen = Degradation(SINCE, 30_000, failed_before, jobs, failed, 150, 60)
    check = p1_detect.is_graceful(run.run, EAST, seen)
    assert check.answer is answer, check.why


def test_without_jobs_on_either_side_nothing_is_proved(run: Runbook) -> None:
    assert p1_detect.is_graceful(run.run, EAST, Degradation(SINCE, 0, 0, 10, 0, 1, 1)).answer is Answer.UNKNOWN
    assert p1_detect.is_graceful(run.run, EAST, Degradation(SINCE, 10, 0, 0, 0, 1, 1)).answer is Answer.UNKNOWN
    assert p1_detect.is_graceful(run.run, EAST, Degradation(None, 0, 0, 0, 0, 0, 0)).answer is Answer.YES
