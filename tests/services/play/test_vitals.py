"""Crash rates as Play has them: with their bound, their rounding, their freshness, all pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drcore.errors import Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay.vitals import PlayVitals
from drcore.services.play import vitals
from drcore.services.play.client import Play
from drcore.services.play.vitals import crash_rates, fresh_until

BEGIN = datetime(2026, 1, 3, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def counts(world: InProcess) -> PlayVitals:
    counts = world.world.state(PlayVitals)
    for hour in range(46):
        counts.add(BEGIN + timedelta(hours=hour), 410, 45_678, 9, 10)
        counts.add(BEGIN + timedelta(hours=hour), 411, 1_234, 3, 4)
    return counts


def test_freshness_should_be_in_utc(play: Play) -> None:
    assert fresh_until(play, "HOURLY") == datetime(2026, 1, 5, 6, tzinfo=UTC)
    assert fresh_until(play, "DAILY") == datetime(2026, 1, 4, 8, tzinfo=UTC), "midnight in Los Angeles"


def test_an_hour_should_have_its_bound_and_its_rounding(play: Play) -> None:
    end = fresh_until(play, "HOURLY")
    (row,) = crash_rates(play, "HOURLY", end - timedelta(hours=1), end, [411])
    assert (row.code, row.at, row.users, row.users_off_by) == (411, end - timedelta(hours=1), 1_200, 50)
    assert row.low is not None and row.high is not None
    assert row.rate == pytest.approx(3 / 1_234, abs=1e-6)
    assert row.low < row.rate < row.high


def test_all_pages_should_be_read(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = crash_rates(play, "HOURLY", BEGIN, fresh_until(play, "HOURLY"), [410, 411])
    monkeypatch.setattr(vitals, "_PAGE", 7)
    assert crash_rates(play, "HOURLY", BEGIN, fresh_until(play, "HOURLY"), [410, 411]) == whole
    assert len(whole) == 92


def test_a_day_should_be_one_of_los_angeles(play: Play) -> None:
    rows = crash_rates(play, "DAILY", BEGIN, fresh_until(play, "DAILY"), [411])
    assert [row.at for row in rows] == [BEGIN]


def test_what_is_not_fresh_should_be_rejected(play: Play) -> None:
    with pytest.raises(Rejected, match="latest available data point"):
        crash_rates(play, "HOURLY", BEGIN, datetime(2026, 1, 5, 9, tzinfo=UTC), [411])


def test_a_version_without_a_row_should_not_be_zero(play: Play) -> None:
    end = fresh_until(play, "HOURLY")
    assert crash_rates(play, "HOURLY", end - timedelta(hours=1), end, [412]) == ()


@pytest.mark.parametrize(
    ("users", "off_by"), [(0, 5), (10, 5), (1_200, 50), (46_000, 500), (3_000_000, 500_000), (7, 0)]
)
def test_a_rounded_count_should_say_how_far_it_may_be_off(users: int, off_by: int) -> None:
    assert vitals._off_by(users) == off_by


def test_a_zone_that_is_none_should_be_unknown(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"freshnessInfo": {"freshnesses": [{"aggregationPeriod": "HOURLY", "latestEndTime": {"year": 2026}}]}}
    monkeypatch.setattr(play, "report", lambda *_, **__: answer)
    with pytest.raises(Unknown, match=r"latestEndTime\.month: expected a value, seen none"):
        fresh_until(play, "HOURLY")
    time = {"year": 2026, "month": 1, "day": 5, "timeZone": {"id": "Mars/Olympus"}}
    answer["freshnessInfo"]["freshnesses"][0]["latestEndTime"] = time
    with pytest.raises(Unknown, match=r"expected a time, seen .*Mars/Olympus"):
        fresh_until(play, "HOURLY")
