"""Building the archive: a folder of pages that needs no server.

What is there is kept: a run whose files are as they were is not read again, and one that no source has any more keeps
its page. Each run's page stands in a folder of its own, which is swapped in whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import median

from pydantic import ValidationError

import drcore
from drcore.archive import trends
from drcore.archive.comparisons import write_comparisons
from drcore.archive.reader import ReadRun, Worth, folders, read
from drcore.archive.readiness import readiness
from drcore.archive.run_page import FOLDER, copy_record, is_letter, run_page
from drcore.archive.summary import RunSummary, summary_of
from drcore.errors import BadInput, Refused
from drcore.record.files import write_atomically
from drcore.show import site
from drcore.show.wording import duration

_MARK = ".drcore-archive"  # that a folder is an archive of ours, which may be written to
_RUNS, _PLANS, _SUMMARY = "runs", "plans", "run.json"
_FEW = 8  # runs that are not worth a process of their own


@dataclass(frozen=True, slots=True)
class RecordToRead:
    """A record to be put in: where its files are, where they come from, what tells that they have changed."""

    folder: Path
    source: str
    slug: str
    signature: str


@dataclass(frozen=True, slots=True)
class BuiltArchive:
    """What was built: the first page, how many runs it shows, how many of them were read for it; what to know."""

    index: Path
    runs: int
    made: int
    notes: tuple[str, ...]


def build(
    into: Path,
    records: Sequence[Path],
    now: datetime,
    *,
    again: bool = False,
    more: Iterable[RecordToRead] = (),
    notes: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> BuiltArchive:
    """Build the archive of all records below some folders. `more` are records from elsewhere that have changed.

    `again`: read and prove all of them anew. Raises BadInput for folders that are not fit, Refused where another
    process builds the same archive, OSError.
    """
    _see_fit(into, records)
    into.mkdir(parents=True, exist_ok=True)
    with alone(into):
        (into / _RUNS).mkdir(exist_ok=True)
        before = {} if again else kept(into)
        jobs = [job for job in _jobs(records) if again or _stale(before.get(job.slug), job)] + list(more)
        if jobs:
            say(f"reading {len(jobs)} records")
        made = _make(into, jobs, now)
        runs = {**kept(into), **{run.slug: run for run in made}}
        there = {job.slug for job in _jobs(records)} | {job.slug for job in jobs}
        gone = [run for run in runs.values() if run.slug not in there and run.source in map(_named, records)]
        remarks = [*notes, *_gone(gone)]
        _write_lists(into, list(runs.values()), now, remarks)
    return BuiltArchive(into / "index.html", len(runs), len(made), tuple(remarks))


def kept(into: Path) -> dict[str, RunSummary]:
    """The runs that an archive shows, by slug. What cannot be read any more is as if it were not there."""
    by_slug = {}
    for path in sorted((into / _RUNS).glob(f"*/{_SUMMARY}")):
        with suppress(OSError, ValidationError):  # of another version: it is made anew
            run = RunSummary.model_validate_json(path.read_bytes())
            by_slug[run.slug] = run
    return by_slug


def slug_of(name: str) -> str:
    """The name of a run's page, whatever its folder is called."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".") or "run"


def signature_of(parts: Iterable[object]) -> str:
    """What tells whether something has changed, the code that makes the pages among it."""
    return hashlib.sha256("\n".join([_version(), *map(str, parts)]).encode()).hexdigest()


@cache
def _version() -> str:
    """The digest of the code that reads records, draws pages."""
    home = Path(drcore.__file__).parent
    whole = hashlib.sha256()
    for room in ("archive", "record", "show"):
        for path in sorted((home / room).rglob("*")):
            if path.suffix in (".py", ".j2", ".css", ".js"):
                whole.update(path.read_bytes())
    return whole.hexdigest()


def _see_fit(into: Path, records: Sequence[Path]) -> None:
    for folder in records:
        if not folder.is_dir():
            raise BadInput(f"--records {folder}: expected a folder of records, seen none. Nothing was written.")
        if into.resolve().is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(into.resolve()):
            raise BadInput(f"--into {into}: expected a folder apart from {folder}, seen one inside the other")
    if into.exists() and (not into.is_dir() or (any(into.iterdir()) and not (into / _MARK).exists())):
        raise BadInput(
            f"--into {into}: expected a new folder, or an archive that drcore has made. Nothing was written."
        )


@contextmanager
def alone(into: Path) -> Iterator[None]:
    """Be the one that builds an archive. Raises Refused where another is at it."""
    with (into / _MARK).open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(f"{into}: another process builds this archive. Nothing was written.") from error
        yield


def _named(folder: Path) -> str:
    return str(folder)


def _jobs(records: Sequence[Path]) -> list[RecordToRead]:
    """A job for each folder below the folders of records; those with one name get numbers."""
    jobs: list[RecordToRead] = []
    taken: set[str] = set()
    for below in records:
        for folder in folders(below):
            slug, number = slug_of(folder.name), 2
            while slug in taken:
                slug, number = f"{slug_of(folder.name)}-{number}", number + 1
            taken.add(slug)
            jobs.append(RecordToRead(folder, _named(below), slug, _stat(folder)))
    return jobs


def _stat(folder: Path) -> str:
    """Names, sizes and times of all files of a record, in one digest: they change where a file does."""
    parts = []
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            stat = os.stat(os.path.join(path, name), follow_symlinks=False)  # noqa: PTH116, PTH118 - of 25,000 files
            parts.append(f"{path}/{name} {stat.st_size} {stat.st_mtime_ns}")
    return signature_of(parts)


