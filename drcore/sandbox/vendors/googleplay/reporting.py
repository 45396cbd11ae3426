"""Play Developer Reporting (v1beta1): crash rates, error counts, the releases that are served.

Simplified: one dimension beside the report's type, the version; the rates of a span are those of its hours together.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.vendors.googleplay.accounts import REPORTING, PlayAccounts
from drcore.sandbox.vendors.googleplay.answers import SERVICE, invalid, not_found
from drcore.sandbox.vendors.googleplay.store import PACKAGE, PRODUCTION, PlayStore
from drcore.sandbox.vendors.googleplay.vitals import LOS_ANGELES, CrashCount, PlayVitals

_APP = f"/{SERVICE}/v1beta1/apps/<package>"
_RATES = ("crashRate", "userPerceivedCrashRate")
_ROLLING = tuple(f"{rate}{days}dUserWeighted" for rate in _RATES for days in (7, 28))
_METRICS = {
    "crashRateMetricSet": (*_RATES, *_ROLLING, "distinctUsers"),
    "errorCountMetricSet": ("errorReportCount", "distinctUsers"),
}
_DIMENSIONS = {"crashRateMetricSet": ("versionCode",), "errorCountMetricSet": ("reportType", "versionCode")}
_STEPS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1)}
_MOST, _USUAL = 10_000, 1_000
_Z = 1.96


@http_route("GET", f"{_APP}/crashRateMetricSet")
def get_crash_rates(call: HttpCall) -> JsonReply:
    """How fresh the crash rates are."""
    return _set(call, "crashRateMetricSet")


@http_route("GET", f"{_APP}/errorCountMetricSet")
def get_error_counts(call: HttpCall) -> JsonReply:
    """How fresh the error counts are."""
    return _set(call, "errorCountMetricSet")


@http_route("POST", f"{_APP}/crashRateMetricSet:query", reads=True)
def query_crash_rates(call: HttpCall) -> JsonReply:
    """The crash rates of a span; users are rounded, rates have a confidence interval."""
    return _query(call, "crashRateMetricSet")


@http_route("POST", f"{_APP}/errorCountMetricSet:query", reads=True)
def query_error_counts(call: HttpCall) -> JsonReply:
    """The error reports of a span, not rounded."""
    return _query(call, "errorCountMetricSet")


@http_route("GET", f"{_APP}:fetchReleaseFilterOptions")
def fetch_release_filter_options(call: HttpCall) -> JsonReply:
    """The releases that each track serves."""
    _reader(call)
    store = call.world.state(PlayStore)
    store.settle()
    tracks = [
        {
            "displayName": track.capitalize(),
            "type": track.capitalize(),
            "servingReleases": [
                {"displayName": release.body.get("name", ""), "versionCodes": [str(code) for code in release.codes]}
                for release in (store.offered(track) if track == PRODUCTION else store.tracks[track])
            ],
        }
        for track in store.tracks
    ]
    return JsonReply(200, {"tracks": tracks})


def rounded(users: int) -> int:
    """Distinct users as Google gives them: to 10, 100, 1,000 or 1,000,000, by their number."""
    step = 10 if users < 1_000 else 100 if users < 10_000 else 1_000 if users < 10_000_000 else 1_000_000
    return (users + step // 2) // step * step


def _reader(call: HttpCall) -> PlayVitals:
    call.world.state(PlayAccounts).caller(call, REPORTING)
    if call.args["package"] != PACKAGE:
        raise not_found(f"App not found: apps/{call.args['package']}.")
    return call.world.state(PlayVitals)


def _set(call: HttpCall, name: str) -> JsonReply:
    vitals = _reader(call)
    zones = {"HOURLY": UTC, "DAILY": LOS_ANGELES}
    freshnesses = [
        {"aggregationPeriod": period, "latestEndTime": _date_time(vitals.fresh(period), zone)}
        for period, zone in zones.items()
    ]
    return JsonReply(200, {"name": f"apps/{PACKAGE}/{name}", "freshnessInfo": {"freshnesses": freshnesses}})


def _query(call: HttpCall, name: str) -> JsonReply:
    vitals, asked = _reader(call), call.json()
    metrics, dimensions = asked.get("metrics", []), asked.get("dimensions", [])
    _check_names(name, metrics, dimensions)
    period, begin, end = _span(asked.get("timelineSpec", {}), vitals)
    if period == "HOURLY" and (rolling := [each for each in metrics if each in _ROLLING]):
        raise invalid(f"Metric {rolling[0]} is not supported for aggregation period HOURLY.")
    codes = _filter(asked.get("filter", ""))
    rows = list(_rows(vitals, name, period, begin, end, metrics, dimensions, codes))
    return JsonReply(200, _page(asked, rows))


def _check_names(name: str, metrics: object, dimensions: object) -> None:
    for what, sent, known in (("metric", metrics, _METRICS[name]), ("dimension", dimensions, _DIMENSIONS[name])):
        if not isinstance(sent, list):
            raise invalid(f"Invalid value at '{what}s', expected a list.")
        for row in sent:
            if row not in known:
                raise invalid(f"Unsupported {what}: {row}. Supported here: {', '.join(known)}.")
    if not metrics:
        raise invalid("At least one metric is required.")
    if name == "errorCountMetricSet" and "reportType" not in list(dimensions if isinstance(dimensions, list) else ()):
        raise invalid("Dimension reportType is required.")


def _span(spec: Any, vitals: PlayVitals) -> tuple[str, datetime, datetime]:
    period = spec.get("aggregationPeriod", "DAILY")
    if period not in _STEPS:
        raise invalid(f"Unsupported aggregation period: {period}.")
    if "startTime" not in spec or "endTime" not in spec:
        raise invalid("timeline_spec.start_time and timeline_spec.end_time are required.")
    begin, end = (_moment(spec[name], period) for name in ("startTime", "endTime"))
    if begin >= end:
        raise invalid("timeline_spec.start_time must be before timeline_spec.end_time.")
    fresh = vitals.fresh(period)
    if end > fresh:
        raise invalid(
            f"timeline_spec.end_time must not be after the latest available data point ({fresh.isoformat()})."
        )
    return period, begin, end


def _moment(time: Any, period: str) -> datetime:
    zone = time.get("timeZone", {}).get("id", "UTC" if period == "HOURLY" else LOS_ANGELES.key)
    expected = "UTC" if period == "HOURLY" else LOS_ANGELES.key
    if zone != expected or "utcOffset" in time:
        raise invalid(f"Unsupported time zone for {period}: {zone}. The only supported time zone is {expected}.")
    finer = ["minutes", "seconds", "nanos"] + (["hours"] if period == "DAILY" else [])
    if unaligned := [part for part in finer if time.get(part)]:
        raise invalid(f"timeline_spec is not aligned to {period}: '{unaligned[0]}' must be unset.")
    try:
        return datetime(time["year"], time["month"], time["day"], time.get("hours", 0), tzinfo=ZoneInfo(zone))
    except (KeyError, TypeError, ValueError) as error:
        raise invalid(f"Invalid DateTime in timeline_spec: {error}.") from error


def _filter(text: str) -> set[int] | None:
    """The versions that an AIP-160 filter names; None: all."""
    codes = set()
    for part in filter(None, re.split(r"\s+(?:OR|AND)\s+|[()]", text)):
        named = re.fullmatch(r'\s*(versionCode|reportType)\s*=\s*"?(\w+)"?\s*', part)
        if named is None or (named[1] == "versionCode") is not named[2].isdigit():
            raise AwsError("INVALID_ARGUMENT", f"Invalid filter: {text}.", 400)
        if named[1] == "versionCode":
            codes.add(int(named[2]))
    return codes or None


def _rows(
    vitals: PlayVitals,
    name: str,
    period: str,
    begin: datetime,
    end: datetime,
    metrics: Sequence[str],
    dimensions: Sequence[str],
    codes: set[int] | None,
) -> Iterator[dict[str, Any]]:
    zone = UTC if period == "HOURLY" else LOS_ANGELES
    at = begin
    while at < end:
        after = at + _STEPS[period]  # of civil time: a day has 23 hours once a year
        counts = vitals.between(at.astimezone(UTC), after.astimezone(UTC))
        kept = {code: count for code, count in counts.items() if codes is None or code in codes}
        for code, count in sorted(_by(kept, "versionCode" in dimensions).items()):
            values = list(_values(vitals, name, count, metrics, (code, after)))
            # Numbers of so few users that they round to nothing are not shown.
            if rounded(count.users) if name == "crashRateMetricSet" else count.reports:
                yield {
                    "aggregationPeriod": period,
                    "startTime": _date_time(at, zone),
                    "dimensions": [_dimension(each, code) for each in dimensions],
                    "metrics": values,
                }
        at = after


def _by(counts: Mapping[int, CrashCount], version: bool) -> dict[int, CrashCount]:
    if version:
        return dict(counts)
    total = CrashCount()
    for count in counts.values():
        total.users, total.crashed = total.users + count.users, total.crashed + count.crashed
        total.reports += count.reports
    return {0: total} if counts else {}


def _values(
    vitals: PlayVitals, name: str, count: CrashCount, metrics: Sequence[str], where: tuple[int, datetime]
) -> Iterator[dict[str, Any]]:
    code, end = where
    for metric in metrics:
        if metric == "errorReportCount":
            yield {"metric": metric, "decimalValue": {"value": str(count.reports)}}
        elif metric == "distinctUsers":
            users = rounded(count.users) if name == "crashRateMetricSet" else count.crashed
            yield {"metric": metric, "decimalValue": {"value": str(users)}}
        else:
            of = count
            if metric in _ROLLING:
                days = 7 if "7d" in metric else 28
                span = vitals.between((end - timedelta(days=days)).astimezone(UTC), end.astimezone(UTC))
                of = _by(span, bool(code)).get(code, count)
            yield {"metric": metric} | _rate(of)


def _rate(count: CrashCount) -> dict[str, Any]:
    """The share of users whose app crashed, with Wilson's interval of 95 %."""
    users = max(1, count.users)
    share = count.crashed / users
    middle = (share + _Z**2 / (2 * users)) / (1 + _Z**2 / users)
    half = _Z / (1 + _Z**2 / users) * math.sqrt(share * (1 - share) / users + _Z**2 / (4 * users**2))
    bounds = {
        "lowerBound": {"value": _decimal(max(0.0, middle - half))},
        "upperBound": {"value": _decimal(middle + half)},
    }
    return {"decimalValue": {"value": _decimal(share)}, "decimalValueConfidenceInterval": bounds}


