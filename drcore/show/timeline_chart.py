"""The timeline of a run, drawn: a bar a step, split by who was waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drcore.show.canvas import (
    FOOT,
    INK,
    LETTER,
    WIDTH,
    blank_canvas,
    days,
    flags,
    raise_flags,
    style,
    time_axis,
    window,
)
from drcore.show.wording import duration, named, short

if TYPE_CHECKING:
    from datetime import datetime

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from drcore.show.timeline import Bar, Timeline

# Told apart in grey by darkness and hatching.
_PARTS = (
    ("human", "people", "#ffffff", "////"),
    ("machine", "machine", "#1a1a1a", ""),
    ("cloud", "waiting for the cloud", "#9db8d9", ""),
)
_ROOM = 2.5  # so many times the length of all steps may the chart be
_EACH, _LETTERS = 0.27, 40  # inches a step, letters of its title


def drawn(shown: Timeline) -> Figure:
    """A row a step, in the order in which they were carried out."""
    with style():
        times = [time for bar in shown.bars for time in (bar.began, bar.ended)]
        if not times:
            sheet = blank_canvas(shown.title, rows=0, below=0.5)
            sheet.figure.text(0.1 / WIDTH, 0.2 / sheet.height, "No step was carried out.", color=INK)
            return sheet.figure
        left = 0.35 + max(len(short(row[0].title, _LETTERS)) + 3 for row in shown.rows) * LETTER
        right = 0.25 + max(len(_end(row)) for row in shown.rows) * LETTER
        width, height = WIDTH - left - right, _EACH * len(shown.rows) + 0.1
        due = _due(shown, times)
        span = window([*times, *due], [mark.at for mark in shown.moments])
        placed, rows = flags(shown.moments, span, width, right)
        sheet = blank_canvas(shown.title, rows=rows, below=height + FOOT + 0.25)
        axes = sheet.axes(left, sheet.top, width, height)
        _bars(axes, shown.rows)
        for moment in due:
            axes.axvline(days(moment), color=INK, linestyle=(0, (1, 1.5)), linewidth=2.2)
        raise_flags([axes], placed, width, height)
        time_axis(axes, span)
        _key(sheet.figure, left, due=bool(due))
        return sheet.figure


def _bars(axes: Axes, rows: tuple[tuple[Bar, ...], ...]) -> None:
    for row, bars in enumerate(rows):
        for bar in bars:
            began = days(bar.began)
            for part, _, colour, hatch in _PARTS:
                seconds = getattr(bar, part)
                if seconds:
                    look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": INK, "linewidth": 0.7}
                    axes.barh(row, seconds / 86400, left=began, height=0.56, **look)
                began += seconds / 86400
            # A step of a second would not be seen on an axis of an hour.
            axes.plot([days(bar.began)], [row], marker="|", markersize=11, color=INK)
        axes.annotate(
            _end(bars), xy=(1.01, row), xycoords=axes.get_yaxis_transform(), va="center", annotation_clip=False
        )
    labels = [f"{number} {short(bars[0].title, _LETTERS)}" for number, bars in enumerate(rows, start=1)]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _end(bars: tuple[Bar, ...]) -> str:
    """How a step ended the last time, and how long it took in all."""
    times = f" in {len(bars)} goes" if len(bars) > 1 else ""
    return f"{named(bars[-1].word)} {duration(sum(bar.total for bar in bars))}{times}"


def _due(shown: Timeline, times: list[datetime]) -> list[datetime]:
    """The end of the RTO, where the steps stay large enough beside it."""
    if shown.due is None or shown.due < min(times):
        return []
    return [shown.due] if shown.due - min(times) <= _ROOM * (max(times) - min(times)) else []


def _key(figure: Figure, left: float, *, due: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    patches = [
        Patch(facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.7, label=name)
        for _, name, colour, hatch in _PARTS
    ]
    line = Line2D([], [], color=INK, linestyle=(0, (1, 1.5)), linewidth=2.2, label="the RTO is over")
    handles = [*patches, *([line] if due else [])]
    place = (left / WIDTH, 0.0)
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=place, ncols=4, frameon=False, borderpad=0.2)
