"""The words of a verdict: recovered is not yet held, a missed goal has met nothing, without a fault it is no drill."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from drcore import show
from drcore.engine.outcome import Outcome, Seconds, StepResult, Target, TargetResult
from drcore.engine.verdict import Objective, Verdict, Word, judge
from drcore.errors import Exit
from drcore.parameters import Mode
from tests.support.engine_world import Things, mend

BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
GOAL, AFTER = mend(Things(), title="Users are well"), mend(Things(), title="Close")
DRILL = {"fault": BEGAN, "healthy": BEGAN + timedelta(minutes=5)}


def judged(
    goal: Outcome, after: Outcome, moments: Mapping[str, datetime], *, mode: Mode = Mode.DRILL, rto: float = 600
) -> Verdict:
    results = {
        step.key: StepResult(step.name, (TargetResult(Target(), outcome, "so"),), BEGAN, BEGAN, Seconds())
        for step, outcome in ((GOAL, goal), (AFTER, after))
    }
    found = dict(moments)
    return judge((GOAL, AFTER), results, GOAL, found, rto, Objective(None), earliest={}, mode=mode)


@pytest.mark.parametrize(
    ("goal", "after", "moments", "rto", "word", "end"),
    [
        (Outcome.DONE, Outcome.DONE, DRILL, 600, Word.REACHED, Exit.REACHED),
        (Outcome.DONE, Outcome.DONE, DRILL, 60, Word.TARGET_MISSED, Exit.MISSED),
        (Outcome.DONE, Outcome.FAILED, DRILL, 600, Word.NOT_HELD, Exit.MISSED),
        (Outcome.FAILED, Outcome.DONE, DRILL, 600, Word.MISSED, Exit.MISSED),
        (Outcome.DONE, Outcome.DONE, {}, 600, Word.NO_DRILL, Exit.MISSED),
    ],
)
def test_the_word_should_say_how_far_it_came(
    goal: Outcome, after: Outcome, moments: Mapping[str, datetime], rto: float, word: Word, end: Exit
) -> None:
    verdict = judged(goal, after, moments, rto=rto)
    assert (verdict.word, verdict.exit) == (word, end)


def test_without_a_fault_an_incident_is_one_all_the_same() -> None:
    assert judged(Outcome.DONE, Outcome.DONE, {}, mode=Mode.EXECUTE).word is Word.REACHED


@pytest.mark.parametrize(("goal", "met"), [(Outcome.DONE, True), (Outcome.FAILED, False)])
def test_a_goal_that_was_missed_should_have_met_nothing(goal: Outcome, met: bool) -> None:
    html, text = show.verdict(judged(goal, Outcome.DONE, DRILL))
    assert ("10 min: met" in text) == ("10 min: met" in html) == met


def test_the_verdict_should_say_how_long_users_had_suffered_before_the_fault() -> None:
    moments = DRILL | {"harm": BEGAN - timedelta(minutes=58)}
    verdict = judged(Outcome.DONE, Outcome.DONE, moments)
    assert verdict.rto.measured == 300
    (told,) = verdict.remarks
    assert "for 58 min before the fault of this drill, since 08:02:00" in told and "in all it is 63 min" in told
