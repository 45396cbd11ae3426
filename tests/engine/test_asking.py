"""A person decides on what is seen: it is shown above the question, not after the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from drcore import show
from drcore.engine.consent import Choice, Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, StepName, Target
from drcore.engine.step import Step
from drcore.errors import Refused
from drcore.plans.shared.decision import choices, taken
from drcore.record.events import Kind
from drcore.record.evidence import Table
from drcore.run.runbook import Runbook
from tests.support.engine_world import Seen, Things, mend

Opened = Callable[..., Runbook]


def how_bad(run: Run[Any], states: Mapping[Target, Seen]) -> Iterator[Table]:
    yield Table("how-bad", "How bad it is", ("value",), tuple((state.value,) for state in states.values()))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of each card, in the order in which they appear."""
    cards: list[str] = []
    monkeypatch.setattr(show, "display", lambda html, text: cards.append(text))
    return cards


def test_what_was_seen_stands_above_the_question_and_the_outcome_below(opened: Opened, shown: list[str]) -> None:
    until_asked: list[str] = []

    def keyboard(prompt: str) -> str:
        until_asked.extend(shown)
        return "go"

    step = mend(Things(), consent=Consent.GO, shows=how_bad)
    run = opened(step, keyboard=keyboard, drill_policy=None)
    shown.clear()
    run.step(step)

    state, table = until_asked
    assert state.startswith("Mend: seen now, before it asks")
    assert "in us-east-1  value  bad" in state and "in us-west-2  value  bad" in state
    assert table.startswith("How bad it is") and "good" not in table
    assert "DONE" in shown[2] and "good" in shown[3], "and after the answer what became of it"
    assert run.results[step.key].outcome is Outcome.DONE
    assert "in us-east-1,value,bad" in (run.folder / "evidence" / "mend-asked.csv").read_text()


def test_a_no_leaves_what_it_was_said_to_on_the_page(opened: Opened, shown: list[str]) -> None:
    step = mend(Things(), consent=Consent.GO, shows=how_bad)
    run = opened(step, keyboard=lambda prompt: "no", drill_policy=None)
    shown.clear()
    with pytest.raises(Exception, match="This step changed nothing"):
        run.step(step)
    assert [card.partition("\n")[0] for card in shown] == ["Mend: seen now, before it asks", "How bad it is"]


def test_where_nobody_is_asked_nothing_is_shown_twice(opened: Opened, shown: list[str]) -> None:
    step = mend(Things(), shows=how_bad)
    run = opened(step)
    shown.clear()
    run.step(step)
    assert [card.partition("\n")[0].split("  ")[0] for card in shown] == ["✔ DONE", "How bad it is"]


# ── several answers ──────────────────────────────────────────────────────────────────────────────────────────────────

DECIDE = StepName("decide", "Decide", "T.1")
REPAIR = Choice("repair", "REPAIR 38 ITEMS", {"lost": 0, "minutes": 2}, recommended="few are affected")
SWITCH = Choice("switch", "SWITCH, LOSE 60 CHANGES", {"lost": 60, "minutes": 40})


@dataclass(frozen=True, slots=True)
class Decided:
    """What has been decided."""

    choice: str
    by: str
    reason: str


def see_decision(run: Run[Any], target: Target) -> Decided:
    return Decided(*taken(run, DECIDE))


def two_ways() -> Step[Any, Any]:
    offered = (SWITCH, REPAIR)
    changes = "records the remedy"
    return choices(DECIDE, changes=changes, look=see_decision, answers=lambda run, seen: offered, needs=())


def person(*answers: str) -> Callable[[str], str]:
    left = list(answers)
    return lambda prompt: left.pop(0)


@pytest.mark.parametrize("typed", [REPAIR, SWITCH], ids=lambda each: each.answer)
def test_one_of_several_answers_is_recorded_with_who_why_and_what_was_shown(opened: Opened, typed: Choice) -> None:
    """And a run that is opened again asks nobody."""
    step = two_ways()
    first = opened(step, keyboard=person(typed.phrase, "as agreed"), drill_policy=None)
    first.step(step)
    assert first.results[step.key].outcome is Outcome.DONE
    (asked,) = first.run.history.lines(Kind.CONSENT, step=DECIDE)
    assert [each["phrase"] for each in asked["choices"]] == [SWITCH.phrase, REPAIR.phrase]
    assert [each["numbers"] for each in asked["choices"]] == [SWITCH.numbers, REPAIR.numbers]
    assert (asked["answer"], asked["phrase"], asked["reason"]) == (typed.answer, typed.phrase, "as agreed")
    assert "lost,60,0" in (first.folder / "evidence" / "decide-choices.csv").read_text()
    first.close()

    again = opened(step, keyboard=pytest.fail, drill_policy=None)
    again.step(step)
    assert again.run.decided(DECIDE).choice == typed.answer
    assert again.results[step.key].outcome is Outcome.DONE


def test_what_is_no_answer_decides_nothing_and_is_asked_again(opened: Opened, shown: list[str]) -> None:
    step = two_ways()
    run = opened(step, keyboard=person("whatever", SWITCH.phrase, "as agreed"), drill_policy=None)
    shown.clear()
    with pytest.raises(Refused, match="whatever"):
        run.step(step)
    assert any("few are affected" in card for card in shown), "the numbers stand above the question"
    assert not run.run.decided(DECIDE).choice
    run.step(step)
    assert run.run.decided(DECIDE).choice == "switch"


# ── a card that fills in place ───────────────────────────────────────────────────────────────────────────────────────


class Slots(show.Slot):
    """Keeps what is drawn in each place."""

    all: list[list[str]] = []  # noqa: RUF012 - of one test

    def __init__(self) -> None:
        self.all.append([])

    def show(self, html: str, text: str) -> None:
        self.all[-1].append(text)


def test_a_step_that_is_watched_fills_one_card(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "watched", lambda: True)
    monkeypatch.setattr(show, "Slot", Slots)
    step = mend(Things(), consent=Consent.GO, targets=lambda run: [Target("us-east-1")])
    run = opened(step, keyboard=lambda prompt: "go", drill_policy=None)
    Slots.all.clear()
    run.step(step)
    (drawn,) = Slots.all
    words = [text.split()[1] for text in drawn[:-1]]
    assert list(dict.fromkeys(words)) == ["LOOKING", "ASKING", "ACTING", "WAITING"]
    assert drawn[-1].startswith("Mend: looking ") and "waiting" in drawn[-1]


def test_a_step_that_nobody_watches_draws_no_such_card(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "Slot", pytest.fail)
    step = mend(Things())
    opened(step).step(step)
