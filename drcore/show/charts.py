"""Values over time, drawn for an engineer: what to see, what it is measured against, what was done when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from drcore.record.evidence import Bars
from drcore.show.canvas import FOOT, INK, WIDTH, Canvas, blank_canvas, flags, raise_flags, style, time_axis, window
from drcore.show.panel import SAMPLE, Panel, look
from drcore.show.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from drcore.record.evidence import Chart, Picture

_LEFT, _GAP, _NAME = 0.75, 0.42, 0.18  # inches: for the axis of values, between two panels, for a panel's name

T = TypeVar("T", bound="Picture | Timeline")


def redacted(chart: T, redact: Callable[[str], str]) -> T:
    """The same chart without secrets in any of its texts. A timeline holds only the plan's own words."""
    if isinstance(chart, Timeline):
        return chart
    if isinstance(chart, Bars):
        bars = tuple(replace(each, label=redact(each.label), note=redact(each.note)) for each in chart.bars)
        return replace(chart, title=redact(chart.title), unit=redact(chart.unit), bars=bars)
    return replace(
        chart,
        title=redact(chart.title),
        unit=redact(chart.unit),
        alt=redact(chart.alt),
        series=tuple(replace(each, label=redact(each.label), panel=redact(each.panel)) for each in chart.series),
        limits=tuple(replace(each, label=redact(each.label)) for each in chart.limits),
        marks=tuple(replace(each, label=redact(each.label)) for each in chart.marks),
        bands=tuple(replace(each, label=redact(each.label), panel=redact(each.panel)) for each in chart.bands),
    )


def drawn(chart: Chart) -> Figure:
    """The chart as a figure: panels under each other on one axis of time."""
    with style():
        times = [time for series in chart.series for time in series.times if not chart.begins or time >= chart.begins]
        if not times and not chart.marks:
            return _empty(chart)
        span = window(times, [mark.at for mark in chart.marks])
        panels = _panels(chart)
        width = WIDTH - _LEFT - SAMPLE[1] - 0.1 - max(panel.inches for panel in panels)
        height = 1.9 if len(panels) == 1 else 1.35
        placed, rows = flags(chart.marks, span, width, WIDTH - _LEFT - width - 0.05)
        name = _NAME if any(panel.name for panel in panels) else 0.0
        sheet = blank_canvas(chart.title, rows=rows, below=name + len(panels) * (height + _GAP) - _GAP + FOOT)
        axes = _draw(sheet, panels, sheet.top + name, width, height, span)
        raise_flags(axes, placed, width, height, name)
        time_axis(axes[-1], span)
        return sheet.figure


def _empty(chart: Chart) -> Figure:
    sheet = blank_canvas(chart.title, rows=0, below=0.5)
    note = "No measurements: that is unknown, not zero."
    sheet.figure.text(0.1 / WIDTH, 0.2 / sheet.height, note, color=INK)
    return sheet.figure


def _panels(chart: Chart) -> list[Panel]:
    """Panels in the order in which they turn up; what has the same role looks the same in each."""
    roles = dict.fromkeys(series.looks_like for series in chart.series)
    looks = {role: look(index) for index, role in enumerate(roles)}
    names = dict.fromkeys(series.panel for series in chart.series) or {"": None}
    return [
        Panel(
            name,
            chart.unit,
            tuple(each for each in chart.series if each.panel == name),
            chart.limits,
            looks,
            chart.stacked,
            chart.ceiling,
            tuple(each for each in chart.bands if each.panel == name),
        )
        for name in names
    ]


def _draw(
    sheet: Canvas, panels: list[Panel], top: float, width: float, height: float, span: tuple[datetime, datetime]
) -> list[Axes]:
    made: list[Axes] = []
    for index, panel in enumerate(panels):
        axes = sheet.axes(_LEFT, top + index * (height + _GAP), width, height, made[0] if made else None)
        axes.tick_params(labelbottom=index == len(panels) - 1, length=2)
        panel.draw(axes, width, height, span)
        made.append(axes)
    return made
