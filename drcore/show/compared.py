"""The page of a comparison: one file, without script or network."""

from __future__ import annotations

from collections.abc import Sequence

from drcore.show.html import document
from drcore.show.site import style_sheet


def comparison_page(*, links: Sequence[str] = (), **values: object) -> str:
    """Two runs beside each other; everything in it that is not from the template is escaped.

    `links` lead to the pages of the left and the right run, where there are such.
    """
    return document("comparison", css=style_sheet(), links=links, **values)
