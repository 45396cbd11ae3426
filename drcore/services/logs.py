"""CloudWatch Logs: the lines of a group that match a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drcore.calls.aws import Aws

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    at: datetime
    text: str


def lines(aws: Aws, region: str, group: str, pattern: str, since: datetime, until: datetime) -> tuple[Line, ...]:
    """All lines of a span that match, oldest first; `since` is included, `until` is not. Raises Rejected, Unknown."""
    found = aws.pages(
        "logs",
        region,
        "filter_log_events",
        "events",
        logGroupName=group,
        filterPattern=pattern,
        startTime=_milliseconds(since),
        endTime=_milliseconds(until) - 1,
    )
    told = (Line(_EPOCH + timedelta(milliseconds=each["timestamp"]), each["message"]) for each in found)
    return tuple(sorted(told, key=lambda line: line.at))


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
