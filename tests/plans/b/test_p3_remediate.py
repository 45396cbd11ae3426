"""Plan B's levers follow what was decided, and stand still where nothing was."""

from __future__ import annotations

import pytest

from drcore import plans
from drcore.engine.outcome import Answer, Target
from drcore.parameters import Mode
from drcore.plans.b import decided_remedy, p3_remediate
from drcore.plans.b.decided_remedy import AiRemedy, Way
from tests.support.stage import Stage


def test_only_what_was_chosen_for_a_region_should_be_as_decided(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stage.open(stage.prepare(plans.find("b"), Mode.REHEARSE)).run
    way = Way(AiRemedy.CONFIGURATION, configurations={"us-west-2": "an earlier one"})
    for module in (decided_remedy, p3_remediate):
        monkeypatch.setattr(module, "decided", lambda run: way)
    for region, answer in (("us-east-1", Answer.UNKNOWN), ("us-west-2", Answer.NO)):
        target = Target(region)
        seen = p3_remediate.see_configuration(run, target)
        assert p3_remediate.configuration_is_wanted(run, target, seen).answer is answer

    west = Target("us-west-2")
    settled = p3_remediate.endpoint_is_as_decided(run, west, p3_remediate.see_settling(run, west))
    assert settled.answer is Answer.NEVER, "in service with the configuration from before"
    assert "the update was turned back" in settled.why
