"""A plan is drilled with every option of each of its faults, at the ends and in the middle of what it can be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from drcore.engine.step import Plan
from drcore.errors import BadInput, Exit
from drcore.launcher.request import fault_of, parse_fault
from drcore.sandbox.core.faults import REGISTRY
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.fault_values import FAULT_VALUES, FaultValue, values_of
from tests.support.honesty import well_in_truth
from tests.support.stage import SHORT, Scene, carry_out, each_plan, ended, staged

# Where the goal is rightly not reached, with what the run must say of it. By `plan-fault:option=value`, a pattern.
_NOT_REACHED: Mapping[str, str] = {
    r"f-.*:schema_changed=true": "changed the schema of the data",
    r"g-.*:hidden_writer=true": "a writer was missed",
    r"a-.*:kind=control-plane": "do not point at one failed region",
    r"a-.*:duration=0": "probes answered. Users are served by the other region meanwhile",
    r"d-.*:duration=0": "It stays paused, and no sync is lost. Go on later: drcore resume",
    r"c-.*:hours=48": "for more than 24 hours",  # the plan's trigger is of the first day
    r"c-(?!mobile-data-loss|.*-fully-released).*:hours=1": "cannot be told",  # too few users; tickets come at once
    r"d-partner-outage-two:duration=60": "syncs wait",  # of an hour and more: longer than `drain_minutes` of d.yaml
    r"d-our-secret-expired:unnoticed=60": "a target was not met",  # nobody has put in the new one for an hour
    r"d-.*:unnoticed=60": "the fault of this drill was not noticed",  # it is over when somebody looks
}
# In a region that fails nobody can stand: the advice of the refusal is followed.
_ELSEWHERE = {"us-west-2": {"runner_region": "us-east-1"}}
_SAMPLED = ("f-bad-release:region=us-west-2",)  # a short drill that once broke down in its last step
_TAKEN = tuple(each for each in FAULT_VALUES if EXHAUSTIVE or each.name in _SAMPLED)


def _another_than(fault: str, option: str, partner: str) -> dict[str, str]:
    """Of two partners that fail neither is the other."""
    options, other = REGISTRY[fault].options, {"partner": "second", "second": "partner"}.get(option, "")
    if other not in options or options[other].default != partner:
        return {}
    return {other: next(name for name in options[other].choices if name != partner)}


@each_plan
def test_every_option_of_every_fault_has_its_values(plan: Plan[Any]) -> None:
    for fault in dict(map(parse_fault, plan.faults)):
        for name, option in REGISTRY[fault].options.items():
            given = values_of(plan, name, option)
            assert len(given) > 1, f"{fault}:{name} is tried with one value only"
            assert [option.read(name, value) for value in given]


@pytest.mark.parametrize("drilled", _TAKEN, ids=[each.name for each in _TAKEN])
def test_a_drill_ends_as_it_must_with_any_value_of_an_option(
    tmp_path_factory: pytest.TempPathFactory, drilled: FaultValue
) -> None:
    """It reaches its goal, and users are well in truth; or it says why not. It never breaks down."""
    name, given = fault_of(drilled.plan, drilled.fault)
    options = given | {drilled.option: drilled.value} | _another_than(name, drilled.option, drilled.value)
    fault = f"{name}:" + ",".join(f"{key}={value}" for key, value in options.items() if "," not in value)
    more = {drilled.option: drilled.value} if "," in drilled.value else {}
    elsewhere = _ELSEWHERE.get(options.get("region", ""), {}) if drilled.plan.id == "a" else {}
    with staged(tmp_path_factory.mktemp("records")) as stage:
        run = stage.open(stage.prepare(Scene(drilled.plan, fault), options=more, facts=SHORT, incident=elsewhere))
        trouble = carry_out(run)
        result, truth = ended(run), stage.truth()
    assert not isinstance(trouble, BadInput)
    why = next((why for pattern, why in _NOT_REACHED.items() if re.fullmatch(pattern, drilled.name)), None)
    if why is None:
        assert result.exit == Exit.REACHED, f"{result.word}: {trouble}"
        assert well_in_truth(truth)
    else:
        assert result.exit == Exit.MISSED, f"{result.word}: {trouble}"
        assert why in f"{trouble} {result.word} {result.why}"
