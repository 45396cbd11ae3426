"""The vitals of an app in Google Play: crash rates by version, how fresh they are, how far they are rounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from drcore.errors import Unknown
from drcore.services.answers import VendorAnswer, understood
from drcore.services.play.client import Play

Period = Literal["HOURLY", "DAILY"]
_ZONES: dict[Period, str] = {"HOURLY": "UTC", "DAILY": "America/Los_Angeles"}  # the only ones that Google takes
_PAGE = 1_000
_STEPS = (1_000_000, 1_000, 100, 10)
_CRASHES = "crashRateMetricSet"


@dataclass(frozen=True, slots=True)
class VersionCrashes:
    """The users of one version in one hour or day from `at` on.

    `rate` is the share whose app crashed, from 0 to 1; `low` and `high` are the bounds that Google gives for it (None:
    it gives none). `users` is rounded: it may be off by `users_off_by`.
    """

    code: int
    at: datetime
    users: int
    users_off_by: int
    rate: float
    low: float | None = None
    high: float | None = None


class _Zone(VendorAnswer):
    id: str


class _DateTime(VendorAnswer):
    year: int
    month: int
    day: int
    hours: int = 0
    minutes: int = 0
    time_zone: _Zone


class _Freshness(VendorAnswer):
    aggregation_period: str
    latest_end_time: _DateTime


class _Freshnesses(VendorAnswer):
    freshnesses: tuple[_Freshness, ...]


class _MetricSet(VendorAnswer):
    freshness_info: _Freshnesses


class _Decimal(VendorAnswer):
    value: str = "0"


class _Interval(VendorAnswer):
    lower_bound: _Decimal
    upper_bound: _Decimal


class _Metric(VendorAnswer):
    metric: str
    decimal_value: _Decimal
    decimal_value_confidence_interval: _Interval | None = None


class _Dimension(VendorAnswer):
    dimension: str
    int_64_value: str = ""


class _MetricRow(VendorAnswer):
    start_time: _DateTime
    dimensions: tuple[_Dimension, ...] = ()
    metrics: tuple[_Metric, ...] = ()


class _MetricRows(VendorAnswer):
    rows: tuple[_MetricRow, ...] = ()
    next_page_token: str = ""


def fresh_until(play: Play, period: Period) -> datetime:
    """The end of the last hour or day that the crash rates are known for, in UTC. Raises Unknown, Rejected."""
    what = f"the freshness of {_CRASHES}"
    metric_set = understood(play.report("GET", f"/{_CRASHES}"), _MetricSet, what)
    for freshness in metric_set.freshness_info.freshnesses:
        if freshness.aggregation_period == period:
            return _moment(freshness.latest_end_time, what)
    raise Unknown(f"{what}: expected one for {period}, seen none")


def crash_rates(
    play: Play, period: Period, begin: datetime, end: datetime, codes: Sequence[int]
) -> tuple[VersionCrashes, ...]:
    """The crash rates of some versions in the whole hours or days from `begin` to `end`. Raises Unknown, Rejected.

    `end` is at most what `fresh_until` says. A version, or an hour, that has no row is not known: it is not zero.
    """
    metrics = ("crashRate", "distinctUsers")
    rates = []
    for row in _rows(play, period, begin, end, codes, metrics):
        code, at, values = _told(row, metrics)
        users, interval = int(_number(values["distinctUsers"])), values["crashRate"].decimal_value_confidence_interval
        bounds = (
            (None, None) if interval is None else (float(interval.lower_bound.value), float(interval.upper_bound.value))
        )
        rates.append(VersionCrashes(code, at, users, _off_by(users), _number(values["crashRate"]), *bounds))
    return tuple(rates)


def _rows(
    play: Play,
    period: Period,
    begin: datetime,
    end: datetime,
    codes: Sequence[int],
    metrics: Sequence[str],
) -> Iterator[_MetricRow]:
    """All rows, page by page."""
    named = " OR ".join(f"versionCode = {code}" for code in codes)
    spec = {"aggregationPeriod": period, "startTime": _sent(begin, period), "endTime": _sent(end, period)}
    asked: dict[str, Any] = {"timelineSpec": spec, "metrics": list(metrics), "dimensions": ["versionCode"]}
    asked |= {"filter": f"({named})" if codes else "", "pageSize": _PAGE}
    while True:
        page = understood(play.report("POST", f"/{_CRASHES}:query", body=asked), _MetricRows, f"the rows of {_CRASHES}")
        yield from page.rows
        if not page.next_page_token:
            return
        asked["pageToken"] = page.next_page_token


def _told(row: _MetricRow, metrics: Sequence[str]) -> tuple[int, datetime, dict[str, _Metric]]:
    what = "a row of Google Play's vitals"
    named = {each.dimension: each.int_64_value for each in row.dimensions}
    values = {each.metric: each for each in row.metrics}
    if missing := [each for each in metrics if each not in values]:
        raise Unknown(f"{what}: expected the metric {missing[0]}, seen {', '.join(values) or 'none'}")
    return _code(named.get("versionCode", ""), what), _moment(row.start_time, what), values


def _code(text: str, what: str) -> int:
    if not text.isdecimal():
        raise Unknown(f"{what}: expected a version code, seen {text!r}")
    return int(text)


def _number(metric: _Metric) -> float:
    try:
        return float(metric.decimal_value.value or "0")
    except ValueError:
        seen = metric.decimal_value.value
        raise Unknown(f"the metric {metric.metric}: expected a decimal number, seen {seen!r}") from None


def _off_by(users: int) -> int:
    """By how much a rounded count may be off: half of the largest step that it is a multiple of."""
    return next((step // 2 for step in _STEPS if users % step == 0), 0) if users else _STEPS[-1] // 2


def _moment(time: _DateTime, what: str) -> datetime:
    try:
        zone = ZoneInfo(time.time_zone.id)
        local = datetime(time.year, time.month, time.day, time.hours, time.minutes, tzinfo=zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise Unknown(f"{what}: expected a time, seen {time}: {error}") from None
    return local.astimezone(UTC)


def _sent(moment: datetime, period: Period) -> dict[str, Any]:
    local = moment.astimezone(ZoneInfo(_ZONES[period]))
    parts: dict[str, Any] = {"year": local.year, "month": local.month, "day": local.day}
    return parts | ({"hours": local.hour} if period == "HOURLY" else {}) | {"timeZone": {"id": _ZONES[period]}}
