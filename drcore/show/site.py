"""The pages of the archive: templates, one style sheet, one script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from drcore.show.html import document, rules, sheet

_SITE = Path(__file__).parent / "templates" / "site"
_INLINE = re.compile(r' style="[^"]*"')
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
# The colours of a card on a dark page: each keeps its meaning, and at least 4.5:1 to what it stands on.
_DARK = {
    "#ffffff": "#1b1e23",
    "#1a1a1a": "#e9e9e9",
    "#4a4a4a": "#bcbcbc",
    "#555555": "#a8a8a8",
    "#8a8a8a": "#7d838b",
    "#b0b0b0": "#565c64",
    "#c8c8c8": "#4a5058",
    "#e8e8e8": "#2d3138",
    "#f4f4f4": "#24282e",
    "#0b6b2e": "#71d391",
    "#0b4a8f": "#8fc3f7",
    "#8a4b00": "#e6ab62",
    "#7a4200": "#e6ab62",
    "#a80018": "#ff949c",
    "#fbe9e9": "#4a2328",
    "#e5f3e8": "#1f3d29",
}
_WIDTH, _HEIGHT, _EDGE = 320, 64, 6  # of a line of values, in its own units


def page(name: str, **values: object) -> str:
    """A page of the archive; everything in it that is not from a template is escaped."""
    return document(f"site/{name}", **values)


def card_for_page(html: str) -> str:
    """A card for a page that has the style sheet: without its own styles, so that it is dark where the page is."""
    return _INLINE.sub("", html)


def style_sheet() -> str:
    """The style sheet of all pages, that of the cards in it."""
    cards = sheet()
    own = (_SITE / "site.css").read_text(encoding="utf-8")
    return f"{cards}\n@media screen and (prefers-color-scheme: dark) {{\n{_dark(cards)}\n}}\n{own}"


def dark_cards() -> str:
    """The colours of cards where the reader has chosen dark, for a page whose cards have their styles inline."""
    dark = (f".{name} {{{_coloured(body)}}}" for name, body in rules(_dark(sheet())) if _coloured(body))
    return "@media screen and (prefers-color-scheme: dark) {\n" + "\n".join(dark) + "\n}"


def _dark(css: str) -> str:
    return _COLOUR.sub(lambda match: _DARK.get(match[0], match[0]), css)


def _coloured(body: str) -> str:
    """The declarations of a rule that have a colour, before those of an element itself."""
    return "".join(f" {each.strip()} !important;" for each in body.split(";") if _COLOUR.search(each))


def script() -> str:
    """The one script: search in the list of runs."""
    return (_SITE / "site.js").read_text(encoding="utf-8")


def line_of(values: Sequence[float], target: float | None) -> dict[str, object]:
    """Values one after the other as a line to draw, with the height of the target."""
    top = max([*values, target or 0.0, 1e-9])

    def down(value: float) -> float:
        return round(_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * value / top, 1)

    apart = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    points = [(round(_EDGE + apart * index, 1), down(value)) for index, value in enumerate(values)]
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "points": points,
        "path": " ".join(f"{x},{y}" for x, y in points),
        "target": None if target is None else down(target),
    }
