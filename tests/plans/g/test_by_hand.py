"""Plan G's card by hand: what its owner has measured stands on it."""

from __future__ import annotations

from drcore.engine.permissions import Place
from drcore.engine.prepare import HOME
from drcore.parameters import load
from drcore.plans.g import PLAN, titles
from drcore.plans.g.facts import Facts
from drcore.show.by_hand import paper_card


def test_the_halt_should_be_waited_for_as_long_as_a_policy_takes() -> None:
    service, facts = load(HOME / "parameters", "sandbox", PLAN.id, Facts)
    card = paper_card(PLAN, Place(service, facts.model_copy(update={"policy_takes_s": 45.0})))
    (deny,) = (each.act for each in card.acts if each.title == titles.DENY.title)
    assert deny.do.endswith("\nsleep 45; HALTED=$(date +%s)")
