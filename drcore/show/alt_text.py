"""What a chart says, in words, for who cannot see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drcore.record.evidence import Bars
from drcore.show.timeline import Timeline
from drcore.show.wording import at, day, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drcore.record.evidence import Band, Limit, Mark, Picture, Portion, Series

Point = tuple[datetime, float]


def alt(chart: Picture | Timeline) -> str:
    """The alternative text of the picture: the chart's own, or one made of its numbers."""
    if isinstance(chart, Timeline):
        return _steps(chart)
    if isinstance(chart, Bars):
        return " ".join([f"{chart.title}. {chart.unit}.", *(f"{_gone(bar)}." for bar in chart.bars)])
    if chart.alt:
        return chart.alt
    times = sorted(time for series in chart.series for time in series.times)
    span = f"from {day(times[0])} {at(times[0])} to {at(times[-1])} UTC" if times else "no measurements"
    lines = [f"{chart.title}. {chart.unit}, {span}."]
    lines += [f"{_name(series)}: {_range(series)}{_compared(series, chart.limits)}." for series in chart.series]
    lines += map(_dated, chart.marks)
    lines += [f"{_lasted(each)}." for each in chart.bands]
    return " ".join(lines)


def _dated(mark: Mark) -> str:
    between = f"between {at(mark.earliest)} and" if mark.earliest else "at"
    return f"{mark.label} {between} {at(mark.at)}."


def _lasted(band: Band) -> str:
    where = f"{band.panel}, " if band.panel else ""
    return f"{where}{band.label} from {at(band.since)}{f' to {at(band.until)}' if band.until else ' on'}"


def summary(chart: Picture | Timeline) -> str:
    """The title, then one line."""
    if isinstance(chart, Timeline):
        return f"{chart.title}\n  {'; '.join(f'{bar.title} {duration(bar.total)}' for bar in chart.bars)}"
    if isinstance(chart, Bars):
        return f"{chart.title}\n  {chart.unit}: {'; '.join(map(_gone, chart.bars))}"
    ranges = [f"{_name(series)} {_range(series)}" for series in chart.series[:4]]
    more = [f"{len(chart.series) - 4} more"] if len(chart.series) > 4 else []
    return f"{chart.title}\n  {chart.unit}: {'; '.join([*ranges, *more]) or 'no measurements'}"


def _gone(bar: Portion) -> str:
    gone = "not begun" if bar.gone is None else f"{number(bar.gone)} gone"
    return f"{bar.label} {gone} of {number(bar.whole)}, {bar.note}"


def known(series: Series) -> list[Point]:
    """What was measured; the gaps are left out."""
    pairs = zip(series.times, series.values, strict=True)
    return [(time, value) for time, value in pairs if value is not None]


def number(value: float) -> str:
    """A value as the axis and the labels write it."""
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def clock_minutes(moment: datetime) -> str:
    """`09:41`, UTC."""
    return f"{moment.astimezone(UTC):%H:%M}"


def _name(series: Series) -> str:
    return f"{series.panel}, {series.label}" if series.panel else series.label


def _range(series: Series) -> str:
    values = [value for _, value in known(series)]
    if not values:
        return "no measurements"
    missing = len(series.values) - len(values)
    gaps = f", {missing} of {len(series.values)} not measured" if missing else ""
    return f"{number(min(values))} to {number(max(values))}, last {number(values[-1])}{gaps}"


def _compared(series: Series, limits: Sequence[Limit]) -> str:
    points = known(series)
    return "".join(f", {_against(points, limit)}" for limit in limits if points)


def _against(points: list[Point], limit: Limit) -> str:
    above = [time for time, value in points if value > limit.value]
    if not above:
        return f"never above {limit.label}"
    if points[-1][1] <= limit.value:
        return f"above {limit.label} from {at(above[0])}, last at {at(above[-1])}"
    below = [time for time, value in points if value <= limit.value]
    since = next(time for time in above if not below or time > below[-1])
    return f"above {limit.label} since {at(since)}"


def _steps(shown: Timeline) -> str:
    bars = [
        f"{bar.title}: {bar.word}, {at(bar.began)} to {at(bar.ended)}, {duration(bar.total)}." for bar in shown.bars
    ]
    return " ".join([f"{shown.title}.", *bars, *map(_dated, shown.moments)])
