"""The recovery curve: how many users have the good version, how many the bad one, look by look since the release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from drcore.plans.c.facts import CRun
from drcore.record.evidence import Chart, Exhibit, Limit, Series, Table


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What one look saw in a store: percent of the active users with each; devices that Google has recovered, of."""

    at: datetime
    store: str
    good: float | None
    bad: float | None
    recovered: int
    devices: int


def recovery_curve(run: CRun, points: Sequence[CurvePoint]) -> Iterator[Exhibit]:
    """The curve, a panel a store, with its table; nothing where no version was replaced."""
    if not points:
        return
    out = run.moments.get("published")
    series: list[Series] = []
    parts: list[str] = []
    for store in dict.fromkeys(each.store for each in points):
        mine = [each for each in points if each.store == store]
        times = tuple(each.at for each in mine)
        series.append(Series("have the good version", times, tuple(each.good for each in mine), store))
        series.append(Series("still have the bad version", times, tuple(each.bad for each in mine), store))
        if mine[-1].devices:
            shares = tuple(100 * each.recovered / each.devices if each.devices else None for each in mine)
            series.append(Series("recovered by Google", times, shares, store))
        parts.append(_told(mine[-1], out))
    title = f"Recovery: {'; '.join(parts)}"
    limits = (Limit("everybody", 100.0),)
    yield Chart("recovery-curve", title, "active users, %", tuple(series), limits, run.marks())
    rows = tuple(
        (
            each.store,
            each.at,
            None if out is None else round((each.at - out).total_seconds() / 60, 1),
            each.good,
            each.bad,
            each.recovered if each.devices else None,
            each.devices or None,
        )
        for each in points
    )
    columns = ("store", "at", "minutes since it is out", "good version, %", "bad version, %", "recovered", "of devices")
    yield Table("recovery-curve-table", "The recovery, look by look", columns, rows)


def _told(last: CurvePoint, out: datetime | None) -> str:
    def percent(value: float | None) -> str:
        return "an unknown share" if value is None else f"{value:.0f} %"

    after = "" if out is None else f" {(last.at - out).total_seconds() / 60:.0f} min after it was out"
    return f"{percent(last.good)} of {last.store} have the good version{after}, {percent(last.bad)} the bad one"
