"""The global table across regions: how far one copy is behind the other, what late writes have changed.

No metric proves replication: ReplicationLatency speaks only of what did replicate, and is silent when nothing does
(aws-facts A.5). So each region writes canaries, and their age in the other region is what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.clock import iso, parse_time
from drcore.engine.labels import label
from drcore.engine.metric_minutes import minute_of
from drcore.plans.a.facts import ARun
from drcore.record.evidence import Chart, Limit, Series, Table
from drcore.services.cloudwatch import Metric, Points
from drcore.services.dynamodb import items as dynamodb_items
from drcore.services.dynamodb import tables

_ONE = timedelta(minutes=1)
_SAMPLE = 8  # pages


@dataclass(frozen=True, slots=True)
class Canary:
    """The newest canary of one region as another one holds it. `at` is when it was written; None: there is none."""

    seq: int = field(metadata=label("number"))
    at: datetime | None = field(metadata=label("written"))


@dataclass(frozen=True, slots=True, order=True)
class ItemVersion:
    """One item as it stands: its key, when it was updated, in which region."""

    pk: str
    sk: str
    at: datetime
    region: str

    @property
    def key(self) -> tuple[str, str]:
        """Its whole key."""
        return self.pk, self.sk


@dataclass(frozen=True, slots=True)
class RecentItems:
    """The items that were updated since a time, as a region held them; `whole`: all, and not those of a sample."""

    items: tuple[ItemVersion, ...]
    whole: bool


@dataclass(frozen=True, slots=True, order=True)
class LateWrite:
    """A write that came late, and what stood in its place before the region came back (None: nothing as new).

    `overwrote` says whether that was newer; None: what stood there had not been read when the region came back.
    """

    came: ItemVersion
    was: ItemVersion | None
    overwrote: bool | None


def canary(run: ARun, of: str, held_in: str) -> Canary:
    """Raises Unknown, Rejected."""
    key = {"pk": f"{run.facts.canary.key_prefix}{of}", "sk": "0"}
    item = tables.item(run.aws, held_in, run.facts.table, key)
    return Canary(int(item["seq"]), parse_time(item["ts"])) if item else Canary(0, None)


def versions(run: ARun, region: str, since: datetime) -> tuple[ItemVersion, ...]:
    """The items that were updated since a time as a region holds them, but the canaries. Raises Unknown, Rejected.

    The others are not asked for: what was updated well before the fault was everywhere before it, and neither came
    late nor is newer than what did. The whole table is read for it: only after users are well again.
    """
    items = tables.items(run.aws, region, run.facts.table, since=("UpdatedAt", iso(since)))
    return tuple(sorted(_versions(run, items)))


def sampled_versions(run: ARun, region: str, since: datetime) -> RecentItems:
    """As `versions`, of a part of the table that is quickly read: users wait. Raises Unknown, Rejected."""
    sample = tables.sample(run.aws, region, run.facts.table, _SAMPLE, since=("UpdatedAt", iso(since)))
    return RecentItems(tuple(sorted(_versions(run, sample.items))), sample.whole)


def versions_of(run: ARun, region: str, keys: Iterable[tuple[str, str]]) -> tuple[ItemVersion, ...]:
    """The items of some keys as a region holds them now. Raises Unknown, Rejected."""
    typed = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
    items = dynamodb_items.some(run.aws, region, run.facts.table, typed, consistent=False)
    plain = ({name: value["S"] for name, value in item.items() if "S" in value} for item in items)
    return tuple(sorted(_versions(run, plain)))


def late(
    before: RecentItems,
    now: Iterable[ItemVersion],
    lost: str,
    *,
    fault: datetime,
    arrived: datetime | None,
    away: Callable[[datetime], bool],
) -> tuple[LateWrite, ...]:
    """What the region `lost` had written while it was `away`, or before, and that came only after `before` was read.

    It overwrote a newer update where another region had made one since the fault: the late writer could not know of
    that. So it is too where the clock of the late write is behind the one that gave way. An item that `before` does
    not hold, as it is no more than a sample, came late where it is newer than what had `arrived` (None: nothing had).
    """
    old = {version.key: version for version in before.items}

    def came_late(version: ItemVersion) -> bool:
        if version.key in old or before.whole:
            return old.get(version.key) != version
        return arrived is None or version.at > arrived

    return tuple(
        LateWrite(each, was, _overwrote(each, was, lost, fault) if was or before.whole else None)
        for each in now
        if each.region == lost and away(each.at) and came_late(each)
        for was in [old.get(each.key)]
    )


def _overwrote(came: ItemVersion, was: ItemVersion | None, lost: str, fault: datetime) -> bool:
    return was is not None and ((was.region != lost and was.at > fault) or was.at > came.at)


def differing(
    here: Iterable[ItemVersion], there: Iterable[ItemVersion], settled: datetime
) -> tuple[tuple[str, str], ...]:
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


def late_table(name: str, writes: Collection[LateWrite]) -> Table:
    """The items that came late, a row an item; what stood there before, whether that was a newer update."""
    rows = tuple(
        (
            " ".join(each.came.key),
            each.came.at,
            each.came.region,
            each.was.at if each.was else None,
            each.was.region if each.was else None,
            "not known" if each.overwrote is None else each.overwrote,
        )
        for each in sorted(writes, key=lambda write: (not write.overwrote, write.came))
    )
    columns = ("item", "updated", "region", "replaced an update of", "its region", "replaced a newer update")
    return Table(name, summary(writes), columns, rows)


def summary(writes: Collection[LateWrite]) -> str:
    """How many writes came late, and over what."""
    worse, unread = (sum(each.overwrote is kind for each in writes) for kind in (True, None))
    unknown = f", of {unread} of them it is not known over what" if unread else ""
    return f"{len(writes)} late writes, {worse} of them over a newer update{unknown}"


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
            yield ItemVersion(item["pk"], item["sk"], parse_time(item["UpdatedAt"]), item.get("Region", ""))


def age(canary: Canary, now: datetime) -> float | None:
    """Seconds since a canary was written, None when there is none."""
    return None if canary.at is None else round((now - canary.at).total_seconds(), 1)
