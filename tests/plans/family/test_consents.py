"""Nobody at the keyboard and no policy: a run stops at each consent, and goes on with what was approved beforehand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.clock import iso
from drcore.engine.consent import Approval, Approvals, Consent, read_approvals
from drcore.engine.foresight import foreseen
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Word
from drcore.errors import DrcoreError, Exit, Refused
from drcore.run import runbook
from drcore.run.runbook import Runbook
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import (
    SHORT,
    Stage,
    carry_out,
    each_plan,
    ended,
    lines,
    locks,
    outcomes,
    pages_due,
    pages_of,
    proven,
    scene_of,
    writes,
)

UNATTENDED = {"drill_policy": None}


def asked(run: Runbook) -> dict[str, str]:
    """The phrases that were asked for, by step; where there are several answers, that of the one recommended."""
    return {
        line["step"]: next((each["phrase"] for each in line.get("choices", ()) if each["recommended"]), line["phrase"])
        for line in lines(run, "consent")
    }


def approved(run: Runbook, **changes: object) -> Approvals:
    """Approvals of all that the run has asked for, for the next hour."""
    given = {
        "by": "Ada",
        "reason": "seen the charts",
        "expires": run.run.clock.now() + timedelta(hours=1),
    } | changes
    approvals = [Approval.model_validate({"step": s, "phrase": phrase} | given) for s, phrase in asked(run).items()]
    return Approvals(run=run.run.id, approvals=tuple(approvals))


def asking(plan: Plan[Any]) -> list[Step[Any, Any]]:
    return [step for step in plan.steps if step.consent is not Consent.NONE]


def typed(prompt: str) -> str:
    """What a person types who lets everything happen."""
    if "Type" not in prompt:
        return "because I must"
    if "one of these phrases" in prompt:
        return offered(prompt)[-1]
    return prompt.rsplit("Type ", 1)[1].split(" to go on", maxsplit=1)[0].strip("'")


def offered(prompt: str) -> list[str]:
    """The answers that can be taken, those last that are not recommended: none of them needs another run."""
    found = re.findall(r"^([A-Z].*)\n((?:    .*\n)*)", prompt.partition("\n")[2], flags=re.MULTILINE)
    answers = [(phrase, why) for phrase, why in found if "cannot be taken" not in why and "Type one" not in phrase]
    return [phrase for phrase, _ in sorted(answers[1:], key=lambda each: "recommended" not in each[1])]


class Unattended:
    """Each step of a run is refused first; some refusals end it, at the others somebody comes to the keyboard then."""

    def __init__(self, plan: Plan[Any], ends: Callable[[int], bool]) -> None:
        self._asking, self._ends, self._there = {step.title for step in asking(plan)}, ends, False
        self.stops: list[str] = []

    def keyboard(self, prompt: str) -> str | None:
        return typed(prompt) if self._there else None

    def carry_out(self, run: Runbook) -> DrcoreError | None:
        once = run.step

        def asked_for(step: Step[Any, Any], *, despite: str = "") -> None:
            try:
                return once(step, despite=despite)
            except Refused:
                stop = lines(run, "refused")[-1]["what"]
                assert stop in self._asking
                assert stop not in self.stops
                assert stop not in {line["step"] for line in lines(run, "intent")}, "asked after the act"
                self.stops.append(stop)
                if self._ends(len(self.stops)):
                    raise
            self._there = True
            try:
                once(step, despite=despite)
            finally:
                self._there = False

        begun = bool(lines(run, "step"))
        run.step = asked_for  # type: ignore[method-assign]  # what a notebook's cell calls
        return carry_out(run, again=begun)


@pytest.fixture
def asked_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Whether a refusal looks ahead to what is asked later: half of what is done where a plan is refused at each step.

    It does not, unless it is told to.
    """
    return lambda yes: monkeypatch.setattr(runbook, "foreseen", foreseen if yes else lambda run, plan, after: ())


