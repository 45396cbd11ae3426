"""A rule that fires is one that is not disabled, whatever else its state is called."""

from __future__ import annotations

from typing import Any

from drcore.calls.aws import Aws
from drcore.services import events
from tests.services.conftest import Edit

EAST, RULE = "us-east-1", "syncwell-nightly-tidy"


def test_a_rule_is_disabled_and_enabled_and_keeps_when_it_fires(aws: Aws) -> None:
    before = events.rule(aws, EAST, RULE)
    assert before.enabled and before.when
    events.disable(aws, EAST, RULE)
    assert events.rule(aws, EAST, RULE) == events.Rule(False, before.when)
    assert RULE not in events.enabled_rules(aws, EAST, "syncwell-")
    events.enable(aws, EAST, RULE)
    assert events.rule(aws, EAST, RULE) == before
    assert RULE in events.enabled_rules(aws, EAST, "syncwell-")


def test_a_rule_of_management_events_fires_too(aws: Aws, edit: Edit) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["State"] = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"

    edit("eventbridge.DescribeRule", change)
    edit("cloudwatch-events.DescribeRule", change)
    events.disable(aws, EAST, RULE)
    assert events.rule(aws, EAST, RULE).enabled


def test_a_rule_by_an_event_says_its_pattern(aws: Aws) -> None:
    aws.call("events", EAST, "put_rule", Name="by-event", EventPattern='{"source": ["aws.ecs"]}')
    assert "aws.ecs" in events.rule(aws, EAST, "by-event").when
