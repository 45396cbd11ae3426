"""What a comparison of two states has found, on a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table

from drcore.diff.policy import Class
from drcore.diff.report import Report
from drcore.show.wording import visible

_EXAMPLES = 3  # of each class


def show_differences(report: Report, stream: TextIO) -> None:
    """Print counts, some of the differences, and where all of them lie."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
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
            console.print(_line(f"{difference.kind:<10} {key}: {difference.reason}"))
        shown[difference.kind] += 1
        if all(shown[kind] >= min(_EXAMPLES, report.counts[kind]) for kind in Class if kind is not Class.UNCHANGED):
            break
    for remark in report.remarks:
        console.print(_line(f"Remark   {remark}"))
    console.print(f"Details  {report.details}")
    console.print(
        f"Took     {report.seconds:.1f} s ({report.cpu_seconds:.1f} s of CPU), {report.peak_rss_mb:.0f} MB at the most"
    )


def _line(text: str) -> str:
    """One line of what can be seen: what an item holds is its writer's, and is not obeyed by a terminal."""
    return visible(text).replace("\n", " ")