def _decimal(value: float) -> str:
    return f"{value:.7f}".rstrip("0").rstrip(".") or "0"


def _dimension(name: str, code: int) -> dict[str, Any]:
    if name == "versionCode":
        return {"dimension": name, "int64Value": str(code)}
    return {"dimension": name, "stringValue": "CRASH"}


def _page(asked: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One page; a token belongs to the question that it was given for."""
    size = asked.get("pageSize") or _USUAL
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise invalid(f"Invalid page size: {size!r}.")
    size = min(size, _MOST)
    question = {name: value for name, value in asked.items() if name not in ("pageSize", "pageToken")}
    mark = f"{zlib.crc32(json.dumps(question, sort_keys=True).encode()):08x}"
    number, _, given = str(asked.get("pageToken") or f"0-{mark}").partition("-")
    if not number.isdigit() or given != mark:
        raise invalid("Invalid page token: all other parameters must match the call that provided it.")
    first = int(number)
    page: dict[str, Any] = {"rows": rows[first : first + size]} if rows else {}
    if first + size < len(rows):
        page["nextPageToken"] = f"{first + size}-{mark}"
    return page


def _date_time(moment: datetime, zone: Any) -> dict[str, Any]:
    """google.type.DateTime; what is zero is not sent."""
    local = moment.astimezone(zone)
    parts = {"year": local.year, "month": local.month, "day": local.day, "hours": local.hour}
    return {name: value for name, value in parts.items() if value} | {
        "timeZone": {"id": "UTC" if zone is UTC else zone.key}
    }
