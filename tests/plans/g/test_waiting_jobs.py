"""The jobs that have waited: what is asked, what an unknown number does, when a redrive counts as made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drcore.engine.outcome import Answer, Target
from drcore.engine.outcome_word import OutcomeWord
from drcore.plans.g.facts import GRun
from drcore.plans.g.job_counts import RegionsJobs
from drcore.plans.g.p09_waiting_jobs import JobsChoice, answers, is_to_be_decided
from drcore.plans.g.p12_redrive_jobs import Redriven, is_redriven
from drcore.services.sqs import LastRedrive

EAST, NINE = Target("us-east-1"), datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NONE = RegionsJobs("us-east-1", 0, 1.0, 0, 0, None, 0, 0)
SOME = RegionsJobs("us-west-2", 180, 900.0, 4, 3, NINE, 2, 45)
HOLDING = {"hold-and-redrive", "hold-and-keep", "hold-all-and-keep"}
DARK = RegionsJobs("us-west-2", 180, None, 4, None, None, None, None, "logs: no answer")


def choice(*jobs: RegionsJobs, barred: str = "", halt: str = "2026-01-05T09:02:00.000Z") -> JobsChoice:
    return JobsChoice(jobs, "2026-01-05T08:48:00.000Z", barred, halt=halt)


def test_the_numbers_should_stand_beside_each_other_and_in_the_phrases(begun: GRun) -> None:
    offered = {each.answer: each for each in answers(begun, choice(NONE, SOME))}
    assert offered["hold-and-redrive"].phrase == "HOLD 3 OLD JOBS, REDRIVE 4 FAILED JOBS"
    assert offered["hold-and-redrive"].numbers["old jobs that change data"] == 0
    assert offered["run-and-keep"].phrase == "RUN 3 OLD JOBS, KEEP 4 FAILED JOBS"
    assert offered["run-and-redrive"].numbers["of these failed as writes were denied"] == 2
    assert [each.answer for each in offered.values() if each.recommended] == ["run-and-redrive"], "nothing is switched"


def test_what_is_not_known_should_never_be_zero(begun: GRun) -> None:
    assert is_to_be_decided(begun, EAST, choice(NONE, DARK)) is None
    told = {each.answer: each for each in answers(begun, choice(NONE, DARK))}["run-and-redrive"]
    assert told.phrase == "RUN AN UNKNOWN NUMBER OF OLD JOBS, REDRIVE 4 FAILED JOBS"
    assert told.numbers["old jobs that change data"] is None
    found = is_to_be_decided(begun, EAST, choice(NONE))
    assert found is not None
    assert found.answer is Answer.YES


def test_old_jobs_should_not_be_held_where_there_is_no_flag(begun: GRun) -> None:
    offered = answers(begun, choice(SOME, barred="no flag jobs_not_before in jobs_not_before"))
    assert {each.answer for each in offered if each.barred} == HOLDING


def test_all_jobs_from_before_the_halt_should_be_held_where_it_is_known(begun: GRun) -> None:
    """One that was made after the recovery point may know corrupted settings."""
    offered = {each.answer: each for each in answers(begun, choice(NONE, SOME))}
    assert offered["hold-all-and-keep"].phrase == "HOLD ALL 45 JOBS FROM BEFORE THE HALT, KEEP 4 FAILED JOBS"
    between = "jobs between recovery point and halt that change data"
    assert [offered[each].numbers[between] for each in ("hold-and-redrive", "hold-all-and-keep")] == [42, 0]
    assert offered["hold-all-and-keep"].barred == ""
    unknown = {each.answer: each for each in answers(begun, choice(SOME, halt=""))}
    assert [name for name, each in unknown.items() if each.barred] == ["hold-all-and-keep"]


@pytest.mark.parametrize(
    ("dead", "last", "answer", "word"),
    [
        (0, LastRedrive(), Answer.YES, OutcomeWord.NOT_NEEDED),
        (2, LastRedrive(), Answer.NO, None),
        (2, LastRedrive("COMPLETED", 9, 9, "", NINE), Answer.NO, None),
        (0, LastRedrive("RUNNING", 1, 9, "", NINE), Answer.NO, None),
    ],
)
def test_a_redrive_of_somebody_else_should_not_count(
    begun: GRun, dead: int, last: LastRedrive, answer: Answer, word: OutcomeWord | None
) -> None:
    check = is_redriven(begun, EAST, Redriven(last.status == "RUNNING", dead, "", last))
    assert (check.answer, check.word) == (answer, word)
