"""Logs Insights: what a query finds, when it has found it, how it is refused."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.logs import insights_queries
from drcore.sandbox.services.logs.insights_queries import Insights
from drcore.sandbox.services.logs.state import Logs
from tests.sandbox.conftest import Client
from tests.support.syncwell_world import EAST, WEST, refused

GROUP = "/syncwell/worker"
JOBS = 12


def _job(number: int) -> dict[str, Any]:
    """Every fourth merge is a fallback; a job in three is of each partner."""
    failed = number % 4 == 0
    return {
        "event": "conflict_resolution",
        "strategy": "PrioritizeSource" if failed else "AI",
        "reason": "ai_error" if failed else None,
        "ms": number * 10,
        "partner": {"name": f"partner-{number % 3}", "ok": number % 2 == 0},
        "tags": ["first", str(number)],
    }


@pytest.fixture
def logs(empty: InProcess, client: Client) -> Any:
    """A log with one JSON line each 20 seconds, from 09:00 to 09:03:40, then one of plain text."""
    world = empty.world
    opened = world.clock.now().replace(second=0, microsecond=0)
    for number in range(JOBS):
        world.state(Logs).write(EAST, GROUP, opened + timedelta(seconds=20 * number), json.dumps(_job(number)))
    world.state(Logs).write(EAST, GROUP, opened + timedelta(seconds=230), "ERROR in job=42 of user 'x'")
    empty.request("POST", "/_sandbox/clock", {"sleep": 300})
    return client("logs")


def start(logs: Any, query: str, **more: Any) -> str:
    asked = {"logGroupName": GROUP, "startTime": 0, "endTime": 4_000_000_000} | more
    name: str = logs.start_query(queryString=query, **asked)["queryId"]
    return name


def ask(empty: InProcess, logs: Any, query: str, **more: Any) -> list[dict[str, str]]:
    """The rows of a query that is over, without pointers."""
    name = start(logs, query, **more)
    empty.request("POST", "/_sandbox/clock", {"sleep": 5})
    answer = logs.get_query_results(queryId=name)
    assert answer["status"] == "Complete"
    return [{each["field"]: each["value"] for each in row if each["field"] != "@ptr"} for row in answer["results"]]


def test_lines_should_be_counted_by_the_minute(empty: InProcess, logs: Any) -> None:
    query = """
        filter event = "conflict_resolution"   # only merges
        | stats count(*) as merges, sum(strategy = "PrioritizeSource" and reason = "ai_error") as fallbacks,
                avg(ms), pct(ms, 99) as p99 by bin(1m) as minute
        | sort minute asc
    """
    first, second, *others = ask(empty, logs, query)
    assert first == {
        "minute": "2026-01-05 09:00:00.000",
        "merges": "3",
        "fallbacks": "1",
        "avg(ms)": "10",
        "p99": "20",
    }
    assert second["minute"] == "2026-01-05 09:01:00.000"
    assert [row["fallbacks"] for row in (second, *others)] == ["1", "1", "0"]


@pytest.mark.parametrize(
    ("condition", "jobs"),
    [
        ("ms > 80", [9, 10, 11]),
        ("ms >= 100 and ms != 110", [10]),
        ("partner.name = 'partner-1' and ms < 50", [1, 4]),
        ("partner.ok = 1 and ms > 70", [8, 10]),
        ("partner.ok = 0 or ms = 0", [0, 1, 3, 5, 7, 9, 11]),
        ("not (partner.ok = 1 or ms < 90)", [9, 11]),
        ("strategy like 'Source'", [0, 4, 8]),
        ("strategy not like /(?i)source/ and ms < 30", [1, 2]),
        ("strategy =~ /^Prio.*Source$/", [0, 4, 8]),
        ("ms in [10, 20, 999]", [1, 2]),
        ('partner.name not in ["partner-0", "partner-1"]', [2, 5, 8, 11]),
        ("ispresent(reason)", [0, 4, 8]),
        ("reason = 'ai_error' and tags.1 = '4'", [4]),
        ("ms / 10 % 5 = 1", [1, 6, 11]),
        ("strcontains(partner.name, '2') = 1 and abs(-ms) > 60", [8, 11]),
        ("`partner.name` = 'nobody'", []),
    ],
)
def test_a_filter_should_find_the_lines_that_meet_its_condition(
    empty: InProcess, logs: Any, condition: str, jobs: list[int]
) -> None:
    rows = ask(empty, logs, f"fields ms | filter ispresent(event) and ({condition}) | sort ms asc")
    assert [int(row["ms"]) // 10 for row in rows] == jobs


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (
            "stats count(*) as n by partner.name | sort partner.name desc | limit 2",
            [["partner-2", "4"], ["partner-1", "4"]],
        ),
        ("filter @message like /ERROR/ | parse @message 'job=* of' as job | display job", [["42"]]),
        ("parse @message /job=(?<job>\\d+)/ | filter ispresent(job) | display job", [["42"]]),
        ("fields ms as x, x * 2 as y | sort x desc | display y | limit 1", [["220"]]),
        ("filter ms < 30 | stats sum(ms) / count(*) / 7 as share", [["1.4286"]]),
        ("stats count(*) as n by bin(1m) | stats max(n) as most", [["4"]]),
        ("stats count_distinct(partner.name), max(ms), min(ms), latest(strategy)", [["3", "110", "0", "AI"]]),
        ("filter ispresent(ms) | dedup strategy | display ms", [["110"], ["80"]]),
        ("filter event = 'never' | stats count(*)", []),
        ("filter ispresent(ms) | sort @timestamp asc | limit 1", [["2026-01-05 09:00:00.000", json.dumps(_job(0))]]),
    ],
)
def test_commands_should_follow_one_another(empty: InProcess, logs: Any, query: str, rows: list[list[str]]) -> None:
    assert [list(row.values()) for row in ask(empty, logs, query)] == rows


def test_a_query_should_look_at_its_span_only(empty: InProcess, logs: Any) -> None:
    begin = int(empty.world.clock.now().replace(minute=1, second=0, microsecond=0).timestamp())
    assert ask(empty, logs, "stats count(*) as n", startTime=begin, endTime=begin + 40) == [{"n": "3"}]


def test_of_the_lines_without_an_order_the_newest_should_come_first_and_no_more_than_asked_for(
    empty: InProcess, logs: Any
) -> None:
    assert ask(empty, logs, "fields ms | filter ispresent(ms)", limit=2) == [{"ms": "110"}, {"ms": "100"}]


def test_a_running_query_should_show_a_part_and_then_all(empty: InProcess, logs: Any) -> None:
    """Who takes the first answer for the result is wrong."""
    name = start(logs, "stats count(*) as n")
    assert logs.get_query_results(queryId=name)["status"] == "Scheduled"
    empty.request("POST", "/_sandbox/clock", {"sleep": 1})
    running = logs.get_query_results(queryId=name)
    assert (running["status"], running["results"][0][0]["value"]) == ("Running", "6")
    empty.request("POST", "/_sandbox/clock", {"sleep": 2})
    done = logs.get_query_results(queryId=name)
    assert (done["status"], done["results"][0][0]["value"]) == ("Complete", "13")
    assert done["statistics"]["recordsScanned"] == 13


def test_a_query_should_be_stopped_once(logs: Any) -> None:
    name = start(logs, "fields ms")
    assert logs.stop_query(queryId=name)["success"]
    assert logs.get_query_results(queryId=name)["status"] == "Cancelled"
    refused("InvalidParameterException", logs.stop_query, queryId=name)


@pytest.mark.parametrize(("ends_as", "after"), [("Failed", 5), ("Timeout", 3601)])
def test_a_query_may_come_to_nothing(empty: InProcess, logs: Any, ends_as: str, after: int) -> None:
    empty.world.state(Insights).ends_as = ends_as
    name = start(logs, "fields ms")
    empty.request("POST", "/_sandbox/clock", {"sleep": after})
    assert logs.get_query_results(queryId=name)["status"] == ends_as


def test_too_many_queries_at_once_should_be_refused_in_that_region(
    monkeypatch: pytest.MonkeyPatch, empty: InProcess, logs: Any, client: Client
) -> None:
    monkeypatch.setattr(insights_queries, "AT_ONCE", 2)
    client("logs", WEST).create_log_group(logGroupName=GROUP)
    names = [start(logs, "fields ms") for _ in range(2)]
    refused("LimitExceededException", start, logs=logs, query="fields ms")
    start(client("logs", WEST), "fields ms")
    logs.stop_query(queryId=names[0])
    start(logs, "fields ms")
    empty.request("POST", "/_sandbox/clock", {"sleep": 5})
    found = logs.describe_queries(logGroupName=GROUP, status="Complete")["queries"]
    assert names[1] in [each["queryId"] for each in found]
    assert names[0] not in [each["queryId"] for each in found]


@pytest.mark.parametrize(
    ("query", "start_at", "end"),
    [
        ("fields @timestamp | grep x", 20, 24),
        ("filter ms == 3", 11, 12),
        ("stats count(* by ms", 14, 16),
        ("stats ms by partner.name", 6, 8),
        ("fields max(ms)", 7, 14),
        ("filter nothing(ms) = 1", 7, 14),
        ("parse @message 'a=* b=*' as a", 0, 29),
        ("filter ms like /(a/", 0, 19),
        ("", 0, 0),
    ],
)
def test_a_query_outside_the_language_should_be_refused_at_its_place(
    logs: Any, query: str, start_at: int, end: int
) -> None:
    with pytest.raises(ClientError) as caught:
        start(logs, query)
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == "MalformedQueryException"
    assert answer["queryCompileError"]["location"] == {"startCharOffset": start_at, "endCharOffset": end}


def test_what_aws_has_and_the_sandbox_lacks_should_not_look_like_a_mistake(logs: Any) -> None:
    for query in ("pattern @message", "stats stddev(ms)", "stats count(*) by bin(1mo)"):
        refused("NotImplemented", start, logs=logs, query=query)
    refused("NotImplemented", start, logs=logs, query="SELECT 1", queryLanguage="SQL")


def test_a_group_or_a_span_that_cannot_be_should_be_refused(logs: Any) -> None:
    refused("ResourceNotFoundException", start, logs=logs, query="fields ms", logGroupName="nobody")
    refused("InvalidParameterException", start, logs=logs, query="fields ms", startTime=5, endTime=4)
    refused("InvalidParameterException", start, logs=logs, query="fields ms", logGroupNames=[GROUP])
    refused("ResourceNotFoundException", logs.get_query_results, queryId="nobody")


def test_a_pointer_should_lead_to_the_whole_line(empty: InProcess, logs: Any) -> None:
    name = start(logs, "fields ms | filter ms = 40")
    empty.request("POST", "/_sandbox/clock", {"sleep": 5})
    (row,) = logs.get_query_results(queryId=name)["results"]
    assert [each["field"] for each in row] == ["ms", "@ptr"]
    record = logs.get_log_record(logRecordPointer=row[1]["value"])["logRecord"]
    assert record["partner.name"] == "partner-1" and record["partner.ok"] == "1" and record["@message"]
