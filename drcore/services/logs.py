"""CloudWatch Logs: the lines of a group that match a pattern, what Logs Insights makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from drcore.calls.aws import Aws
from drcore.clock import Clock
from drcore.errors import Busy, Rejected, Unknown

SEARCHABLE_S = 60.0  # a line is found so long after it was written: agents send in batches, then it is indexed
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 5  # queries: the account has 30 to 100 places, and others look into its logs too in an incident
_MOST = 10_000  # rows: what one answer of GetQueryResults can hold
_EVERY = 1  # seconds between two questions whether a query is over
_UNDER_WAY = ("Scheduled", "Running")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    at: datetime
    text: str


def lines(aws: Aws, region: str, group: str, pattern: str, since: datetime, until: datetime) -> tuple[Line, ...]:
    """All lines of a span that match, oldest first; `since` is included, `until` is not. Raises Rejected, Unknown."""
    events = aws.pages(
        "logs",
        region,
        "filter_log_events",
        "events",
        logGroupName=group,
        filterPattern=pattern,
        startTime=_milliseconds(since),
        endTime=_milliseconds(until) - 1,
    )
    read = (Line(_EPOCH + timedelta(milliseconds=each["timestamp"]), each["message"]) for each in events)
    return tuple(sorted(read, key=lambda line: line.at))


def retention_days(aws: Aws, region: str, group: str) -> int | None:
    """For how many days a group keeps its lines; None: for ever. Raises Rejected when there is none, Unknown."""
    groups = aws.pages("logs", region, "describe_log_groups", "logGroups", logGroupNamePrefix=group)
    known = next((each for each in groups if each["logGroupName"] == group), None)
    if known is None:
        raise Rejected(f"logs describe_log_groups in {region}: there is no {group}", "ResourceNotFoundException")
    days = known.get("retentionInDays")
    return None if days is None else int(days)


def keep_for(aws: Aws, region: str, group: str, days: int) -> None:
    """Have a group keep its lines for so many days, of those that CloudWatch Logs knows (30, 400, 3653, …)."""
    aws.call("logs", region, "put_retention_policy", logGroupName=group, retentionInDays=days)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A question to Logs Insights, without a span of time: that is the same for all that are asked together."""

    region: str
    groups: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of a query's result. A field that the row has not is None, never zero or empty."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str | None:
        return self.fields.get(name)

    def number(self, name: str) -> float | None:
        """Raises Unknown where the field is there and is no number."""
        text = self.fields.get(name)
        try:
            return None if text is None else float(text)
        except ValueError as error:
            raise Unknown(f"logs: {name} of a query's row: expected a number, seen {text!r}") from error

    def moment(self, name: str) -> datetime | None:
        """A time such as that of `bin(1m)`. Raises Unknown where the field is there and is no time."""
        text = self.fields.get(name)
        try:
            return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError as error:
            raise Unknown(f"logs: {name} of a query's row: expected a time, seen {text!r}") from error


@dataclass(slots=True)
class _UnderWay:
    query: LogQuery
    id: str = ""
    status: str = "not started"
    rows: tuple[LogRow, ...] = field(default=())


def insights(
    aws: Aws, clock: Clock, queries: Sequence[LogQuery], since: datetime, until: datetime, *, within: float
) -> tuple[tuple[LogRow, ...], ...]:
    """The rows of each query, in the order asked for; `since` is included, `until` is not.

    A query takes seconds: they are started five at a time, and asked until all are over, for `within` seconds on the
    whole. Lines come in late, so a span that ends now is not whole.

    Raises Rejected for a query that cannot be, or a group that is not there. Raises Unknown for a query that failed,
    was cancelled, or did not end in time, for want of a place among the queries of the account, and for a result with
    as many rows as one answer can hold: part of it is no result. What was started and is not over is stopped.
    """
    asked = [_UnderWay(query) for query in queries]
    deadline = clock.now() + timedelta(seconds=within)
    try:
        while True:
            _start(aws, asked, since, until)
            for running in asked:
                if running.status in _UNDER_WAY:
                    _look(aws, running)
            if all(each.status == "Complete" for each in asked):
                return tuple(each.rows for each in asked)
            if clock.now() >= deadline:
                raise Unknown("; ".join(_told(each, within) for each in asked if each.status != "Complete"))
            clock.sleep(_EVERY)
    finally:
        for running in asked:
            if running.status in _UNDER_WAY:
                with suppress(Rejected, Unknown):  # it may be over by now; otherwise it ends by itself
                    aws.call("logs", running.query.region, "stop_query", queryId=running.id)


def _start(aws: Aws, asked: Sequence[_UnderWay], since: datetime, until: datetime) -> None:
    """Start what may be started now. No place for a query is no answer yet: it is tried again."""
    for running in asked:
        if sum(other.status in _UNDER_WAY for other in asked) >= _AT_ONCE:
            return
        if running.status != "not started":
            continue
        # AWS includes the end, to the second, so the query itself leaves out what lies at it.
        span = f"filter @timestamp >= {_milliseconds(since)} and @timestamp < {_milliseconds(until)}"
        try:
            answer = aws.call(
                "logs",
                running.query.region,
                "start_query",
                logGroupNames=list(running.query.groups),
                startTime=_milliseconds(since) // 1000,
                endTime=-(-_milliseconds(until) // 1000),
                queryString=f"{span} | {running.query.text}",
                limit=_MOST,
            )
        except Busy:
            return
        running.id, running.status = answer["queryId"], "Scheduled"


def _look(aws: Aws, running: _UnderWay) -> None:
    answer: Mapping[str, Any] = aws.call("logs", running.query.region, "get_query_results", queryId=running.id)
    running.status = answer.get("status", "without a status")
    if running.status not in (*_UNDER_WAY, "Complete"):
        raise Unknown(f"logs: the query in {running.query.region} ended as {running.status}: {running.query.text}")
    if running.status == "Complete":
        if len(answer["results"]) >= _MOST:
            raise Unknown(f"logs: {_MOST} rows or more in {running.query.region}: {running.query.text}")
        running.rows = tuple(
            LogRow({cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"})
            for row in answer["results"]
        )


def _told(running: _UnderWay, within: float) -> str:
    return f"logs: the query in {running.query.region} is {running.status} after {within:g} s: {running.query.text}"


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
