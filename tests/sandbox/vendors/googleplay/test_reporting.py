"""The numbers of Play: late, rounded, in their own time zones, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drcore.sandbox.core.faults import Faults
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay.reporting import rounded
from drcore.sandbox.vendors.googleplay.vitals import PlayVitals
from tests.sandbox.vendors.googleplay.conftest import Ask

AT = "/googleplay/v1beta1/apps/com.syncwell.app"
CRASHES, ERRORS = "/crashRateMetricSet", "/errorCountMetricSet"
UTC_ZONE, LA = {"id": "UTC"}, {"id": "America/Los_Angeles"}


@pytest.fixture(autouse=True)
def vitals(empty: InProcess) -> PlayVitals:
    """Four days of 1,234 users an hour on 411, two of whom crash, and a crowd on 410."""
    vitals = empty.world.state(PlayVitals)
    begin = datetime(2026, 1, 1, 8, tzinfo=UTC)
    for hour in range(24 * 4 + 2):
        vitals.add(begin + timedelta(hours=hour), 411, 1_234, 2, 3)
        vitals.add(begin + timedelta(hours=hour), 410, 45_678, 9, 10)
    return vitals


def spec(period: str, *days_and_hours: tuple[int, int], zone: object = None) -> dict[str, Any]:
    names = ("startTime", "endTime")
    times = {
        name: {"year": 2026, "month": 1, "day": day}
        | ({"hours": hour} if hour else {})
        | ({"timeZone": zone} if zone else {})
        for name, (day, hour) in zip(names, days_and_hours, strict=True)
    }
    return {"aggregationPeriod": period} | times


def query(ask: Ask, kind: str, timeline: dict[str, Any], **more: object) -> tuple[int, Any]:
    usual = {"metrics": ["crashRate", "distinctUsers"], "dimensions": ["versionCode"]}
    return ask("POST", f"{kind}:query", usual | {"timelineSpec": timeline} | more, at=AT)


def test_freshness_should_be_told_in_each_zone(ask: Ask) -> None:
    answer = ask("GET", CRASHES, at=AT)[1]
    assert answer["name"] == "apps/com.syncwell.app/crashRateMetricSet"
    fresh = {each["aggregationPeriod"]: each["latestEndTime"] for each in answer["freshnessInfo"]["freshnesses"]}
    assert fresh == {
        "HOURLY": {"year": 2026, "month": 1, "day": 5, "hours": 6, "timeZone": UTC_ZONE},
        "DAILY": {"year": 2026, "month": 1, "day": 4, "timeZone": LA},
    }


def test_an_hour_should_have_rounded_users_and_an_interval(ask: Ask) -> None:
    status, answer = query(ask, CRASHES, spec("HOURLY", (5, 5), (5, 6)))
    assert status == 200
    row = answer["rows"][1]
    assert row["startTime"] == {"year": 2026, "month": 1, "day": 5, "hours": 5, "timeZone": UTC_ZONE}
    assert row["dimensions"] == [{"dimension": "versionCode", "int64Value": "411"}]
    values = {each["metric"]: each for each in row["metrics"]}
    assert values["distinctUsers"]["decimalValue"] == {"value": "1200"}
    assert float(values["crashRate"]["decimalValue"]["value"]) == pytest.approx(2 / 1234, abs=1e-6)
    bounds = values["crashRate"]["decimalValueConfidenceInterval"]
    assert float(bounds["lowerBound"]["value"]) < 2 / 1234 < float(bounds["upperBound"]["value"]) < 0.01


@pytest.mark.parametrize(
    ("users", "seen"),
    [(4, 0), (5, 10), (996, 1000), (1_049, 1_000), (9_951, 10_000), (10_499, 10_000), (14_600_000, 15_000_000)],
)
def test_users_should_be_rounded(users: int, seen: int) -> None:
    assert rounded(users) == seen


def test_a_day_should_be_one_of_los_angeles(ask: Ask) -> None:
    rows = query(ask, CRASHES, spec("DAILY", (2, 0), (4, 0), zone=LA))[1]["rows"]
    assert [row["startTime"]["day"] for row in rows] == [2, 2, 3, 3]
    assert rows[0]["startTime"]["timeZone"] == LA


@pytest.mark.parametrize(
    ("timeline", "more", "message"),
    [
        (spec("HOURLY", (5, 5), (5, 7)), {}, "latest available data point"),
        (spec("DAILY", (3, 0), (5, 0)), {}, "latest available data point"),
        (spec("HOURLY", (5, 5), (5, 6), zone=LA), {}, "only supported time zone is UTC"),
        (spec("DAILY", (2, 0), (3, 0), zone=UTC_ZONE), {}, "only supported time zone is America/Los_Angeles"),
        (spec("DAILY", (2, 5), (3, 0)), {}, "'hours' must be unset"),
        (spec("HOURLY", (5, 6), (5, 6)), {}, "must be before"),
        (spec("HOURLY", (5, 5), (5, 6)), {"metrics": ["crashRate7dUserWeighted"]}, "not supported for aggregation"),
        (spec("HOURLY", (5, 5), (5, 6)), {"metrics": []}, "At least one metric"),
        (spec("HOURLY", (5, 5), (5, 6)), {"metrics": ["crashes"]}, "Unsupported metric: crashes"),
        (spec("HOURLY", (5, 5), (5, 6)), {"dimensions": ["colour"]}, "Unsupported dimension: colour"),
        (spec("HOURLY", (5, 5), (5, 6)), {"filter": "versionCode > 3"}, "Invalid filter"),
        ({"aggregationPeriod": "MINUTELY"}, {}, "Unsupported aggregation period"),
    ],
)
def test_a_question_that_is_wrong_should_be_refused(
    ask: Ask, timeline: dict[str, Any], more: dict[str, object], message: str
) -> None:
    status, answer = query(ask, CRASHES, timeline, **more)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert message in answer["error"]["message"]


def test_rows_should_come_page_by_page(ask: Ask) -> None:
    timeline, rows, token = spec("HOURLY", (4, 0), (5, 6)), [], None
    whole = query(ask, CRASHES, timeline)[1]["rows"]
    for _ in range(4):
        page = query(ask, CRASHES, timeline, pageSize=17, **({"pageToken": token} if token else {}))[1]
        rows += page["rows"]
        token = page.get("nextPageToken")
    assert (len(whole), rows, token) == (60, whole, None)


def test_a_token_should_belong_to_its_question(ask: Ask) -> None:
    token = query(ask, CRASHES, spec("HOURLY", (4, 0), (5, 6)), pageSize=5)[1]["nextPageToken"]
    assert query(ask, CRASHES, spec("HOURLY", (4, 1), (5, 6)), pageSize=5, pageToken=token)[0] == 400


def test_a_filter_should_name_versions(ask: Ask) -> None:
    rows = query(ask, CRASHES, spec("HOURLY", (5, 5), (5, 6)), filter="versionCode = 411 OR versionCode = 7")[1]["rows"]
    assert [row["dimensions"][0]["int64Value"] for row in rows] == ["411"]


def test_errors_should_be_counted_as_they_are(ask: Ask) -> None:
    asked = {"metrics": ["errorReportCount", "distinctUsers"], "dimensions": ["reportType", "versionCode"]}
    rows = query(ask, ERRORS, spec("HOURLY", (5, 5), (5, 6)), **asked)[1]["rows"]
    assert rows[1]["dimensions"][0] == {"dimension": "reportType", "stringValue": "CRASH"}
    assert [each["decimalValue"]["value"] for each in rows[1]["metrics"]] == ["3", "2"]
    asked["dimensions"] = ["versionCode"]
    assert (
        "reportType is required" in query(ask, ERRORS, spec("HOURLY", (5, 5), (5, 6)), **asked)[1]["error"]["message"]
    )


def test_a_few_users_should_not_be_shown(ask: Ask, vitals: PlayVitals) -> None:
    vitals.add(datetime(2026, 1, 5, 5, tzinfo=UTC), 412, 4, 4, 4)
    rows = query(ask, CRASHES, spec("HOURLY", (5, 5), (5, 6)))[1]["rows"]
    assert {row["dimensions"][0]["int64Value"] for row in rows} == {"410", "411"}


def test_no_data_should_be_no_rows(ask: Ask) -> None:
    assert query(ask, CRASHES, spec("HOURLY", (1, 1), (1, 2))) == (200, {})


def test_the_served_releases_should_be_listed(ask: Ask) -> None:
    tracks = ask("GET", ":fetchReleaseFilterOptions", at=AT)[1]["tracks"]
    assert tracks[0]["servingReleases"] == [
        {"displayName": "4.11.0", "versionCodes": ["411"]},
        {"displayName": "4.10.0", "versionCodes": ["410"]},
    ]


def test_a_stale_read_should_be_one_of_a_query_too(ask: Ask, empty: InProcess, vitals: PlayVitals) -> None:
    empty.world.state(Faults).inject("stale-read", {"service": "googleplay"})
    before, other = (query(ask, CRASHES, spec("HOURLY", (5, hour), (5, hour + 1))) for hour in (5, 4))
    assert before != other, "another question has another answer"
    vitals.add(datetime(2026, 1, 5, 5, tzinfo=UTC), 411, 5_000, 900, 900)
    assert query(ask, CRASHES, spec("HOURLY", (5, 5), (5, 6))) == before
    empty.world.clock.advance(61)
    assert query(ask, CRASHES, spec("HOURLY", (5, 5), (5, 6))) != before