def _stale(before: RunSummary | None, job: RecordToRead) -> bool:
    return before is None or (before.signature, before.source) != (job.signature, job.source)


def _make(into: Path, jobs: Sequence[RecordToRead], now: datetime) -> list[RunSummary]:
    if len(jobs) < _FEW:
        return [make_run(into, job, now) for job in jobs]
    # Spawned, not forked: a fork of a process with threads may wait for ever.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        return list(pool.map(make_run, [into] * len(jobs), jobs, [now] * len(jobs), chunksize=8))


def make_run(into: Path, job: RecordToRead, now: datetime) -> RunSummary:
    """Read a record, write its page with its files. Raises OSError."""
    ready, folder = into / _RUNS / f".{job.slug}", into / _RUNS / job.slug
    shutil.rmtree(ready, ignore_errors=True)
    (ready / FOLDER).mkdir(parents=True)
    run = read(job.folder)
    left_out = copy_record(run, ready / FOLDER)
    try:
        summary, html = _page(run, job, now, left_out, ready / FOLDER)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        why = f"its page cannot be made of what its journal says: {type(error).__name__} {error}"
        bare = replace(
            run, worth=Worth.BROKEN, problems=(*run.problems, why), verdict=None, steps=(), back=(), events=()
        )
        summary, html = _page(bare, job, now, left_out, ready / FOLDER)
    (ready / "index.html").write_text(html, encoding="utf-8", errors="replace")
    (ready / _SUMMARY).write_text(summary.model_dump_json(indent=1), encoding="utf-8", errors="replace")
    shutil.rmtree(folder, ignore_errors=True)
    ready.replace(folder)
    return summary


def _page(run: ReadRun, job: RecordToRead, now: datetime, left_out: list[str], copied: Path) -> tuple[RunSummary, str]:
    summary = summary_of(run, slug=job.slug, source=job.source, signature=job.signature, now=now)
    return summary, run_page(run, summary, left_out, copied)


def _gone(runs: Sequence[RunSummary]) -> Iterator[str]:
    if runs:
        names = ", ".join(run.run_id for run in runs[:3]) + (f" and {len(runs) - 3} more" if len(runs) > 3 else "")
        yield f"No longer in the folder they were read from, and shown as they were then: {names}."


def _write_lists(into: Path, runs: list[RunSummary], now: datetime, notes: Sequence[str]) -> None:
    newest = sorted(runs, key=lambda run: (run.begun.isoformat() if run.begun else "", run.slug), reverse=True)
    groups = trends.groups_of(runs)
    slower = {run.slug: reasons for group in groups for run, reasons in group.slower}
    ready, more = readiness(runs, now, {run.slug: into / _RUNS / run.slug / FOLDER for run in runs})
    (into / _PLANS).mkdir(exist_ok=True)
    letters = dict.fromkeys([*(each.plan for each in ready), *(group.kind[0] for group in groups)])
    titles = {each.plan: each.title for each in ready}
    beside = write_comparisons(into / _PLANS, into / _RUNS, groups)
    for letter in filter(is_letter, letters):
        of_it = [group for group in groups if group.kind[0] == letter]
        _write(into / _PLANS / f"{letter}.html", _plan_page(letter, titles.get(letter, ""), of_it, beside, now))
    choices = [
        ("plan", "Plan", _options(run.plan for run in runs)),
        ("verdict", "Verdict", _options(run.word or "no verdict" for run in runs)),
        ("environment", "Environment", _options(run.environment for run in runs)),
        ("mode", "Mode", _options(run.mode for run in runs)),
        ("person", "Person", _options(person for run in runs for person in run.people)),
        ("record", "Record", _options(str(run.worth) for run in runs)),
    ]
    _write(into / "site.css", site.style_sheet())
    _write(into / "site.js", site.script())
    html = site.page(
        "index",
        root="",
        runs=[(run, slower.get(run.slug, ())) for run in newest],
        ready=ready,
        overdue=sum(each.overdue for each in ready),
        notes=[*notes, *more],
        choices=choices,
        now=now,
    )
    _write(into / "index.html", html)


def _plan_page(
    letter: str,
    title: str,
    groups: Sequence[trends.Group],
    beside: Mapping[tuple[str, str, str, str], str],
    now: datetime,
) -> str:
    rule = {"times": trends.TIMES, "least": trends.LEAST_S, "needed": trends.NEEDED, "before": trends.BEFORE}
    shown = [
        {
            "name": group.name,
            "count": max((len(trend.values) for trend in group.trends), default=0),
            "runs": group.runs,
            "beside": beside.get(group.kind, ""),
            "slower": [(run, "; ".join(map(str, reasons))) for run, reasons in group.slower],
            "lines": [
                {
                    "title": trend.title,
                    "median": median(trend.values),
                    "last": trend.values[-1],
                    "target": trend.target,
                    "drawn": site.line_of(trend.values, trend.target),
                    "words": _words(trend),
                }
                for trend in group.trends
            ],
        }
        for group in groups
    ]
    return site.page("plan", root="../", plan=letter, title=title, groups=shown, rule=rule, now=now)


def _words(trend: trends.Trend) -> str:
    """What a line of values says, for who cannot see it."""
    low, high = duration(min(trend.values)), duration(max(trend.values))
    target = "" if trend.target is None else f", target {duration(trend.target)}"
    return f"{trend.title}: {len(trend.values)} values from {low} to {high}, last {duration(trend.values[-1])}{target}"


def _options(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def _write(path: Path, text: str) -> None:
    """Write what has changed only, so that a copy of the archive is quickly brought up to date."""
    content = text.encode("utf-8", errors="replace")
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
