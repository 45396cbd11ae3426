"""What production wants a second person for is drilled with one: from another identity, by what the evidence store has.

Failback, the revoking of all tokens, the switch of tables: without them nothing of it is done, with them all of it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from drcore import plans
from drcore.calls.aws import KEY
from drcore.engine.outcome import Outcome
from drcore.engine.step import Step
from drcore.errors import Refused
from drcore.launcher.approve import Approver, approve
from drcore.parameters import SecondPerson
from drcore.run.runbook import Runbook
from drcore.sandbox.syncwell.company import names
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import OTHER_WAYS, SHORT, Scene, Stage, carry_out, lines

ROLE = f"arn:aws:iam::123456789012:role/{names.APPROVER_ROLE}"
PRODUCTION = Path(__file__).parents[3] / "parameters" / "production" / "service.yaml"
STEPS: dict[str, list[str]] = YAML(typ="safe").load(PRODUCTION)["second_person"]["steps"]
SWITCH = next(each for each in OTHER_WAYS if each.plan.id == "g")
SCENES = (
    Scene(plans.find("e"), "vulnerability-token-leak"),
    *((Scene(plans.find("a"), "region-outage"), SWITCH) if EXHAUSTIVE else ()),
)


def approver(stage: Stage, run: Runbook, patch: pytest.MonkeyPatch) -> Approver:
    """The second person's machine: the parameters, keys of their own, nothing of the run's."""
    with patch.context() as only:
        only.setenv(KEY, names.SECOND_PERSON_KEY)
        found = Approver("sandbox", service=run.run.service, clock=run.run.clock)
    stage.door.attach(found.own.session)
    return found


def test_every_plan_that_production_names_should_be_drilled_here() -> None:
    assert {each.plan.id for each in SCENES} == (set(STEPS) if EXHAUSTIVE else {"e"})


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_it_should_wait_for_somebody_else_and_go_on_with_their_yes(
    scene: Scene, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = tuple(STEPS[scene.plan.id])
    second = SecondPerson(role=ROLE, steps={scene.plan.id: steps}, wait_minutes=0.0001)
    run = stage.open(stage.prepare(scene, facts=SHORT, service={"second_person": second}))
    once, refused = run.step, list[str]()

    def first_alone(step: Step[Any, Any], *, despite: str = "") -> None:
        run.run.prompt.announce = lambda text: None
        try:
            once(step, despite=despite)
        except Refused:
            refused.append(step.key)
            assert not [line for line in lines(run, "intent") if line["key"] == step.key], "nothing was done without"
        else:
            return
        other = approver(stage, run, monkeypatch)
        run.run.prompt.announce = lambda text: void(
            approve(other, run.run.id, step.key, 60, lambda asked: asked.phrase)
        )
        once(step, despite=despite)

    run.step = first_alone  # type: ignore[method-assign]  # what a notebook's cell calls
    assert carry_out(run, until=scene.plan.step(steps[-1])) is None, "the rest is any drill's"
    assert refused == list(steps)
    assert [(line["key"], line["by"]) for line in lines(run, "proof") if line["granted"]] == [
        (each, names.SECOND_PERSON) for each in steps
    ]
    assert {run.results[each].outcome for each in steps} == {Outcome.DONE}


def void(_: object) -> None:
    """What it returns nobody needs."""
