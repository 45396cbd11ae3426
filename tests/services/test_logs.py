"""A query of the logs is asked until it is over; what is not a whole result is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.clock import Clock
from drcore.errors import Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.logs import insights_queries
from drcore.sandbox.services.logs.insights_queries import Insights
from drcore.sandbox.services.logs.state import Logs
from drcore.services import logs
from drcore.services.logs import LogQuery, LogRow
from tests.services.conftest import Edit
from tests.support.world_clock import WorldClock

EAST, GROUP, LINES = "us-east-1", "/syncwell/merges", "/syncwell/api"
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
MERGES = LogQuery(EAST, (GROUP,), "stats count(*) as n, sum(ai) as by_ai by bin(1m) as minute | sort minute asc")


@pytest.fixture
def clock(world: InProcess) -> Clock:
    return WorldClock(world)


@pytest.fixture(scope="module")
def opened(world: InProcess) -> datetime:
    """From then on there is a merge each 20 seconds, three minutes long, and one more at the very end of the third."""
    opened = world.world.clock.now().replace(second=0, microsecond=0)
    for number in range(10):
        line = json.dumps({"ai": number % 2, "user": f"u{number}"})
        world.world.state(Logs).write(EAST, GROUP, opened + timedelta(seconds=20 * number), line)
    world.request("POST", "/_sandbox/clock", {"sleep": 400})
    return opened


def ask(aws: Aws, clock: Clock, opened: datetime, *queries: LogQuery, within: float = 60) -> tuple[Any, ...]:
    return logs.insights(aws, clock, queries or (MERGES,), opened, opened + timedelta(minutes=3), within=within)


def under_way(world: InProcess) -> list[str]:
    now = world.world.clock.now()
    runs = world.world.state(Insights).newest_first(EAST)
    return [run.text for run in runs if run.status(now) in insights_queries.ACTIVE]


def test_rows_have_their_types_and_the_end_of_the_span_is_left_out(aws: Aws, clock: Clock, opened: datetime) -> None:
    (rows,) = ask(aws, clock, opened)
    assert [row.moment("minute") for row in rows] == [opened + timedelta(minutes=n) for n in range(3)]
    assert [(row.number("n"), row.number("by_ai")) for row in rows] == [(3.0, 1.0), (3.0, 2.0), (3.0, 1.0)]
    assert rows[0].text("nothing") is None and rows[0].number("nothing") is None
    assert clock.slept >= 2  # the first answers were only part of it


def test_a_value_of_another_type_is_not_known() -> None:
    row = LogRow({"n": "many", "minute": "soon"})
    with pytest.raises(Unknown, match="n of a query's row: expected a number, seen 'many'"):
        row.number("n")
    with pytest.raises(Unknown, match="expected a time, seen 'soon'"):
        row.moment("minute")


def test_nothing_found_is_no_row(aws: Aws, clock: Clock, opened: datetime) -> None:
    assert ask(aws, clock, opened, LogQuery(EAST, (GROUP,), "filter ai = 7 | stats count(*)")) == ((),)


def test_many_queries_are_asked_five_at_a_time_and_answered_in_order(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, clock: Clock, opened: datetime
) -> None:
    monkeypatch.setattr(insights_queries, "AT_ONCE", 5)  # a sixth at once would be refused
    queries = [LogQuery(EAST, (GROUP,), f'filter user = "u{n}" | stats max(ai) as ai') for n in range(8)]
    found = ask(aws, clock, opened, *queries)
    assert [rows[0].number("ai") for rows in found] == [0, 1, 0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("ends_as", ["Failed", "Timeout"])
def test_a_query_that_comes_to_nothing_is_not_known_and_leaves_none_running(
    monkeypatch: pytest.MonkeyPatch, world: InProcess, aws: Aws, clock: Clock, opened: datetime, ends_as: str
) -> None:
    monkeypatch.setattr(world.world.state(Insights), "ends_as", ends_as)
    with pytest.raises(Unknown, match="ended as Failed" if ends_as == "Failed" else "is Running after 20 s"):
        ask(aws, clock, opened, within=20)
    assert under_way(world) == []


def test_no_place_for_a_query_is_waited_for_and_not_known_in_the_end(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, clock: Clock, opened: datetime
) -> None:
    monkeypatch.setattr(insights_queries, "AT_ONCE", 0)
    with pytest.raises(Unknown, match="is not started after 3 s"):
        ask(aws, clock, opened, within=3)
    monkeypatch.setattr(insights_queries, "AT_ONCE", 1)
    assert len(ask(aws, clock, opened, MERGES, MERGES)) == 2


@pytest.mark.parametrize("status", ["Unknown", "Cancelled", "something new"])
def test_a_status_that_is_not_complete_is_not_known(
    edit: Edit, aws: Aws, clock: Clock, opened: datetime, status: str
) -> None:
    edit("cloudwatch-logs.GetQueryResults", lambda answer: answer.update(status=status))
    with pytest.raises(Unknown, match=f"ended as {status}"):
        ask(aws, clock, opened)


def test_as_many_rows_as_an_answer_holds_may_not_be_all(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, clock: Clock, opened: datetime
) -> None:
    monkeypatch.setattr(logs, "_MOST", 3)
    with pytest.raises(Unknown, match="3 rows or more"):
        ask(aws, clock, opened)


def test_a_query_or_a_group_that_cannot_be_is_refused_by_name(
    world: InProcess, aws: Aws, clock: Clock, opened: datetime
) -> None:
    with pytest.raises(Rejected, match=r"MalformedQueryException.*grep"):
        ask(aws, clock, opened, LogQuery(EAST, (GROUP,), "grep x"))
    with pytest.raises(Rejected, match="ResourceNotFoundException"):
        ask(aws, clock, opened, MERGES, LogQuery(EAST, ("nobody",), "fields ai"))
    assert under_way(world) == []


def test_a_rehearsal_may_ask(gate: CallGate, aws: Aws, clock: Clock, opened: datetime) -> None:
    gate.writes = Writes.STOPPED
    assert len(ask(aws, clock, opened)[0]) == 3


# ── Lines


def test_a_line_says_when_it_was_written_to_the_millisecond(aws: Aws, edit: Edit) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["events"] = [{"timestamp": 1767603600500, "message": "b"}, {"timestamp": 1767603600007, "message": "a"}]

    edit("cloudwatch-logs.FilterLogEvents", change)
    found = logs.lines(aws, EAST, LINES, "x", BEGAN, BEGAN + timedelta(minutes=1))
    assert found == (
        logs.Line(BEGAN + timedelta(milliseconds=7), "a"),
        logs.Line(BEGAN + timedelta(milliseconds=500), "b"),
    )


def test_the_end_of_the_span_is_not_in_it(aws: Aws, gate: CallGate) -> None:
    """AWS takes both ends as included: what is asked for twice on end would be counted twice."""
    logs.lines(aws, EAST, LINES, "x", BEGAN, BEGAN + timedelta(minutes=1))
    asked = gate.made[-1].parameters
    assert asked["endTime"] - asked["startTime"] == 60_000 - 1
