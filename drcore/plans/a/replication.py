"""The global table across regions: how far one copy is behind the other, what late writes have changed.

No metric proves replication: ReplicationLatency speaks only of what did replicate, and is silent when nothing does
(aws-facts A.5). So each region writes canaries, and their age in the other region is what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.clock import iso, parse_time
from drcore.engine.labels import label
from drcore.engine.metric_minutes import minute_of
from drcore.plans.a.facts import ARun
from drcore.record.evidence import Chart, Limit, Series, Table
from drcore.services.cloudwatch import Metric, Points
from drcore.services.dynamodb import tables

_ONE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Canary:
    """The newest canary of one region as another one holds it. `at` is when it was written; None: there is none."""

    seq: int = field(metadata=label("number"))
    at: datetime | None = field(metadata=label("written"))


@dataclass(frozen=True, slots=True, order=True)
class ItemVersion:
    """One item as it stands: its key, when it was updated, in which region."""

    key: str
    at: datetime
    region: str


@dataclass(frozen=True, slots=True, order=True)
class LateWrite:
    """A write that came late, and what stood in its place before the region came back (None: nothing as new)."""

    came: ItemVersion
    was: ItemVersion | None
    overwrote: bool


def canary(run: ARun, of: str, held_in: str) -> Canary:
    """Raises Unknown, Rejected."""
    key = {"pk": f"{run.facts.canary.key_prefix}{of}", "sk": "0"}
    item = tables.item(run.aws, held_in, run.facts.table, key)
    return Canary(int(item["seq"]), parse_time(item["ts"])) if item else Canary(0, None)


def versions(run: ARun, region: str, since: datetime) -> tuple[ItemVersion, ...]:
    """The items that were updated since a time as a region holds them, but the canaries. Raises Unknown, Rejected.

    The others are not asked for: what was updated well before the fault was everywhere before it, and neither came
    late nor is newer than what did. So a table of any size costs one scan, and the journal what was written meanwhile.
    """
    items = tables.items(run.aws, region, run.facts.table, since=("UpdatedAt", iso(since)))
    return tuple(sorted(_versions(run, items)))


def late(
    before: Iterable[ItemVersion],
    now: Iterable[ItemVersion],
    lost: str,
    *,
    fault: datetime,
    away: Callable[[datetime], bool],
) -> tuple[LateWrite, ...]:
    """What the region `lost` had written while it was `away`, or before, and that came only after `before` was read.

    It overwrote a newer update where another region had made one since the fault: the late writer could not know of
    that. So it is too where the clock of the late write is behind the one that gave way.
    """
    old = {version.key: version for version in before}
    came = (each for each in now if each.region == lost and away(each.at) and old.get(each.key) != each)
    return tuple(
        LateWrite(each, was, _overwrote(each, was, lost, fault)) for each in came for was in [old.get(each.key)]
    )


def _overwrote(came: ItemVersion, was: ItemVersion | None, lost: str, fault: datetime) -> bool:
    return was is not None and ((was.region != lost and was.at > fault) or was.at > came.at)


def differing(here: Iterable[ItemVersion], there: Iterable[ItemVersion], settled: datetime) -> tuple[str, ...]:
    """The keys of items that are not the same in two regions, but for those that were written after `settled`.

    An item that only one region has among its recent ones is not the same: the other one still has an older update.
    """
    old, new = ({version.key: version for version in each} for each in (here, there))
    keys = (key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key))
    return tuple(key for key in keys if all(each[key].at <= settled for each in (old, new) if key in each))


def lag(run: ARun, source: str, receiving: str, minutes: float = 60, *, end: datetime | None = None) -> Points:
    """Replication latency until `end` (None: the last whole minute) in seconds, by the minute, of the source."""
    until = minute_of(end) if end else run.metrics.until
    since = until - timedelta(minutes=minutes)
    lags = run.metrics.read(source, [_latency(run, receiving)], since, until)[0]
    in_seconds = {time: value / 1000 for time, value in lags.by_time.items()}
    return Points(lags.times, tuple(in_seconds.values()), in_seconds)


# ── Exhibits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def lag_chart(run: ARun, name: str, minutes: float = 30) -> Chart:
    """Replication lag in each direction, with its line. A minute in which nothing was replicated has no value.

    Writes that were held come with all of their delay: such peaks leave the chart, and are named by its title.
    """
    since, until = run.metrics.last(minutes)
    times = tuple(since + number * _ONE for number in range(int((until - since) / _ONE)))
    limit, series = run.facts.thresholds.lag_s, []
    for source, receiving in _directions(run):
        if source != run.calls.failed_region:
            points = lag(run, source, receiving, minutes)
            series.append(Series(f"to {receiving}", times, tuple(points.by_time.get(time) for time in times)))
    known = [value for each in series for value in each.values if value is not None]
    longest = max(known, default=0.0)
    summary = (
        f"at most {longest:,.{0 if longest > 10 else 1}f} s among replicated writes"
        if known
        else "nothing was replicated"
    )
    limits = (Limit(f"target {limit:g} s", limit),)
    return Chart(
        name, f"Replication lag: {summary}", "longest lag, s", tuple(series), limits, run.marks(), ceiling=3 * limit
    )


def late_table(name: str, writes: Iterable[LateWrite]) -> Table:
    """The items that came late, a row an item; what stood there before, whether that was a newer update."""
    rows = tuple(
        (
            each.came.key,
            each.came.at,
            each.came.region,
            each.was.at if each.was else None,
            each.was.region if each.was else None,
            each.overwrote,
        )
        for each in sorted(writes, key=lambda each: (not each.overwrote, each.came))
    )
    columns = ("item", "updated", "region", "replaced an update of", "its region", "replaced a newer update")
    worse = sum(bool(row[-1]) for row in rows)
    return Table(name, f"{len(rows)} late writes, {worse} of them over a newer update", columns, rows)


def _directions(run: ARun) -> Iterator[tuple[str, str]]:
    return (
        (source, receiving)
        for source in run.service.regions
        for receiving in run.service.regions
        if source != receiving
    )


def _latency(run: ARun, receiving: str) -> Metric:
    dimensions = (("TableName", run.facts.table), ("ReceivingRegion", receiving))
    return Metric("AWS/DynamoDB", "ReplicationLatency", "Maximum", dimensions)


def _versions(run: ARun, items: Iterable[Mapping[str, str]]) -> Iterator[ItemVersion]:
    for item in items:
        if not item["pk"].startswith(run.facts.canary.key_prefix):
            yield ItemVersion(f"{item['pk']} {item['sk']}", parse_time(item["UpdatedAt"]), item.get("Region", ""))


def age(canary: Canary, now: datetime) -> float | None:
    """Seconds since a canary was written, None when there is none."""
    return None if canary.at is None else round((now - canary.at).total_seconds(), 1)
