"""What happened, in a word: one table, from which cards, terminal, page, archive and JSON take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore import show
from drcore.engine import loop
from drcore.engine.outcome import GOOD, Check, Outcome, no, not_this_way
from drcore.engine.outcome_word import OutcomeWord, Tone, word_in
from drcore.engine.step import Step
from drcore.errors import Rejected
from drcore.parameters import Mode
from drcore.record.events import Kind
from drcore.run import undo
from drcore.run.recall import recalled
from drcore.show.html import sheet
from tests.support.engine_world import REGIONS, Nothing, Opened, Seen, Things, mend, plan_of

GOOD_THINGS = dict.fromkeys(REGIONS, "good")


def looks_only(things: Things, **changes: Any) -> Step[Nothing, Seen]:
    return mend(things, act=None, undo=None, **changes)


def says(check: Check) -> Callable[..., Check]:
    return lambda run, target, seen: check


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_should_be_a_word_too_for_records_of_before_there_were_words(outcome: Outcome) -> None:
    assert word_in({"outcome": outcome.value}) is OutcomeWord[outcome.name]


def test_a_word_that_nobody_knows_should_not_look_healthy() -> None:
    assert word_in({"outcome": "DONE", "word": "SPLENDID"}) is OutcomeWord.UNKNOWN


def test_every_tone_should_have_its_look_on_cards() -> None:
    styles = sheet()
    assert [f".dr-{tone.css} {{" in styles and f".dr-w-{tone.css} {{" in styles for tone in Tone] == [True] * len(Tone)


def test_no_word_for_what_went_well_should_look_bad_and_none_for_what_did_not_should_look_good() -> None:
    bad = (OutcomeWord.FAILED, OutcomeWord.UNKNOWN, OutcomeWord.NOT_TOLD, OutcomeWord.NOT_UNDONE, OutcomeWord.NOT_ENDED)
    assert {word.tone for word in bad} <= {Tone.BAD, Tone.OPEN}
    assert {OutcomeWord[outcome.name].tone for outcome in GOOD} <= {Tone.GOOD, Tone.IDLE, Tone.WOULD}


@pytest.mark.parametrize(
    ("step", "values", "mode", "word"),
    [
        (mend, GOOD_THINGS, Mode.DRILL, OutcomeWord.NOT_NEEDED),
        (mend, {}, Mode.DRILL, OutcomeWord.DONE),
        (mend, {}, Mode.REHEARSE, OutcomeWord.WOULD),
        (looks_only, GOOD_THINGS, Mode.DRILL, OutcomeWord.PASSED),
        (lambda things: looks_only(things, gate=False), GOOD_THINGS, Mode.DRILL, OutcomeWord.FOUND),
        (lambda things: looks_only(things, gate=False), {}, Mode.DRILL, OutcomeWord.NOT_FOUND),
        (looks_only, {}, Mode.DRILL, OutcomeWord.FAILED),
        (lambda things: mend(things, expect=says(not_this_way("other"))), {}, Mode.DRILL, OutcomeWord.NOT_THIS_WAY),
        (lambda things: mend(things, targets=lambda run: []), {}, Mode.DRILL, OutcomeWord.NOT_NEEDED),
        (lambda things: mend(things, expect=says(no("never")), only_tells=True), {}, Mode.DRILL, OutcomeWord.NOT_TOLD),
    ],
)
def test_a_step_should_say_what_happened(
    opened: Opened, step: Callable[[Things], Step[Nothing, Seen]], values: dict[str, str], mode: Mode, word: OutcomeWord
) -> None:
    things = Things({**dict.fromkeys(REGIONS, "bad"), **values})
    made = step(things)
    run = opened(made, mode=mode)
    result = loop.run_step(run.run, made)
    assert result.word is word
    html, text = show.card(result)
    assert text.startswith(f"{word.sign} {word}  ") and word.meaning in html
    assert {line["word"] for line in run.record.events if line["event"] == Kind.RESULT and line["key"] == made.key} <= {
        word
    }


def test_what_only_comes_after_a_rehearsed_step_should_be_not_due_yet(opened: Opened) -> None:
    first = mend(Things())
    then = looks_only(Things(), title="Then", needs=(first.name,))
    run = opened(first, then, mode=Mode.REHEARSE)
    for step in (first, then):
        run.step(step)
    assert run.results["then"].outcome is Outcome.SKIPPED and run.results["then"].word is OutcomeWord.NOT_YET


def test_a_word_should_come_back_from_the_journal_after_a_restart(opened: Opened) -> None:
    step = mend(Things(), expect=says(not_this_way("the other one was decided")))
    run = opened(step, mode=Mode.DRILL)
    run.step(step)
    assert recalled(run.run, plan_of(step))["mend"].word is OutcomeWord.NOT_THIS_WAY


def test_what_is_taken_back_should_be_undone_and_what_cannot_be_not_undone(opened: Opened) -> None:
    things = Things()
    run = opened(step := mend(things))
    run.step(step)
    (_, west, before), (_, east, _) = undo.acts(plan_of(step), run.run)
    assert undo.undo(run.run, step, west, before).word is OutcomeWord.UNDONE
    things.troubles = [Rejected("no", "AccessDenied")] * 3
    assert undo.undo(run.run, step, east, before).word is OutcomeWord.NOT_UNDONE
