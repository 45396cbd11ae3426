"""What a comparison has found, on a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table

from drcore.archive.compare import ComparedRuns
from drcore.diff.policy import Class
from drcore.diff.report import Report
from drcore.show.wording import short, visible

_EXAMPLES = 3  # of each class
_LONGEST = 100  # characters of what was seen; all of it stands in the JSON, on the page


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
    if report.lines:
        console.print(f"Lines    {report.lines}")
    console.print(f"Details  {report.details}")
    console.print(
        f"Took     {report.seconds:.1f} s ({report.cpu_seconds:.1f} s of CPU), {report.peak_rss_mb:.0f} MB at the most"
    )


def _line(text: str) -> str:
    """One line of what can be seen: what an item holds is its writer's, and is not obeyed by a terminal."""
    return visible(text).replace("\n", " ")


def show_comparison(comparison: ComparedRuns, stream: TextIO) -> None:
    """Print two runs beside each other: what differs of them, then of their steps."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    console.print(f"left   {comparison.left}\nright  {comparison.right}")
    console.print(f"times count from: {comparison.zero[0]}, {comparison.zero[1]}")
    for note in comparison.notes:
        console.print(f"note   {note}")
    table = Table("step", "differs in", "left", "right", title="what differs", title_justify="left")
    for difference in comparison.whole:
        values = [short(value, _LONGEST) or "none" for value in (difference.left, difference.right)]
        table.add_row("the run", difference.what, *values)
    for step in comparison.steps:
        word = " (new)" if step.left is None else " (gone)" if step.right is None else ""
        for number, difference in enumerate(step.differences):
            name = "" if number else f"{step.title}{word}"
            table.add_row(
                name,
                difference.what,
                *(short(value, _LONGEST) or "none" for value in (difference.left, difference.right)),
            )
    if table.rows:
        console.print(table)
    same = [step.title for step in comparison.steps if not step.differences]
    console.print(f"the same in both: {', '.join(same) or 'no step'}")
    console.print("Something really differs." if comparison.differs else "Nothing really differs.")
