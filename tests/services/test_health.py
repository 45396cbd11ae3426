"""What AWS itself says is wrong: the open issues of some regions, oldest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.services import health
from tests.services.conftest import Edit

BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
EVENTS = [
    {"service": "EC2", "region": "us-east-1", "eventTypeCode": "LATER", "startTime": BEGAN + timedelta(minutes=5)},
    {"service": "RDS", "eventTypeCode": "EVERYWHERE", "startTime": BEGAN},
]


def test_issues_are_sorted_by_when_they_began(aws: Aws, edit: Edit) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["events"] = EVENTS

    edit("health.DescribeEvents", change)
    found = health.issues(aws, ("us-east-1",))
    assert [(each.code, each.region) for each in found] == [("EVERYWHERE", ""), ("LATER", "us-east-1")]


def test_it_is_asked_where_its_control_plane_is_for_open_issues_only(aws: Aws, gate: CallGate) -> None:
    health.issues(aws, ("us-west-2",))
    (call,) = gate.made
    assert call.region == "us-east-1"
    asked = call.parameters["filter"]
    assert asked["regions"] == ["us-west-2"]
    assert asked["eventStatusCodes"] == ["open"] and asked["eventTypeCategories"] == ["issue"]
