"""Wholes under each other, drawn with how much of each is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drcore.show.canvas import INK, LETTER, WIDTH, blank_canvas, style
from drcore.show.wording import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from drcore.record.evidence import Bars

# Told apart in grey by darkness and hatching.
_GONE, _LEFT = "#1a1a1a", "#dce6f2"
_EACH, _LETTERS, _FOOT = 0.36, 40, 0.75  # inches a bar, letters of its label, inches for the axis and the key


def drawn(shown: Bars) -> Figure:
    """A row a bar, each from zero; what is gone is dark, a line with what it means beside it."""
    from matplotlib.patches import Patch

    with style():
        left = 0.35 + max((len(short(bar.label, _LETTERS)) for bar in shown.bars), default=0) * LETTER
        right = 0.25 + max((len(bar.note) for bar in shown.bars), default=0) * LETTER
        width, height = WIDTH - left - right, _EACH * len(shown.bars) + 0.1
        sheet = blank_canvas(shown.title, rows=0, below=height + _FOOT)
        axes = sheet.axes(left, sheet.top, width, height)
        for row, bar in enumerate(shown.bars):
            hatch = "//" if bar.gone is None else ""
            axes.barh(row, bar.whole, height=0.6, facecolor=_LEFT, edgecolor=INK, linewidth=0.7, hatch=hatch)
            if bar.gone:
                axes.barh(row, min(bar.gone, bar.whole), height=0.6, color=_GONE)
                axes.plot([min(bar.gone, bar.whole)], [row], marker="|", markersize=13, color=_GONE)
            place = (1.01, row)
            axes.annotate(bar.note, xy=place, xycoords=axes.get_yaxis_transform(), va="center", annotation_clip=False)
        axes.set_yticks(range(len(shown.bars)), [short(bar.label, _LETTERS) for bar in shown.bars])
        axes.set_ylim(len(shown.bars) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(shown.unit)
        handles = [Patch(color=_GONE, label="gone"), Patch(facecolor=_LEFT, edgecolor=INK, linewidth=0.7, label="left")]
        if any(bar.gone is None for bar in shown.bars):
            waits = Patch(facecolor=_LEFT, edgecolor=INK, linewidth=0.7, hatch="//", label="has not begun")
            handles.append(waits)
        sheet.figure.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(left / WIDTH, 0.0), ncols=3, frameon=False
        )
        return sheet.figure
