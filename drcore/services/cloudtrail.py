"""CloudTrail: who called what, as far as the trail has it by now (it is minutes late)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drcore.calls.aws import Aws


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a control plane: when, by whom, with what."""

    at: datetime
    operation: str
    by: str
    parameters: dict[str, Any] = field(default_factory=dict)


def calls(aws: Aws, region: str, operation: str, since: datetime, until: datetime) -> tuple[Called, ...]:
    """All calls of one operation in a span, oldest first. Raises Unknown, Rejected."""
    events = aws.pages(
        "cloudtrail",
        region,
        "lookup_events",
        "Events",
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": operation}],
        StartTime=since,
        EndTime=until,
    )
    made = (Called(_utc(each["EventTime"]), operation, each.get("Username", ""), _parameters(each)) for each in events)
    return tuple(sorted(made, key=lambda call: (call.at, call.by)))


def _parameters(event: dict[str, Any]) -> dict[str, Any]:
    document = json.loads(event.get("CloudTrailEvent") or "{}")
    return document.get("requestParameters") or {}


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
