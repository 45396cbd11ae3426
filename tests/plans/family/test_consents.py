"""Nobody at the keyboard and no policy: a run stops at each consent, and goes on with what was approved beforehand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drcore.clock import iso
from drcore.engine.consent import Approval, Approvals, Consent, read_approvals
from drcore.engine.context import Run
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Word
from drcore.errors import Exit, Refused
from tests.support.stage import (
    SHORT,
    Stage,
    carry_out,
    each_plan,
    ended,
    lines,
    locks,
    outcomes,
    pages_of,
    proven,
    scene_of,
    writes,
)

UNATTENDED = {"drill_policy": None}


def asked(run: Run) -> dict[str, str]:
    """The phrases that were asked for, by step."""
    return {line["step"]: line["phrase"] for line in lines(run, "consent")}


def approved(run: Run, **changes: object) -> Approvals:
    """Approvals of all that the run has asked for, for the next hour."""
    given = {"by": "Ada", "reason": "seen the charts", "expires": run.clock.now() + timedelta(hours=1)} | changes
    approvals = [Approval.model_validate({"step": s, "phrase": phrase} | given) for s, phrase in asked(run).items()]
    return Approvals(run=run.id, approvals=tuple(approvals))


def asking(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.consent is not Consent.NONE]


@each_plan
def test_it_stops_at_each_consent_and_goes_on_when_that_was_given(stage: Stage, tmp_path: Path, plan: Plan) -> None:
    """By approvals files made of what each refusal prints, until the goal is reached."""
    setting = stage.prepare(scene_of(plan), service=UNATTENDED, facts=SHORT)
    given: tuple[Approval, ...] = ()
    for step in asking(plan):
        run = stage.open(setting, approvals=Approvals(run=setting.run_id, approvals=given) if given else None)
        trouble = carry_out(run)
        if trouble is None:
            break
        assert isinstance(trouble, Refused), trouble
        assert ended(run).exit == Exit.REFUSED
        refusal = lines(run, "refused")[-1]
        assert refusal["what"] in [each.title for each in asking(plan)]
        assert refusal["what"] not in [approval.step for approval in given]
        assert refusal["what"] not in {line["step"] for line in lines(run, "intent")}, "asked after the act"
        assert locks(run) == []
        proven(run)
        given += from_printed(str(trouble), run, tmp_path / f"{step.id}.yaml").approvals
    run = stage.open(setting, approvals=Approvals(run=setting.run_id, approvals=given))
    assert carry_out(run) is None
    assert run.verdict and run.verdict.word is Word.REACHED
    assert pages_of(run) == 1
    told = [line for line in lines(run, "consent") if line["granted"] and line["how"] != "none needed"]
    granted = {line["step"]: line for line in told}
    assert set(granted) == {approval.step for approval in given}
    assert {(line["by"], line["reason"]) for line in granted.values()} == {("Ada", "seen the charts")}
    proven(run)


def from_printed(text: str, run: Run, path: Path) -> Approvals:
    """What a refusal tells to put into a file, put into a file."""
    printed = text.split("To approve it, put this into a file, and resume with it:\n")[1].split(
        "drcore resume", maxsplit=1
    )[0]
    soon = iso(run.clock.now() + timedelta(hours=1))
    path.write_text(
        printed.replace("<who>", "Ada").replace("<why>", "seen the charts").replace("<time with a zone, soon>", soon)
    )
    approvals = read_approvals(path)
    assert approvals
    return approvals


@each_plan
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"phrase": "ROLL BACK EVERYTHING"}, "the approval is for 'ROLL BACK EVERYTHING', but it would now be"),
        ({"expires": datetime(2026, 1, 5, 8, 59, 59, tzinfo=UTC)}, "the approval expired at 2026-01-05T08:59:59.000Z"),
    ],
    ids=["another phrase", "expired"],
)
def test_an_approval_of_something_else_is_none(stage: Stage, plan: Plan, changes: dict[str, object], why: str) -> None:
    setting = stage.prepare(scene_of(plan), service=UNATTENDED)
    first = stage.open(setting)
    assert isinstance(carry_out(first), Refused)
    made = len(writes(first))

    again = stage.open(setting, approvals=approved(first, **changes))
    trouble = carry_out(again)

    assert isinstance(trouble, Refused)
    assert why in str(trouble)
    assert len(writes(again)) == made
    assert ended(again).exit == Exit.REFUSED


@each_plan
def test_approvals_of_another_run_are_none(stage: Stage, plan: Plan) -> None:
    setting = stage.prepare(scene_of(plan), service=UNATTENDED)
    first = stage.open(setting)
    assert isinstance(carry_out(first), Refused)
    others = approved(first).model_copy(update={"run": "another"})

    trouble = carry_out(stage.open(setting, approvals=others))

    assert isinstance(trouble, Refused)
    assert f"the approvals are for run another, this is {first.id}" in str(trouble)


@each_plan
def test_a_person_who_types_what_is_asked_is_let_through(stage: Stage, plan: Plan) -> None:
    typed: list[str] = []

    def keyboard(prompt: str) -> str:
        if "Type" not in prompt:
            return "because I must"
        typed.append(prompt)
        return prompt.rsplit("Type ", 1)[1].split(" to go on", maxsplit=1)[0].strip("'")

    setting = stage.prepare(scene_of(plan), service=UNATTENDED, facts=SHORT)
    run = stage.open(setting, keyboard=keyboard)
    assert carry_out(run) is None
    acted = [step for step in asking(plan) if outcomes(run)[step.title] == "DONE"]
    assert len(typed) == len(acted) > 0
    where = (run.service.environment, run.service.account, *run.service.regions)
    assert all(name in prompt for prompt in typed for name in where), "a prompt must say where it will act"
