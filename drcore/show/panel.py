"""One panel of a chart: its lines, its limits, a label beside each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from drcore.show.alt_text import clock_minutes, known, number
from drcore.show.canvas import BOLD, GREY, LETTER, apart, days
from drcore.show.wording import middle, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from drcore.record.evidence import Band, Limit, Series


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How a line looks: told apart in grey by dash, marker, darkness."""

    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str = ""
    width: float = 1.5
    hatch: str = ""

    def line(self) -> dict[str, Any]:
        """As matplotlib's `plot` takes it, without the colour."""
        return {"linestyle": self.dash, "linewidth": self.width, "marker": self.marker, "markersize": 3.2}


SAMPLE = (0.18, 0.55)  # inches right of the axes: a piece of the line stands there, before its label
_COLOURS = ("#0b4a8f", "#b35900", "#0b6b2e", "#7a1fa2", "#333333", "#00697a")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)))
_HATCHES = ("", "///", "...", "\\\\\\", "xx", "--")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_LIMITS = (LineStyle("#a80018", (0, (7, 2)), width=1.6), LineStyle("#a80018", (0, (2, 1)), width=1.6))
_LABEL, _LETTERS = 0.17, 34  # inches that a label needs, letters that it may have


def look(index: int) -> LineStyle:
    """The look of one line among others; after the sixth, the same colours with other markers, other dashes."""
    turn = index // 6
    return LineStyle(
        _COLOURS[index % 6],
        _DASHES[(index + turn) % 6],
        _MARKERS[(index + 2 * turn) % 6],
        hatch=_HATCHES[index % 6],
    )


@dataclass(frozen=True, slots=True)
class Label:
    """What stands right of the axes: `value` is where on them it belongs, None where nothing was measured."""

    text: str
    value: float | None
    look: LineStyle
    bold: bool = False

    @property
    def inches(self) -> float:
        return len(self.text) * (BOLD if self.bold else LETTER)


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands on one pair of axes."""

    name: str
    unit: str
    series: tuple[Series, ...]
    limits: tuple[Limit, ...]
    looks: Mapping[str, LineStyle]
    stacked: bool = False
    ceiling: float | None = None
    bands: tuple[Band, ...] = ()

    @property
    def inches(self) -> float:
        """The width of the longest label."""
        return max((label.inches for label in self._labels()), default=0)

    def draw(self, axes: Axes, width: float, height: float, span: tuple[datetime, datetime]) -> None:
        """Draw it on axes of so many inches."""
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axes.set_ylabel(_in_two_lines(self.unit, int(height / LETTER)))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.set_ylim(*self._reach())
        if self.name:
            axes.set_title(
                middle(self.name, 60), loc="left", fontsize=9, fontweight="bold", pad=3, backgroundcolor="white"
            )
        for band in self.bands:
            since, until = max(band.since, span[0]), min(band.until or span[1], span[1])
            if since < until:
                _say_band(axes, band.label, since, until, (until - since) / (span[1] - span[0]) * width)
        for start, end in self._unexplained(span):
            _say_unknown(axes, start, end, (end - start) / (span[1] - span[0]) * width)
        for bottom, series, top in zip(self._bottoms(), self.series, self._tops(), strict=True):
            if self.stacked:
                _area(axes, series, self.looks[series.looks_like], bottom, top)
            else:
                _line(axes, series, self.looks[series.looks_like])
        for index, limit in enumerate(self.limits):
            its = _LIMITS[index % 2]
            axes.axhline(limit.value, color=its.colour, zorder=1.8, **its.line())
        self._label(axes, width, height)

    def _labels(self) -> Iterator[Label]:
        for bottom, series in zip(self._bottoms(), self.series, strict=True):
            text, value = _last(series)
            if self.stacked and value is not None and bottom:
                value = bottom[-1] + value / 2  # in the middle of its area
            yield Label(text, value, self.looks[series.looks_like])
        for index, limit in enumerate(self.limits):
            shown = number(limit.value)
            text = limit.label if shown in limit.label else f"{limit.label} {shown}"
            yield Label(middle(text, _LETTERS), limit.value, _LIMITS[index % 2], bold=True)

    def _label(self, axes: Axes, width: float, height: float) -> None:
        labels = list(self._labels())
        low, high = axes.get_ylim()
        wanted = [((label.value or 0) - low) / (high - low) * height for label in labels]
        for label, at, place in zip(labels, wanted, apart(wanted, _LABEL, height), strict=True):
            _write(axes, label, at / height, place / height, width)

    def _reach(self) -> tuple[float, float]:
        """From zero, so that a small change does not look like a large one, to a little above everything."""
        values = [value for each in self.series for _, value in known(each)] + [limit.value for limit in self.limits]
        values += [value for top in self._tops() for value in top] if self.stacked else []
        low, high = min([0.0, *values]), max([0.0, *values])
        high = high if self.ceiling is None else min(high, self.ceiling)
        room = (high - low or 1) * 0.08
        return (low - room if low < 0 else 0.0), high + room

    def _tops(self) -> list[list[float]]:
        """The upper edge of each series when they stand on top of each other; unknown adds nothing."""
        return [[low + (value or 0) for low, value in zip(*pair, strict=True)] for pair in self._on_bottoms()]

    def _bottoms(self) -> list[list[float]]:
        return [bottom for bottom, _ in self._on_bottoms()]

    def _on_bottoms(self) -> Iterator[tuple[list[float], tuple[float | None, ...]]]:
        """Each series' values with what stands below them. Stacked series share their times."""
        below: list[float] = []
        for series in self.series:
            below = below if len(below) == len(series.values) else [0.0] * len(series.values)
            yield below, series.values
            below = [low + (value or 0) for low, value in zip(below, series.values, strict=True)]

    def _unmeasured(self, span: tuple[datetime, datetime]) -> Iterator[tuple[datetime, datetime]]:
        """The stretches in which no series has a value."""
        measured_at: dict[datetime, bool] = {}
        for series in self.series:
            for time, value in zip(series.times, series.values, strict=True):
                measured_at[time] = measured_at.get(time, False) or value is not None
        measured = [time for time, is_known in sorted(measured_at.items()) if is_known]
        for unknown, group in groupby(sorted(measured_at), key=lambda time: not measured_at[time]):
            times = list(group)
            if unknown:
                before = [time for time in measured if time < times[0]]
                after = [time for time in measured if time > times[-1]]
                yield (before[-1] if before else span[0]), (after[0] if after else span[1])

    def _unexplained(self, span: tuple[datetime, datetime]) -> Iterator[tuple[datetime, datetime]]:
        """The same but for a band, which says why there is nothing; a minute beside it belongs to it."""
        left = list(self._unmeasured(span))
        for band in self.bands:
            cut = [(start, min(end, band.since)) for start, end in left]
            cut += [(max(start, band.until), end) for start, end in left if band.until]
            left = [(start, end) for start, end in cut if end - start > timedelta(minutes=1)]
        yield from left


