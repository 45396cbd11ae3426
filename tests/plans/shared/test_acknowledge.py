"""Acknowledging: by whoever is there or consents to anything; where nobody does, the second on-call is paged once."""

from __future__ import annotations

import json
import re

from moto.sns.models import sns_backends

from drcore.engine.outcome import Outcome, StepResult
from drcore.errors import Refused
from drcore.parameters import DrillPolicy
from drcore.plans import f
from drcore.plans.shared.acknowledge import SECOND, Acknowledged
from drcore.run.runbook import Runbook
from tests.support.stage import Scene, Stage, carry_out, ended, lines, outcomes, proven

BAD_RELEASE = Scene(f.PLAN, "bad-release")
ALL_ELSE = DrillPolicy(
    name="all else", approves=tuple(step.title for step in f.PLAN.steps if step is not f.ACKNOWLEDGE)
)
LATE_S = 5 * 60 + 1  # the parameters wait five minutes


def second_pages(run: Runbook) -> list[str]:
    """The texts that went out to the second on-call."""
    return [
        json.loads(message[1])["text"]
        for region, topic in run.run.service.on_call.second.items()
        for message in sns_backends[run.run.service.account][region].topics[topic].sent_notifications
    ]


def of(run: Runbook) -> tuple[StepResult, Acknowledged]:
    result = run.results[f.ACKNOWLEDGE.key]
    (state,) = result.states.values()
    assert isinstance(state, Acknowledged)
    return result, state


def test_where_nobody_acknowledges_the_plan_goes_on_and_the_second_on_call_is_paged_once(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE, service={"drill_policy": ALL_ELSE}))
    assert carry_out(run, until=f.ACKNOWLEDGE) is None, "no recovery waits for it"
    assert of(run)[0].untold and "nobody has acknowledged yet" in of(run)[0].why
    run.step(f.DECIDE)
    assert second_pages(run) == [], "not before it is due"

    stage.sleep(LATE_S)
    run.step(f.INVESTIGATING)

    (text,) = second_pages(run)
    (page,) = [line["before"]["text"] for line in lines(run, "intent") if line["step"] == f.NOTIFY.title]
    assert page and page in text and "Nobody has acknowledged" in text
    assert outcomes(run)[SECOND.title] is Outcome.DONE
    assert of(run)[0].outcome is Outcome.ALREADY and "the second on-call was paged" in of(run)[0].why
    assert "acknowledged" not in run.run.moments
    run.record.close()

    again = stage.again(run)
    stage.sleep(LATE_S)
    assert carry_out(again, until=f.DECIDE) is None
    assert len(second_pages(again)) == 1
    proven(again)


def test_a_run_that_ends_before_users_are_well_pages_the_second_on_call_at_once(stage: Stage) -> None:
    """Nobody would look any more whether it is due."""
    run = stage.open(stage.prepare(BAD_RELEASE, service={"drill_policy": None}))
    assert isinstance(carry_out(run), Refused)
    assert len(second_pages(run)) == 1
    assert not [told for told in ended(run).untold if f.ACKNOWLEDGE.title in told]


def test_who_consents_to_anything_has_acknowledged(stage: Stage) -> None:
    run = stage.open(
        stage.prepare(BAD_RELEASE, service={"drill_policy": None}),
        keyboard=lambda prompt: None if f.ACKNOWLEDGE.title in prompt else _typed(prompt),
    )
    assert carry_out(run, until=f.DECIDE) is None
    stage.sleep(LATE_S)

    run.step(f.INVESTIGATING)

    result, state = of(run)
    (decided,) = [line for line in lines(run, "consent") if line["step"] == f.DECIDE.title]
    assert (result.outcome, state.by, state.how) == (Outcome.ALREADY, decided["by"], "keyboard")
    assert run.run.moments["acknowledged"] == state.at
    assert second_pages(run) == []


def test_who_answers_the_question_has_acknowledged(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE, service={"drill_policy": None}), keyboard=lambda prompt: "go")
    assert carry_out(run, until=f.ACKNOWLEDGE) is None
    result, state = of(run)
    (asked,) = [line for line in lines(run, "consent") if line["step"] == f.ACKNOWLEDGE.title]
    assert (result.outcome, state.by, state.how) == (Outcome.DONE, asked["by"], "keyboard")
    assert state.paged and state.at and state.at >= state.paged


def _typed(prompt: str) -> str:
    found = re.search(r"Type '(.*)' to go on", prompt)
    return found[1] if found else "users cannot sync"
