"""AWS Health: what AWS itself says is wrong. It comes late, so it is never waited for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from drcore.calls.aws import Aws
from drcore.calls.gate import HOME_OF_GLOBAL


@dataclass(frozen=True, slots=True)
class Event:
    """One open issue."""

    service: str
    region: str
    code: str
    began: datetime


def issues(aws: Aws, regions: tuple[str, ...]) -> tuple[Event, ...]:
    """The open issues in some regions, oldest first. Raises Rejected (without a support plan that has it), Unknown."""
    wanted = {"regions": list(regions), "eventTypeCategories": ["issue"], "eventStatusCodes": ["open"]}
    listed = aws.pages("health", HOME_OF_GLOBAL, "describe_events", "events", filter=wanted)
    events = (
        Event(each["service"], each.get("region", ""), each["eventTypeCode"], each["startTime"].astimezone(UTC))
        for each in listed
    )
    return tuple(sorted(events, key=lambda event: (event.began, event.region, event.service)))