def _line(axes: Axes, series: Series, its: LineStyle) -> None:
    """A line for each stretch that was measured, so that nothing joins over a gap; a lone point has its marker."""
    pairs = zip(series.times, series.values, strict=True)
    every = max(1, len(series.times) // 30)
    for measured, group in groupby(pairs, key=lambda pair: pair[1] is not None):
        if measured:
            times, values = zip(*group, strict=True)
            axes.plot([days(time) for time in times], values, color=its.colour, markevery=every, **its.line())


def _area(axes: Axes, series: Series, its: LineStyle, bottom: list[float], top: list[float]) -> None:
    """An area for each stretch that was measured, hatched so that two can be told apart in grey."""
    known_at = [value is not None for value in series.values]
    times = [days(time) for time in series.times]
    axes.fill_between(
        times,
        bottom,
        top,
        where=known_at,
        facecolor=its.colour,
        alpha=0.28,
        hatch=its.hatch,
        edgecolor=its.colour,
        linewidth=0,
    )
    edge = [value if measured else float("nan") for value, measured in zip(top, known_at, strict=True)]
    axes.plot(times, edge, color=its.colour, **(its.line() | {"marker": ""}))


def _write(axes: Axes, label: Label, at: float, place: float, width: float) -> None:
    """A thin line from the value to where there is room, a piece of the line itself, then the text."""
    start, end = (1 + inches / width for inches in SAMPLE)
    unclipped: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False, "color": label.look.colour}
    if label.value is not None:
        axes.plot([1, start - 0.03 / width, start], [at, place, place], linewidth=0.6, **unclipped)
        axes.plot([start, (start + end) / 2, end], [place] * 3, markevery=[1], **unclipped, **label.look.line())
    axes.annotate(
        label.text,
        (end + 0.05 / width, place),
        xycoords="axes fraction",
        va="center",
        color=label.look.colour,
        fontweight="bold" if label.bold else "normal",
    )


def _last(series: Series) -> tuple[str, float | None]:
    """The label of a line, the value at its end."""
    points = known(series)
    if not points:
        return f"{middle(series.label, _LETTERS - 9)}: no data", None
    time, value = points[-1]
    if time == series.times[-1]:
        return f"{middle(series.label, _LETTERS - 8)}: {number(value)}", value
    return f"{middle(series.label, _LETTERS - 16)}: no data after {clock_minutes(time)}", value


def _in_two_lines(text: str, letters: int) -> str:
    """A text along an axis that has room for so many letters."""
    first, *others = wrap(short(text), letters) or [""]
    return "\n".join([first, *([short(" ".join(others), letters)] if others else [])])


def _say_band(axes: Axes, label: str, start: datetime, end: datetime, inches: float) -> None:
    """A state that lasted: a grey that no line has, with its name at its foot where there is room."""
    axes.axvspan(days(start), days(end), zorder=0.4, facecolor="#dcdcdc", edgecolor="#8a8a8a", linewidth=0.8)
    if inches > 0.075 * len(label):
        box: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        spot = ((days(start) + days(end)) / 2, 0.12)
        at: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "ha": "center", "va": "center"}
        axes.annotate(label, spot, color="#333333", bbox=box, **at)


def _say_unknown(axes: Axes, start: datetime, end: datetime, inches: float) -> None:
    hatched: dict[str, Any] = {"facecolor": "#f0f0f0", "edgecolor": "#c4c4c4", "hatch": "///", "linewidth": 0}
    axes.axvspan(days(start), days(end), zorder=0.5, **hatched)
    if inches > 0.6:
        box: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        spot = ((days(start) + days(end)) / 2, 0.5)
        at: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "ha": "center", "va": "center"}
        axes.annotate("no data", spot, color=GREY, bbox=box, **at)
