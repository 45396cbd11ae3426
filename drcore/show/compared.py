"""The page of a comparison: one file, without script or network."""

from __future__ import annotations

from drcore.show.html import document
from drcore.show.site import style_sheet


def comparison_page(**values: object) -> str:
    """Two runs beside each other; everything in it that is not from the template is escaped."""
    return document("comparison", css=style_sheet(), **values)
