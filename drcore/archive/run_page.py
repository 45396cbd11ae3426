"""The page of one run, with the files of its record."""

from __future__ import annotations

import base64
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from drcore import show
from drcore.archive.reader import ReadRun, Worth
from drcore.archive.summary import RunSummary
from drcore.clock import parse_time
from drcore.record.events import Kind
from drcore.record.evidence import Mark
from drcore.record.files import EVIDENCE, MANIFEST, NOTEBOOK, digest
from drcore.show import site
from drcore.show.wording import duration, named

FOLDER = "record"  # below the page of a run
_ACTIVE = frozenset({".html", ".htm", ".svg", ".xml", ".xhtml"})  # what a browser may run something in
_PICTURES = frozenset({".png", ".jpg", ".jpeg"})
_MEANS = {
    Worth.INCOMPLETE: "What is there holds. It has no end: the run was killed, or its record was not closed.",
    Worth.WRITING: "Its lines hold. A run is at work on it; build the archive again when it is over.",
    Worth.BROKEN: "It is not as it was written. What it says is shown, and proves nothing.",
    Worth.UNREADABLE: "This drcore can read nothing in it.",
    Worth.HOLDS: "",
}


def copy_record(run: ReadRun, into: Path) -> list[str]:
    """Copy the files of a record; those that were left out, as nothing proves that they are harmless.

    Links are not followed: a record has none.
    """
    left_out = []
    for path in sorted(run.folder.rglob("*")):
        name = path.relative_to(run.folder)
        if path.is_symlink() or not path.is_file() or any(part.startswith(".") for part in name.parts):
            continue
        proven = run.worth is Worth.HOLDS and (str(name) in run.files or path.name == MANIFEST)
        if path.suffix.lower() in _ACTIVE and not proven:
            left_out.append(name.as_posix())
            continue
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, into / name)
    return left_out


def run_page(run: ReadRun, summary: RunSummary, left_out: list[str], copied: Path) -> str:
    """The page as HTML; `copied` is the folder with the record's files that it links to."""
    names = [path.relative_to(copied).as_posix() for path in sorted(copied.rglob("*")) if path.is_file()]
    alts = _alts(copied / NOTEBOOK) if run.worth is Worth.HOLDS else {}
    charts = [_chart(name, run.files.get(name, ""), names, alts, copied) for name in names if _is_picture(name)]
    timeline = next((each for each in charts if each["name"] == "timeline"), None)
    calls = _calls(run)
    sections = {
        "timeline": ("Timeline", run.steps),
        "cards": ("Steps", run.steps),
        "decisions": ("Decisions", decisions := list(_decisions(run))),
        "back": ("Going back", run.back),
        "cost": ("Cost", True),
        "charts": ("Charts", [each for each in charts if each is not timeline]),
        "calls": ("Calls", calls),
        "files": ("Files", True),
        "proof": ("Proof", True),
    }
    return site.page(
        "run",
        root="../../",
        run=summary,
        worth_means=_MEANS[run.worth],
        plan_page=f"../../plans/{run.plan}.html" if is_letter(run.plan) else "",
        verdict_card=site.card_for_page(show.verdict(run.verdict)[0]) if run.verdict else "",
        verdict_word=run.verdict.word if run.verdict else "",
        facts=list(_facts(run, summary)),
        sections=[(name, label) for name, (label, there) in sections.items() if there],
        timeline=timeline,
        steps=list(_steps(run)),
        decisions=decisions,
        back=run.back,
        cost=list(_cost(run)),
        charts=sections["charts"][1],
        calls=calls,
        call_count=sum(each.times for each in calls),
        write_count=sum(each.times for each in calls if each.write),
        files=[_file(name, run.files.get(name, "")) for name in names],
        left_out=left_out,
        proof_notes=run.proof.notes if run.proof else (),
    )


def is_letter(plan: str) -> bool:
    """Whether a plan's name can name a page: what a broken record calls its plan may be anything."""
    return len(plan) == 1 and plan.isascii() and plan.isalnum()


def _is_picture(name: str) -> bool:
    return name.startswith(f"{EVIDENCE}/") and Path(name).suffix.lower() in _PICTURES


def _link(name: str) -> str:
    return f"{FOLDER}/{quote(name)}"


def _file(name: str, title: str) -> dict[str, object]:
    return {"name": name, "path": _link(name), "title": title, "download": not name.endswith((".html", ".png"))}


def _chart(name: str, title: str, names: list[str], alts: Mapping[str, str], copied: Path) -> dict[str, str]:
    numbers = f"{name.rpartition('.')[0]}.csv"
    stem = Path(name).stem
    alt = alts.get(digest((copied / name).read_bytes()), "") if alts else ""
    return {
        "name": stem,
        "path": _link(name),
        "title": title or stem,
        "alt": alt or f"Chart: {title or stem}",
        "numbers": _link(numbers) if numbers in names else "",
    }


