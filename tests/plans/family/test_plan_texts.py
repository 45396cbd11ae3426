"""The plans ask for the consents that their texts ask for, and do nothing before what the texts put before it."""

from __future__ import annotations

from typing import Any

from drcore.engine.step import Plan
from tests.support.plan_texts import asked
from tests.support.stage import each_plan


@each_plan
def test_each_step_is_in_the_text_and_in_its_order(plan: Plan[Any]) -> None:
    """A step that is in the text alone was lost; one in the plan alone was never thought about there."""
    assert {step.key for step in plan.steps} == set(asked(plan.id))
    keys = [step.key for step in plan.steps]
    for key, said in asked(plan.id).items():
        for before in said.after:
            assert keys.index(before) < keys.index(key), f"{before} comes after {key}"


@each_plan
def test_each_step_asks_for_the_consent_that_the_text_asks_for(plan: Plan[Any]) -> None:
    assert {step.key: step.consent for step in plan.steps} == {
        key: each.consent for key, each in asked(plan.id).items()
    }


@each_plan
def test_no_step_can_be_done_before_what_the_text_puts_before_it(plan: Plan[Any]) -> None:
    """Each names them itself, and not through another one, which a person can carry out despite what it needs."""
    needs = {step.key: {name.key for name in step.needs} for step in plan.steps}
    missed = {key: set(said.after) - needs[key] for key, said in asked(plan.id).items()}
    assert {key: names for key, names in missed.items() if names} == {}


# What must last before it is believed: one good look proves nothing there. Plan C goes by how many users are counted.
HOLDS = {
    "a": {
        *("users-are-well-again", "await-recovery", "reconcile", "let-the-region-in"),
        *("rebalance-second-part", "rebalance-third-part", "rebalance-in-full"),
    },
    "b": {"verify"},
    "c": set[str](),
    "d": {"verify", "monitor-the-partner"},
    "e": {"no-write-gets-in", "old-tokens-are-refused", "verify"},
    "f": {"verify"},
    "g": {"deny-writes", "resume-workers", "users-are-well"},
}


@each_plan
def test_what_must_last_is_not_believed_at_one_look(plan: Plan[Any]) -> None:
    assert {step.key for step in plan.steps if step.patience.hold != 0} == HOLDS[plan.id]
