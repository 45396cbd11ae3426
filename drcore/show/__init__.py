"""What a person sees of a run: cards, charts, the steps of a plan.

Each card comes twice: as HTML, and as the text that a terminal shows and that a reference output is compared
with. Both are made of what they are given alone, so the same run looks the same; all of it is escaped.
This is the only room of matplotlib and IPython; either is imported when something is drawn or displayed.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

from drcore.show.by_hand import as_html, as_markdown, paper_card
from drcore.show.cards import asked_about, card, page, table
from drcore.show.ending import back, record, verdict
from drcore.show.opening import banner, findings, note, overview, whereabouts
from drcore.show.progress import passed, progress, rto_clock
from drcore.show.timeline import Timeline, timeline
from drcore.show.wording import hide, visible

if TYPE_CHECKING:
    from IPython.display import DisplayHandle
    from matplotlib.figure import Figure

    from drcore.record.evidence import Exhibit, Picture

__all__ = [
    "Slot",
    "Timeline",
    "as_html",
    "as_markdown",
    "asked_about",
    "back",
    "banner",
    "card",
    "display",
    "display_chart",
    "figure",
    "findings",
    "hide",
    "in_words",
    "note",
    "overview",
    "page",
    "paper_card",
    "passed",
    "png",
    "preload",
    "progress",
    "record",
    "rto_clock",
    "table",
    "tell_at_once",
    "timeline",
    "verdict",
    "whereabouts",
]


AT_ONCE = "drcore_at_once"  # in the metadata of an output: drcore.headless passes its text on as it comes
_LOADING = Lock()


def preload() -> None:
    """Import what charts are drawn with, which takes half a second, while something else is waited for."""
    with _LOADING:
        from drcore.show import charts, timeline_chart  # noqa: F401
        from drcore.show.canvas import drawing

        drawing()


def display(html: str, text: str) -> None:
    """Show a card under the cell that runs. Outside IPython nothing is: the launcher has its own view."""
    _publish({"text/html": visible(html), "text/plain": visible(text)}, {})


def tell_at_once(html: str, text: str) -> None:
    """Show a card that whoever started the run from a terminal is to see while the cell still runs."""
    _publish({"text/html": visible(html), "text/plain": visible(text)}, {"text/plain": {AT_ONCE: True}})


def in_words(exhibit: Exhibit) -> str:
    """An exhibit as text, for a screen that shows no pictures: of a chart its title, with the range of each line."""
    from drcore.record.evidence import Bars, Chart
    from drcore.show.alt_text import summary

    return visible(summary(exhibit) if isinstance(exhibit, Chart | Bars) else page(exhibit)[1])


class Slot:
    """One output whose card is drawn anew in its place."""

    def __init__(self) -> None:
        self._shown: DisplayHandle | None = None

    def show(self, html: str, text: str) -> None:
        """Draw the card, the first time or anew."""
        from IPython.display import DisplayHandle

        data = {"text/html": visible(html), "text/plain": visible(text)}
        if self._shown:
            self._shown.update(data, raw=True)
        else:
            self._shown = DisplayHandle()
            self._shown.display(data, raw=True)


def watched() -> bool:
    """Whether somebody is at the front end who could answer: JupyterLab and VS Code say so, papermill does not."""
    kernel = getattr(sys.modules["IPython"].get_ipython(), "kernel", None) if _in_ipython() else None
    asked = kernel.get_parent("shell") if kernel else {}
    return bool(asked.get("content", {}).get("allow_stdin"))


def display_chart(chart: Picture | Timeline, redact: Callable[[str], str] = str) -> bytes:
    """Show a chart as a picture with its words beside it, and return the picture (PNG).

    `redact` takes secrets out before they are drawn: afterwards letters are pixels, in which nobody finds them.
    """
    from drcore.show.alt_text import alt, summary
    from drcore.show.charts import redacted

    shown = redacted(chart, redact)
    with _LOADING:  # two threads that import one package at the same time may each see half of it
        picture = png(shown)
    data = {"image/png": base64.b64encode(picture).decode(), "text/plain": summary(shown)}
    _publish(data, {"image/png": {"alt": alt(shown)}})
    return picture


def figure(chart: Picture | Timeline) -> Figure:
    """A chart as a matplotlib figure, to work on in a notebook."""
    from drcore.record.evidence import Bars
    from drcore.show import bars_chart, charts, timeline_chart

    if isinstance(chart, Bars):
        return bars_chart.drawn(chart)
    return timeline_chart.drawn(chart) if isinstance(chart, Timeline) else charts.drawn(chart)


def png(chart: Picture | Timeline) -> bytes:
    """A chart as PNG, 900 pixels wide, byte for byte the same for the same chart."""
    from drcore.show import canvas

    return canvas.png(figure(chart))


def _in_ipython() -> bool:
    ipython = sys.modules.get("IPython")  # inside it, it is imported already
    return ipython is not None and ipython.get_ipython() is not None


def _publish(data: dict[str, Any], metadata: dict[str, Any]) -> None:
    if _in_ipython():
        from IPython.display import display as show

        show(data, metadata=metadata, raw=True)