def _alts(notebook: Path) -> dict[str, str]:
    """The alternative texts of the pictures in an executed notebook, by the pictures' digests."""
    alts: dict[str, str] = {}
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        for cell in json.loads(notebook.read_bytes())["cells"]:
            for output in cell.get("outputs", ()):
                alt = output.get("metadata", {}).get("image/png", {}).get("alt")
                if alt:
                    picture = output["data"]["image/png"]
                    text = picture if isinstance(picture, str) else "".join(picture)
                    alts[digest(base64.b64decode(text))] = str(alt)
    return alts


def _facts(run: ReadRun, summary: RunSummary) -> Iterator[tuple[str, str]]:
    yield "Plan", run.plan.upper() or "not known"
    yield "Exercise", f"{summary.exercise}: {run.mode or '?'} in {run.environment or '?'}"
    if run.production:
        yield "Where", "▲ PRODUCTION"
    if summary.fault:
        yield "Fault", f"{summary.fault}, put in on purpose"
    yield "Begun", f"{run.begun:%Y-%m-%d %H:%M:%S} UTC" if run.begun else "not known"
    yield "People", ", ".join(run.people) or "not known"
    yield "Revision", summary.revision or "not known"
    packages = [f"{name} {version}" for name, version in summary.packages.items()]
    yield "Packages", ", ".join(packages) or "not known"


def _steps(run: ReadRun) -> Iterator[dict[str, Any]]:
    marks = [Mark(name, at) for name, at in run.moments.items()]
    for number, step in enumerate(run.steps, start=1):
        result = step.result
        yield {
            "number": number,
            "title": step.name.title,
            "outcome": named(step.word),
            "began": step.began,
            "ended": step.ended,
            "seconds": step.seconds,
            "acts": step.acts,
            "undone": len(step.undone),
            "card": site.card_for_page(show.card(result, marks=marks)[0]) if result else "",
        }


def _decisions(run: ReadRun) -> Iterator[dict[str, object]]:
    """What was asked and answered, and what was decided, in the order of the lines."""
    history = run.history
    rows = []
    for line in history.lines(Kind.CONSENT):
        if line.get("how") == "none needed":
            continue
        what = f"{'consented to' if line['granted'] else 'REFUSED'}: {line.get('phrase', '')}"
        why = " ".join(filter(None, [str(line.get("reason", "")), f"({line.get('how', '')})"]))
        rows.append((line, what, str(line.get("by", "")), why))
    rows += [(line, f"noted: {line['text']}", str(line.get("by", "")), "") for line in history.lines(Kind.NOTE)]
    rows += [(line, f"decided: {line['choice']}", "", "") for line in history.lines(Kind.DECISION)]
    for line, what, by, why in sorted(rows, key=lambda row: int(row[0]["n"])):
        yield {
            "n": line["n"],
            "at": parse_time(line["time"]),
            "step": line.get("step", ""),
            "what": what,
            "by": by,
            "why": why,
        }


def _cost(run: ReadRun) -> Iterator[str]:
    yield from run.verdict.remarks if run.verdict else ()
    if run.lost_s is not None:
        yield f"Data of {duration(run.lost_s)} may be lost."
    seconds = [step.seconds for step in run.steps if step.ended]
    parts = {"machine": "the machine", "human": "people", "cloud": "waiting for the cloud"}
    spent = [f"{name} {duration(sum(getattr(each, part) for each in seconds))}" for part, name in parts.items()]
    yield f"Time in steps: {', '.join(spent)}."
    yield f"Acts: {sum(step.acts for step in run.steps)}, of which {len(run.back)} were taken back or tried to be."


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls that are alike: how many, when the first and the last were made."""

    call: str
    region: str
    write: bool
    plane: str
    answer: str
    times: int
    first: datetime
    last: datetime


def _calls(run: ReadRun) -> list[_Calls]:
    """Writes first, then reads; each kind in the order of first use."""
    counts: Counter[tuple[str, str, bool, str, str]] = Counter()
    times: dict[tuple[str, str, bool, str, str], tuple[str, str]] = {}
    for line in run.history.lines(Kind.CALL):
        what = (
            str(line.get("call", "")),
            str(line.get("region") or ""),
            bool(line.get("write")),
            str(line.get("plane", "")),
            str(line.get("answer", "")),
        )
        counts[what] += 1
        times[what] = (times.get(what, (line["time"],))[0], line["time"])
    alike = [_Calls(*what, counts[what], *map(parse_time, times[what])) for what in counts]
    return sorted(alike, key=lambda call: not call.write)