@pytest.fixture(autouse=True)
def _only_what_is_asked_now(asked_later: Callable[[bool], None]) -> None:
    asked_later(False)


@each_plan
def test_it_stops_at_each_consent_and_goes_on_when_that_was_given(
    stage: Stage, tmp_path: Path, plan: Plan[Any], asked_later: Callable[[bool], None]
) -> None:
    """By approvals files made of what each refusal prints, or as a rule of every fourth, until the goal is reached.

    The first one prints what will be asked later, too, as far as it can be known; it is approved at once.
    """
    setting = stage.prepare(scene_of(plan), service=UNATTENDED, facts=SHORT)
    unattended = Unattended(plan, lambda stops: EXHAUSTIVE or stops % 4 == 1)
    asked_later(True)
    given: tuple[Approval, ...] = ()
    while True:
        approvals = Approvals(run=setting.run_id, approvals=given) if given else None
        run = stage.open(setting, approvals=approvals, keyboard=unattended.keyboard)
        trouble = unattended.carry_out(run)
        if trouble is None:
            break
        assert isinstance(trouble, Refused), trouble
        assert ended(run).exit == Exit.REFUSED
        assert locks(run) == []
        proven(run)
        given += from_printed(str(trouble), run, tmp_path / f"{len(given)}.yaml").approvals
        asked_later(EXHAUSTIVE)
    assert run.verdict and run.verdict.word is Word.REACHED
    assert pages_of(run) == pages_due(plan)
    told = [line for line in lines(run, "consent") if line["granted"] and line["how"] != "none needed"]
    granted = {line["step"]: line for line in told}
    by_file = {step: (line["by"], line["reason"]) for step, line in granted.items() if line["how"] == "approvals file"}
    assert set(granted) == {*unattended.stops, *by_file}
    assert set(by_file.values()) == {("Ada", "seen the charts")}
    proven(run)


def from_printed(text: str, run: Runbook, path: Path) -> Approvals:
    """What a refusal tells to put into a file, put into a file."""
    printed = text.split(", and resume with it:\n")[1].split("drcore resume", maxsplit=1)[0]
    soon = iso(run.run.clock.now() + timedelta(hours=1))
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
def test_an_approval_of_something_else_is_none(
    stage: Stage, plan: Plan[Any], changes: dict[str, object], why: str
) -> None:
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
def test_approvals_of_another_run_are_none(stage: Stage, plan: Plan[Any]) -> None:
    setting = stage.prepare(scene_of(plan), service=UNATTENDED)
    first = stage.open(setting)
    assert isinstance(carry_out(first), Refused)
    others = approved(first).model_copy(update={"run": "another"})

    trouble = carry_out(stage.open(setting, approvals=others))

    assert isinstance(trouble, Refused)
    assert f"the approvals are for run another, this is {first.run.id}" in str(trouble)


@each_plan
def test_a_person_who_types_what_is_asked_is_let_through(stage: Stage, plan: Plan[Any]) -> None:
    prompts: list[str] = []

    def keyboard(prompt: str) -> str:
        prompts.extend([prompt] if "Type" in prompt else [])
        return typed(prompt)

    setting = stage.prepare(scene_of(plan), service=UNATTENDED, facts=SHORT)
    run = stage.open(setting, keyboard=keyboard)
    assert carry_out(run) is None
    acted = [step for step in asking(plan) if outcomes(run)[step.title] == "DONE"]
    assert len(prompts) == len(acted) > 0
    for line in lines(run, "consent"):
        free = [each for each in line.get("choices", ()) if not each["barred"]]
        could = [each["answer"] for each in free if not each["recommended"]] or [each["answer"] for each in free]
        assert line.get("answer", "") in (could or [""]), "an answer that nobody recommends needs no other run"
    where = (run.run.service.environment, run.run.service.account, *run.run.service.regions)
    assert all(name in prompt for prompt in prompts for name in where), "a prompt must say where it will act"
