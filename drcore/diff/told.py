"""A comparison on a terminal: how far it is, what it found."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from drcore.diff.policy import Class
from drcore.diff.report import Report

_EXAMPLES = 3  # of each class


class Bar:
    """On a terminal one line that moves, with rate and time left; elsewhere a line when something else begins."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), _Rate())
        self._bar = Progress(
            *columns,
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("opening", total=None)
        self._doing = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        if doing != self._doing:
            self._doing = doing
            self._bar.reset(self._task, description=doing, total=total)
            if not self._console.is_terminal:
                of = f" ({total} items)" if total else ""
                self._console.print(f"{doing}{of}", highlight=False, markup=False, soft_wrap=True)
        self._bar.update(self._task, completed=done, total=total)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = f" {task.speed:,.0f}/s" if task.speed else ""
        return Text(f"{task.completed:,.0f}{rate}")


def tell(report: Report, stream: TextIO) -> None:
    """Print counts, some of the differences, and where all of them lie."""
    console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
    total = sum(report.counts.values())
    table = Table("class", "items", "share")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in Class:
        share = f"{report.counts[kind] / total:.3%}" if total else ""
        table.add_row(kind, f"{report.counts[kind]:,}", share)
    console.print(table)
    shown = dict.fromkeys(Class, 0)
    for difference in report.differences() if report.differs else ():
        if shown[difference.kind] < _EXAMPLES:
            key = ", ".join(str(next(iter(value.values()))) for value in difference.key.values())
            console.print(f"{difference.kind:<10} {key}: {difference.reason}")
        shown[difference.kind] += 1
        if all(shown[kind] >= min(_EXAMPLES, report.counts[kind]) for kind in Class if kind is not Class.UNCHANGED):
            break
    console.print(f"Details  {report.details}")
    console.print(
        f"Took     {report.seconds:.1f} s ({report.cpu_seconds:.1f} s of CPU), {report.peak_rss_mb:.0f} MB at the most"
    )
