"""The first look of a step that acts is as patient as those after the act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drcore.engine import loop
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, StepResult, Target, unknown
from drcore.errors import Busy, DrcoreError, Missing, NoAnswer, Refused, Rejected, StepFailed, Unknown
from drcore.parameters import Mode
from drcore.run.runbook import Runbook
from tests.support.engine_world import REGIONS, Seen, Things, is_good, mend
from tests.support.manual_clock import ManualClock

EAST, WEST = map(Target, REGIONS)
Opened = Callable[..., Runbook]


def outcomes(result: StepResult) -> list[Outcome]:
    return [each.outcome for each in result.targets]


@pytest.mark.parametrize("error", [Unknown("no answer"), NoAnswer("silence"), Busy("later", "429")])
def test_what_is_not_answered_is_asked_again_within_the_steps_patience(opened: Opened, error: DrcoreError) -> None:
    things = Things(away={"us-east-1": [error] * 3})
    step = mend(things, within=30)
    clock = ManualClock()
    result = loop.run_step(opened(step, clock=clock).run, step)
    assert outcomes(result) == [Outcome.DONE, Outcome.DONE]
    assert things.acts == [("us-west-2", "good"), ("us-east-1", "good")], "the other region did not wait for it"
    assert result.seconds.cloud == 15


def test_a_refusal_is_not_asked_again_where_the_recovery_needs_the_step(opened: Opened) -> None:
    things = Things(away={"us-east-1": [Rejected("denied", "AccessDenied")]})
    result = loop.run_step(opened(step := mend(things)).run, step)
    assert outcomes(result) == [Outcome.UNKNOWN, Outcome.DONE] and result.seconds.cloud == 0


def test_a_check_that_cannot_tell_is_asked_again_too(opened: Opened) -> None:
    looks: list[str] = []

    def expect(run: Run[Any], target: Target, seen: Seen) -> Any:
        looks.append(seen.value)
        return unknown("too few requests") if len(looks) < 4 else is_good(run, target, seen)

    step = mend(Things(), expect=expect, targets=lambda run: [EAST])
    assert loop.run_step(opened(step).run, step).outcome is Outcome.DONE


def test_a_service_that_says_when_to_come_back_is_left_alone_until_then(opened: Opened) -> None:
    things = Things(away={"us-east-1": [Busy("later", "429", after=20)]})
    step = mend(things, targets=lambda run: [EAST], within=30)
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.DONE and result.seconds.cloud == 20


def test_a_service_that_says_to_come_back_too_late_is_not_waited_for(opened: Opened) -> None:
    things = Things(away={"us-east-1": [Busy("later", "429", after=3600)] * 9})
    step = mend(things, targets=lambda run: [EAST], within=30)
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.UNKNOWN and result.seconds.cloud == 0


def test_a_region_that_answers_late_is_asked_for_by_itself_and_a_no_leaves_the_other_done(opened: Opened) -> None:
    asked: list[str] = []

    def keyboard(prompt: str) -> str:
        asked.append(prompt)
        return "go" if len(asked) == 1 else "no"

    things = Things(away={"us-east-1": [Unknown("silence")]})
    step = mend(things, consent=Consent.GO, phrase=lambda run, states: f"MEND {', '.join(map(str, states))}")
    result = loop.run_step(opened(step, keyboard=keyboard, drill_policy=None).run, step)
    assert outcomes(result) == [Outcome.FAILED, Outcome.DONE]
    assert "MEND in us-west-2" in asked[0] and "MEND in us-east-1" in asked[1]
    assert things.acts == [("us-west-2", "good")]


def test_what_leans_on_a_region_that_answers_late_waits_for_it(opened: Opened) -> None:
    things = Things(away={"us-east-1": [Unknown("silence")]})
    step = mend(things, depends_on=lambda run, target: [EAST] if target == WEST else [])
    result = loop.run_step(opened(step).run, step)
    assert outcomes(result) == [Outcome.DONE, Outcome.DONE]
    assert [region for region, _ in things.acts] == ["us-east-1", "us-west-2"]


def test_after_an_act_without_an_answer_a_look_without_one_is_repeated(opened: Opened) -> None:
    things = Things(troubles=[Unknown("lost")], lost=True)
    things.before_act = lambda run: things.away.update({"us-east-1": [NoAnswer("silence")] * 2})
    step = mend(things, targets=lambda run: [EAST])
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.DONE and things.acts == [("us-east-1", "good")], "looked at, not done again"


# ── what only tells ──────────────────────────────────────────────────────────────────────────────────────────────────

FOR_GOOD: list[Any] = [
    *(Rejected("denied", "AccessDenied"), Busy("later", "420"), NoAnswer("silence"), Busy("later", "429", after=9999)),
    *(KeyError("id"), TypeError("a list"), AttributeError("get")),
]


@pytest.mark.parametrize("error", FOR_GOOD)
def test_what_cannot_be_told_is_tried_within_its_time_and_raises_nothing(opened: Opened, error: Exception) -> None:
    def look(run: Run[Any], target: Target) -> Seen:
        raise error

    step = mend(Things(), look=look, only_tells=True, within=30, words=lambda run: "we know")
    run = opened(step)
    run.step(step)
    result = run.results[step.key]
    assert result.untold and result.words == "we know" and result.seconds.cloud <= 30
    run.verify()
    assert run.verdict and run.verdict.untold == ("Mend: we know",)


@pytest.mark.parametrize("error", [Rejected("denied", "AccessDenied"), NoAnswer("silence"), KeyError("MessageId")])
def test_what_cannot_be_sent_is_tried_again_and_no_longer_than_that(opened: Opened, error: Any) -> None:
    sent: list[int] = []

    def act(run: Run[Any], target: Target, seen: Seen) -> None:
        sent.append(1)
        raise error

    step = mend(Things(), act=act, only_tells=True, within=30, targets=lambda run: [EAST])
    result = loop.run_step(opened(step).run, step)
    assert result.untold and 2 < len(sent) < 9 and result.seconds.cloud <= 65


def test_an_odd_answer_is_a_mistake_where_the_recovery_needs_the_step(opened: Opened) -> None:
    def look(run: Run[Any], target: Target) -> Seen:
        raise KeyError("id")

    step = mend(Things(), look=look)
    with pytest.raises(KeyError):
        loop.run_step(opened(step).run, step)


def test_what_needs_a_word_that_was_not_told_goes_on(opened: Opened) -> None:
    word = mend(Things(away=dict.fromkeys(REGIONS, [Rejected("denied", "AccessDenied")] * 99)), "Word", only_tells=True)
    deed = mend(things := Things(), "Deed", needs=(word.name,))
    run = opened(word, deed)
    run.step(word)
    run.step(deed)
    assert run.results[deed.key].outcome is Outcome.DONE and len(things.acts) == 2


def test_a_no_of_a_person_to_a_message_is_a_no(opened: Opened) -> None:
    step = mend(Things(), only_tells=True, consent=Consent.GO)
    with pytest.raises(Refused):
        opened(step, keyboard=lambda prompt: "stop", drill_policy=None).step(step)


# ── rehearsals ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Rejected("denied", "AccessDenied"), Outcome.UNKNOWN),
        (NoAnswer("silence"), Outcome.UNKNOWN),
        (Busy("later", "Throttling"), Outcome.UNKNOWN),
        (Missing("no such table", "ResourceNotFoundException"), Outcome.SKIPPED),
        (Unknown("no table of this run"), Outcome.SKIPPED),
    ],
)
@pytest.mark.parametrize("acts", [True, False])
def test_a_rehearsal_excuses_only_what_is_missing(
    opened: Opened, error: DrcoreError, outcome: Outcome, acts: bool
) -> None:
    restore = mend(Things(), "Restore")
    things = Things(away=dict.fromkeys(REGIONS, [error] * 99))
    swap = mend(things, "Swap", needs=(restore.name,))
    swap = swap if acts else replace(swap, act=None)
    run = opened(restore, swap, mode=Mode.REHEARSE)
    run.step(restore)
    if outcome is Outcome.UNKNOWN:
        with pytest.raises(StepFailed, match=str(error)):
            run.step(swap)
    else:
        run.step(swap)
    assert run.results[swap.key].outcome is outcome


def test_a_refusal_behind_a_word_of_ours_is_still_one(opened: Opened) -> None:
    def look(run: Run[Any], target: Target) -> Seen:
        try:
            raise Rejected("denied", "AccessDenied")
        except Rejected as error:
            raise Unknown("the version of this run is not there") from error

    restore = mend(Things(), "Restore")
    swap = mend(Things(), "Swap", needs=(restore.name,), look=look)
    run = opened(restore, swap, mode=Mode.REHEARSE)
    run.step(restore)
    with pytest.raises(StepFailed):
        run.step(swap)
