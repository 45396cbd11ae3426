"""The archive's comparisons: in each group of runs, the newest one beside the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from drcore.archive.compare import compared
from drcore.archive.reader import Worth, read
from drcore.archive.run_page import FOLDER
from drcore.archive.summary import RunSummary
from drcore.archive.trends import Group
from drcore.record.files import write_atomically
from drcore.show.compared import comparison_page


def write_comparisons(into: Path, runs: Path, groups: Sequence[Group]) -> dict[tuple[str, str, str, str], str]:
    """Write the comparisons, and give the name of each group's page. Raises OSError.

    A page's name changes with the two runs and with the code that draws it, so one that is there is not made again.
    """
    pages = {}
    for group in groups:
        if pair := _newest(group):
            name = f"compared-{_digest(pair)}.html"
            if not (into / name).is_file():
                left, right = (read(runs / run.slug / FOLDER) for run in pair)
                page = comparison_page(**compared(left, right).as_data(), links=[_link(run) for run in pair])
                write_atomically(into / name, page.encode("utf-8", errors="replace"))
            pages[group.kind] = name
    for gone in {path.name for path in into.glob("compared-*.html")} - {*pages.values()}:
        (into / gone).unlink()
    return pages


def _newest(group: Group) -> tuple[RunSummary, RunSummary] | None:
    """The run before, the newest: of those that nobody has changed. None where there are no two."""
    changed = (Worth.BROKEN, Worth.UNREADABLE)
    readable: Iterator[RunSummary] = (run for run in group.runs if run.plan and run.worth not in changed)
    newest, before = next(readable, None), next(readable, None)
    return (before, newest) if newest and before else None


def _digest(pair: tuple[RunSummary, RunSummary]) -> str:
    return hashlib.sha256(" ".join(f"{run.slug} {run.signature}" for run in pair).encode()).hexdigest()[:16]


def _link(run: RunSummary) -> str:
    return f"../runs/{run.slug}/index.html"
