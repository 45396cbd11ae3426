"""What a step shows for what it says: tables with their charts, documents.

An exhibit is data; `show` draws it, `Record.keep` stores it. The numbers of a chart are always kept beside it as a
table, and every chart says in words what it shows.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from drcore.clock import iso

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns. `name` is the stem of its file, `title` says what to see.

    `compares` are two columns that hold the same thing before and after: they are shown as a diff, in which None is
    a thing that is not there.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    compares: tuple[str, str] | None = None

    def csv(self) -> str:
        """As CSV text: times in ISO 8601 UTC, an unknown value as an empty field."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_plain(cell) for cell in row] for row in self.rows)
        return text.getvalue()

    def frame(self) -> pd.DataFrame:
        """As a pandas DataFrame, to work on in a notebook."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(self.columns))


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart. A value of None is a gap: nothing was measured, which is not zero.

    Series with the same `panel` share a pair of axes; panels stand under each other on one time axis. Those with the
    same `role` look the same in all panels, whatever their labels: the newest version here and there. Empty: the label.
    """

    label: str
    times: tuple[datetime, ...]
    values: tuple[float | None, ...]
    panel: str = ""
    role: str = ""

    @property
    def looks_like(self) -> str:
        """What has one look in a whole chart."""
        return self.role or self.label


@dataclass(frozen=True, slots=True)
class Limit:
    """A horizontal line to compare with: a threshold or a target."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment to compare with: the fault, an action, the return to health.

    `earliest`: when it may have been at the earliest, where it is known within bounds only; `at` is the latest then.
    """

    label: str
    at: datetime
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A state that lasted, behind the lines of one panel: a flag that was off. `until` is None while it lasts."""

    label: str
    since: datetime
    until: datetime | None = None
    panel: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Values over time. `title` says what to see, `unit` what is measured, `alt` the same for who cannot see it.

    `stacked`: the series stand on top of each other, as parts of a whole. `ceiling`: where the axis ends, if higher
    values would hide the rest; the title should name them. `begins`: where the axis of time does, if it is flat before;
    what was measured before stands in the table.
    """

    name: str
    title: str
    unit: str
    series: tuple[Series, ...]
    limits: tuple[Limit, ...] = ()
    marks: tuple[Mark, ...] = ()
    alt: str = ""
    stacked: bool = False
    ceiling: float | None = None
    bands: tuple[Band, ...] = ()
    begins: datetime | None = None

    def table(self) -> Table:
        """The same numbers, a row a time and series."""
        rows = tuple(
            (series.panel, series.label, time, value)
            for series in self.series
            for time, value in zip(series.times, series.values, strict=True)
        )
        return Table(self.name, self.title, ("panel", "series", "time", self.unit), rows)


@dataclass(frozen=True, slots=True)
class Portion:
    """How much is gone of a whole: of the hours of a deadline. `gone` None: it has not begun, `note` says what then."""

    label: str
    gone: float | None
    whole: float
    note: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Several wholes under each other on one scale, with how much of each is gone. `unit` is what is counted."""

    name: str
    title: str
    unit: str
    bars: tuple[Portion, ...]

    def table(self) -> Table:
        """The same numbers, a row a bar."""
        rows = tuple((each.label, each.gone, each.whole, each.note) for each in self.bars)
        return Table(self.name, self.title, ("what", f"{self.unit} gone", f"{self.unit} in all", "note"), rows)


@dataclass(frozen=True, slots=True)
class Document:
    """A text in Markdown that people work on further. `name` is the stem of its file, `title` says what it is."""

    name: str
    title: str
    text: str


Picture = Chart | Bars
Exhibit = Table | Picture | Document


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    return iso(cell) if isinstance(cell, datetime) else str(cell)
