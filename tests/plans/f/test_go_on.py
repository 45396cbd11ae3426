"""A run whose kernel was restarted: what is done is known by its record, and it goes on at the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore import show
from drcore.engine.outcome import Outcome
from drcore.engine.verdict import Word
from drcore.errors import Interrupted, Refused
from drcore.plans import f
from drcore.run.recall import recalled
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines, proven

BAD_RELEASE = Scene(f.PLAN, "bad-release")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of each card, in the order in which they appear."""
    cards: list[str] = []
    monkeypatch.setattr(show, "display", lambda html, text: cards.append(text))
    return cards


def test_a_restarted_kernel_goes_on_at_the_next_step(stage: Stage, shown: list[str]) -> None:
    first = stage.open(stage.prepare(BAD_RELEASE, facts=SHORT))
    assert carry_out(first, until=f.STOP) is None
    before = dict(first.results)
    first.record.close()
    shown.clear()
    looked = len(lines(first, "step"))

    again = stage.again(first)

    place = [step.key for step in f.PLAN.steps].index(f.LAMBDA.key)
    opening = "\n".join(shown)
    assert f"{place} of {len(f.PLAN.steps)} steps are done. Next: {f.LAMBDA.title}. run.go_on()" in opening
    again.overview()
    assert f"{place} carried out so far" in shown[-1], "by the record, not by this process"
    for key, told in recalled(again.run, f.PLAN).items():
        assert (told.outcome, told.why) == (before[key].outcome, before[key].why), key
        assert (told.states, told.since, told.seconds) == (
            before[key].states,
            before[key].since and told.since,
            before[key].seconds,
        ), key

    again.go_on()

    steps = [line["step"] for line in lines(again, "step")[looked:]]
    assert steps == [step.title for step in f.PLAN.steps[place:]], "nothing is carried out once more"
    assert again.verdict and again.verdict.word is Word.REACHED
    assert list(again.results) == [step.key for step in f.PLAN.steps]
    again.close()
    proven(again)


def test_a_step_alone_finds_in_the_record_what_it_needs(stage: Stage) -> None:
    first = stage.open(stage.prepare(BAD_RELEASE, facts=SHORT))
    assert carry_out(first, until=f.STOP) is None
    first.record.close()
    again = stage.again(first)
    with pytest.raises(Refused, match="preflight"):
        again.step(f.LAMBDA)
    again.preflight()
    again.step(f.LAMBDA)
    assert again.results[f.LAMBDA.key].outcome is Outcome.DONE
    with pytest.raises(Refused, match=f"needs {f.API.title}"):
        again.step(f.VERIFY)


def interrupting(where: str) -> Callable[..., Any]:
    def interrupted(*args: Any, **how: Any) -> Any:
        raise KeyboardInterrupt(where)

    return interrupted


def test_an_interrupt_is_one_calm_sentence_in_the_record_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE, service={"drill_policy": None}), keyboard=interrupting("at a question"))
    with pytest.raises(Interrupted) as asked:
        carry_out(run, until=f.ACKNOWLEDGE)
    assert str(asked.value) == (
        "Acknowledge was interrupted; it has changed nothing. To go on: run.go_on(), or this cell again."
    )
    assert asked.value._render_traceback_() == [str(asked.value)]
    assert [line["why"] for line in lines(run, "interrupted")] == [str(asked.value)]


def test_an_interrupt_in_an_act_says_that_it_may_have_been_done(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE, facts=SHORT))
    assert carry_out(run, until=f.STOP) is None
    with monkeypatch.context() as patch:
        patch.setattr("drcore.engine.loop._StepRun._act", _begun_and_interrupted)
        with pytest.raises(Interrupted, match="an act is on its way, syncwell-api in us-east-1"):
            run.step(f.LAMBDA)
    run.record.close()

    again = stage.again(run)
    again.go_on()
    assert again.verdict and again.verdict.word is Word.REACHED


def _begun_and_interrupted(carrying: Any, target: Any, state: Any, tries: int, back_to: Any) -> None:
    told = {"region": target.region, "thing": target.thing, "try": tries, "before": carrying.step.to_json(state)}
    carrying.run.record.append("intent", step=carrying.step, target=str(target), **told)
    raise KeyboardInterrupt
