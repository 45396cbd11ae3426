"""A decision by a person: asked for once, found again by its record, never taken where it must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.gate import Writes, WriteStopped
from drcore.engine.consent import Choice
from drcore.engine.context import Run
from drcore.engine.outcome import EVERYWHERE, Answer, Check, Outcome, StepName, Target, no, yes
from drcore.engine.step import Step
from drcore.parameters import Mode
from drcore.plans.shared.decision import choices, choices_table, decision, taken
from drcore.record.events import Kind
from drcore.record.evidence import Table
from tests.support.engine_world import open_run, plan_of

DECIDE = StepName("decide", "Decide", "T.1")
(ALL,) = EVERYWHERE
Opened = Callable[..., tuple[Run[Any], Step[Any, Any]]]


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a test decides."""

    unsafe: bool
    choice: str
    by: str
    reason: str


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """A run, the first time or again, with a decision of its own."""
    runs: list[Run[Any]] = []

    def open_(*, mode: Mode = Mode.DRILL, unsafe: bool = False) -> tuple[Run[Any], Step[Any, Any]]:
        def look(run: Run[Any], target: Target) -> Proposed:
            return Proposed(unsafe, *taken(run, DECIDE))

        def expect(run: Run[Any], target: Target, seen: Proposed) -> Check:
            return no("to decide: go back")

        step = decision(
            DECIDE,
            changes="records who decided",
            look=look,
            expect=expect,
            choice=lambda run, seen: "go back",
            phrase=lambda run, states: "GO BACK",
            needs=(),
            forbidden=lambda run, seen: "the schema has changed" if seen.unsafe else "",
        )
        runs.append(open_run(tmp_path / "t-1", plan_of(step), mode=mode).run)
        return runs[-1], step

    yield open_
    for run in runs:
        run.record.close()


def checked(run: Run[Any], step: Step[Any, Any]) -> Check:
    return step.expect(run, ALL, step.look(run, ALL))


def decide(run: Run[Any], step: Step[Any, Any], writes: Writes = Writes.ALLOWED) -> None:
    assert step.act
    run.record.append(Kind.CONSENT, step=DECIDE, by="Ada", reason="errors since the release")
    with run.calls.during(writes):
        step.act(run, ALL, step.look(run, ALL))


def test_the_check_of_the_plan_should_count_while_nothing_is_decided(opened: Opened) -> None:
    assert checked(*opened()) == no("to decide: go back")


def test_what_was_decided_should_be_found_with_its_reason_after_a_restart_too(opened: Opened) -> None:
    run, step = opened()
    decide(run, step)
    run.record.close()

    check = checked(*opened())

    assert check == Check(Answer.YES, "go back, by Ada: errors since the release")


def test_what_must_not_be_should_stay_so_whatever_was_decided(opened: Opened) -> None:
    run, step = opened()
    decide(run, step)
    run.record.close()

    assert checked(*opened(unsafe=True)) == Check(Answer.NEVER, "the schema has changed")


def test_a_rehearsal_should_decide_nothing(opened: Opened) -> None:
    run, step = opened(mode=Mode.REHEARSE)
    with pytest.raises(WriteStopped):
        decide(run, step, Writes.STOPPED)
    assert not run.history.has(Kind.DECISION)


# ── several answers ──────────────────────────────────────────────────────────────────────────────────────────────────

REPAIR = Choice("repair", "REPAIR 38 ITEMS", {"lost": 0, "minutes": 2}, recommended="few are affected")
SWITCH = Choice("switch", "SWITCH, LOSE 60 CHANGES", {"lost": 60, "minutes": 40})


def two_ways(*offered: Choice, **changes: Any) -> Step[Any, Any]:
    return choices(
        DECIDE,
        changes="records the remedy",
        look=undecided,
        answers=lambda run, seen: offered,
        needs=(),
        **changes,
    )


def undecided(run: Run[Any], target: Target) -> Proposed:
    return Proposed(False, *taken(run, DECIDE))


def test_a_rehearsal_should_name_the_answer_that_is_recommended(tmp_path: Path) -> None:
    step = two_ways(SWITCH, REPAIR)
    run = open_run(tmp_path / "t-1", plan_of(step))
    run.step(step)
    (result,) = run.results[step.key].targets
    assert result.outcome is Outcome.WOULD
    assert result.calls[0].parameters == {"step": "Decide", "choice": "repair"}
    run.record.close()


def test_a_question_that_needs_no_answer_should_not_be_asked(opened: Opened) -> None:
    run, _ = opened()
    assert checked(run, two_ways(SWITCH, REPAIR)) == no("switch or repair; repair is recommended: few are affected")
    assert checked(run, two_ways(SWITCH, expect=lambda run, target, seen: yes("nothing is wrong"))).answer is Answer.YES
    barred = Choice("repair", "REPAIR", barred="the table is gone")
    assert checked(run, two_ways(barred)) == Check(Answer.NEVER, "repair cannot be taken: the table is gone")


def test_answers_should_stand_beside_each_other_with_the_advice_in_words() -> None:
    shown = choices_table(DECIDE, (SWITCH, REPAIR))
    assert shown.title == "Decide: repair is recommended: few are affected"
    assert shown.columns == ("", "switch", "repair")
    assert shown.rows == (("lost", 60, 0), ("minutes", 40, 2), ("recommended", "", "yes"))
    assert ("cannot be taken now", "gone", "") in choices_table(DECIDE, (Choice("a", "A", barred="gone"), SWITCH)).rows


def test_the_answers_should_stand_right_above_the_question(opened: Opened) -> None:
    """What else is shown may be longer than a screen."""
    run, _ = opened()
    step = two_ways(SWITCH, REPAIR, shows=lambda run, states: [Table("accounts", "Accounts", ("user",), ())])
    assert step.shows
    states = {ALL: undecided(run, ALL)}
    assert [each.name for each in step.shows(run, states)] == ["accounts", "decide-choices"]
