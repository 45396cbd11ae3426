"""What the page of a run begins with: the answer, before the steps that led to it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

_HEADING = re.compile(r"^(#{1,2}) +(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """Who said yes to what, when (`09:41:12`), why."""

    at: str
    who: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """A run in short.

    `facts` are what it was, by name; `cost` what users have suffered, `moments` those of the incident with their times,
    `people` who decided, `chart` the picture of its steps with its description (PNG; it need not be there).
    """

    run_id: str
    facts: tuple[tuple[str, str], ...]
    cost: tuple[str, ...] = ()
    moments: tuple[tuple[str, str], ...] = ()
    people: tuple[Said, ...] = ()
    chart: tuple[Path, str] | None = None

    def picture(self) -> str:
        """The chart as an element, empty where there is none."""
        if self.chart is None or not self.chart[0].exists():
            return ""
        path, words = self.chart
        source = base64.b64encode(path.read_bytes()).decode()
        return f'<img alt="{escape(words)}" src="data:image/png;base64,{source}">'


def headings(markdown: str) -> list[str]:
    """The titles of the first two ranks in a text, without their marks."""
    return [re.sub(r"[*_`]", "", title).strip() for _, title in _HEADING.findall(markdown)]
