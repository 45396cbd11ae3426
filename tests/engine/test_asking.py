"""A person decides on what is seen: it is shown above the question, not after the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from drcore import show
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, Target
from drcore.record.evidence import Table
from drcore.run.runbook import Runbook
from tests.support.tiny import Seen, Things, mend

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
