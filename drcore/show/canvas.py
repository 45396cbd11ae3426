"""What charts are drawn on: one style, sizes in inches, an axis of time, labels that keep apart."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from drcore.show.alt_text import clock_minutes
from drcore.show.wording import day, middle, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from drcore.record.evidence import Mark

WIDTH = 9.0
TITLE, ROW, FOOT = 0.2, 0.18, 0.52  # inches: a line of the title, a row of labels, the axis of time below
LETTER, BOLD = 0.064, 0.072  # inches: the mean width of a letter at 8 points, a little too wide
_SHORTEST = timedelta(seconds=10)  # a shorter axis would have several ticks in one second, all with the same label
INK, GREY = "#1a1a1a", "#555555"

_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every machine
    "font.size": 8,
    "text.parse_math": False,  # a "$" from an API is a dollar, not a formula
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "grid.color": "#e2e2e2",
    "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
}


@contextmanager
def style() -> Iterator[None]:
    """The one style, whatever the user's own settings are."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a letter that the font lacks is drawn as a box
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)  # type: ignore[arg-type]  # its keys are typed one by one
        yield


def drawing() -> None:
    """Import the parts of matplotlib and Pillow that every picture needs."""
    from matplotlib import dates, figure  # noqa: F401
    from matplotlib.backends import backend_agg  # noqa: F401
    from PIL import Image, PngImagePlugin  # noqa: F401


def png(figure: Figure) -> bytes:
    """The figure as PNG, with a palette: a third of the size, as a notebook keeps dozens of them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas, buffer = FigureCanvasAgg(figure), io.BytesIO()
    with style():
        canvas.draw()  # type: ignore[no-untyped-call]
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), pixels, "raw", "RGBA", 0, 1).convert("RGB")
    picture.quantize(96, dither=Image.Dither.NONE).save(buffer, "png")
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Canvas:
    """A figure of the usual width. `top` is where the first pair of axes begins, in inches from above."""

    figure: Figure
    height: float
    top: float

    def axes(self, left: float, down: float, width: float, height: float, share: Axes | None = None) -> Axes:
        """A pair of axes, placed in inches from the upper left corner."""
        place = (left / WIDTH, 1 - (down + height) / self.height, width / WIDTH, height / self.height)
        return self.figure.add_axes(place, sharex=share)


def blank_canvas(title: str, *, rows: int, below: float) -> Canvas:
    """Paper with its title; `rows` of labels fit between it and the axes, which take `below` inches."""
    from matplotlib.figure import Figure

    lines = textwrap.wrap(short(title, 200), 92) or [""]
    top = 0.1 + TITLE * len(lines) + 0.06 + ROW * rows + 0.06
    height = top + below
    figure = Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")
    figure.text(
        0.1 / WIDTH,
        1 - 0.1 / height,
        "\n".join(lines),
        fontsize=11,
        fontweight="bold",
        va="top",
        color=INK,
        linespacing=1.3,
    )
    return Canvas(figure, height, top)


@dataclass(frozen=True, slots=True)
class Flag:
    """A moment on the axis of time. Its text begins `left` inches from the left end, in a row counted from below.

    `first` is where it may have been at the earliest: the same as `x` where it is a point.
    """

    text: str
    first: float
    x: float
    left: float
    row: int


def days(moment: datetime) -> float:
    """A time as the axis counts it: days since 1970."""
    return moment.timestamp() / 86400


def window(times: Sequence[datetime], moments: Sequence[datetime]) -> tuple[datetime, datetime]:
    """The span to draw: all times, with the moments near them. One far away would squeeze the rest."""
    inner = sorted(times or moments)
    first, last = inner[0], inner[-1]
    span = max(last - first, timedelta(minutes=2))
    near = [moment for moment in moments if first - span / 2 <= moment <= last + span / 2]
    first, last = min([first, *near]), max([last, *near])
    last = max(last, first + _SHORTEST)
    margin = (last - first) / 60 or timedelta(seconds=30)
    return first - margin, last + margin


def flags(marks: Sequence[Mark], span: tuple[datetime, datetime], width: float, room: float) -> tuple[list[Flag], int]:
    """The moments as flags on poles, each at its latest, in rows that keep them apart; and the number of rows.

    A text stands right of its pole, over the poles that follow: a later moment is never higher than an earlier one.
    There may be text up to `room` inches beyond the `width` of the axes.
    """
    start, end = span
    placed: list[tuple[float, Flag]] = []
    for mark in sorted(marks, key=lambda mark: mark.at, reverse=True):
        moment, earliest = mark.at, mark.earliest or mark.at
        inside, first = (min(max(each, start), end) for each in (moment, earliest))
        side = "◂ " if moment < start else "▸ " if moment > end else ""
        date = "" if day(moment) == day(end) else f"{day(moment)} "
        bound = "" if clock_minutes(earliest) == clock_minutes(moment) else f"{clock_minutes(earliest)} to "
        text = f"{side}{middle(mark.label, 40)} {date}{bound}{clock_minutes(moment)}"
        pole = (inside - start) / (end - start) * width
        long = len(text) * BOLD
        left = max(0.0, min(pole + 0.04, width + room - long))
        row = max((flag.row + 1 for other, flag in placed if other < left + long + 0.06), default=0)
        placed.append((pole, Flag(text, days(first), days(inside), left, row)))
    return [flag for _, flag in reversed(placed)], max((flag.row + 1 for _, flag in placed), default=0)


def raise_flags(axes: Sequence[Axes], placed: Sequence[Flag], width: float, height: float, lift: float = 0) -> None:
    """A line through all axes for each moment, its bounds grey before it; its text above the first axes, in inches."""
    for flag in placed:
        up = 1 + (lift + 0.02 + ROW * flag.row) / height
        for axis in axes:
            axis.axvline(flag.x, color=INK, linewidth=1, linestyle=(0, (4, 2)), zorder=1.5)
            if flag.first < flag.x:
                axis.axvspan(flag.first, flag.x, color=INK, alpha=0.14, linewidth=0, zorder=1.4)
        pole, first = axes[0].get_xaxis_transform(), axes[0]
        first.plot([flag.x] * 2, [1, up + ROW / height], color=INK, linewidth=1, transform=pole, clip_on=False)
        place = (flag.left / width, up + 0.02 / height)
        first.annotate(flag.text, xy=place, xycoords="axes fraction", va="bottom", color=INK, fontweight="bold")


def time_axis(axes: Axes, span: tuple[datetime, datetime]) -> None:
    """UTC on the axis, the date once."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    start, end = span
    long = end - start
    pattern = "%H:%M:%S" if long < timedelta(minutes=4) else "%H:%M" if long < timedelta(days=2) else "%m-%d %H:%M"
    axes.set_xlim(days(start), days(end))
    locator = AutoDateLocator(tz=UTC, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DateFormatter(pattern, tz=UTC))  # type: ignore[no-untyped-call]
    dates = list(dict.fromkeys([day(start), day(end)]))
    axes.set_xlabel(f"time, UTC, {' to '.join(dates)}")


def apart(wanted: Sequence[float], gap: float, height: float) -> list[float]:
    """Places between 0 and `height`, as near to the wanted ones as they can be with `gap` between them."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places = [min(max(wanted[index], 0.0), height) for index in order]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    ceiling = height
    for index in reversed(range(len(places))):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    return [places[order.index(index)] for index in range(len(places))]
