"""The proof of a record: the chain of its lines, the digests of its files, its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drcore.errors import BadInput
from drcore.record.events import FIRST, Event, Kind, parsed
from drcore.record.files import JOURNAL, MANIFEST, RECEIPT, digest, is_being_written
from drcore.record.format import newer
from drcore.record.manifest import bound_files, manifest_of


@dataclass(frozen=True, slots=True)
class Proof:
    """What `verify` found: whether the record holds, the first place where it does not, what it cannot tell.

    `complete`: it has its end, the manifest. A run that was killed holds as far as it goes, and has none. `writing`:
    a run is at work on it, so that its lines were proved and its files were not. `events` are the lines that were
    proved, so that nobody reads them again.
    """

    holds: bool
    complete: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    lines: int
    head: str
    writing: bool = False
    events: tuple[Event, ...] = field(default=(), repr=False, compare=False)

    @property
    def proven(self) -> bool:
        """Whether all of the record, up to its end, is as it was written."""
        return self.holds and self.complete

    @property
    def word(self) -> str:
        """The proof in one word."""
        if self.holds and self.writing:
            return "BEING WRITTEN"
        return "holds" if self.proven else "INCOMPLETE" if self.holds else "BROKEN"


OUTSIDE = (
    "What no look at this folder can show: a record that was rewritten as a whole, journal and manifest together. "
    "Compare the head digest with the one kept outside (the archive's copy of manifest.json, under Object Lock, or "
    "the line that the run printed at its end)."
)


def verify(folder: Path) -> Proof:
    """Prove a record: the chain of its lines, the digests of its files, the manifest.

    While a run is at work on it only the lines are proved: a file may be written anew between two looks.

    Raises BadInput when the folder holds no journal, or one of a format that only a newer drcore knows.
    """
    if not (folder / JOURNAL).is_file():
        raise BadInput(f"{folder}: expected a record with a {JOURNAL}, found none")
    problems, notes = [], [OUTSIDE]
    writing = is_being_written(folder)
    raw = (folder / JOURNAL).read_bytes()
    if raw and not raw.endswith(b"\n") and not writing:
        notes.append("The last line is incomplete: the writer was killed while it wrote. It counts as not written.")
    lines = raw.split(b"\n")[:-1]
    sound, wrong = _chained(lines, _sealed_head(folder))
    events = sound[: wrong[0] - 1] if wrong else sound
    # The digest of the first line, as the second one carries it, is the same in every format: so a first line that was
    # changed is told from one of a newer format.
    if needed := newer(folder, events[:1]):
        raise BadInput(needed)
    last = digest(lines[len(events) - 1]) if events else FIRST
    if wrong:
        problems.append(f"line {wrong[0]}: {wrong[1]}")
    outside = [] if writing else [*_wrong_files(folder, events)]
    if not writing and not problems and not outside:
        outside += _wrong_manifest(folder, events, last)
    complete = (folder / MANIFEST).exists()
    if writing or is_being_written(folder) or (folder / JOURNAL).stat().st_size != len(raw):
        writing, complete, outside = True, False, []
        notes.append("A run is at work on it, and writes: its lines were proved, its files not yet.")
    problems += outside
    if not complete and not writing:
        notes.append(f"The run was not closed: without {MANIFEST} nothing binds the last line.")
    hosts = (line for line in events if line["event"] == Kind.HOST)
    if others := sorted({str(line.get("run_by", "drcore")) for line in hosts} - {"drcore"}):
        who = ", ".join(others)
        notes.append(
            f"The notebook was run by {who}, not by drcore: after an error it runs no further cell, so the verdict, "
            "the way back, the release of the lock may be missing."
        )
    notes += _added_after_the_end(events)
    if not writing:
        notes += [f"{name} is bound by no line of the journal." for name in _unbound_files(folder, events)]
    return Proof(not problems, complete, tuple(problems), tuple(notes), len(events), last, writing, tuple(events))


def _added_after_the_end(events: list[Event]) -> Iterator[str]:
    """Remarks that people have added to a record that was closed, each with where the record had ended until then."""
    for line in events:
        if line["event"] == Kind.NOTE and line.get("after_end"):
            yield (
                f"Line {line['n']} is a remark that {line.get('by', 'somebody')} added after the run's end: until then "
                f"the record ended at line {line['n'] - 1}, head {line['prev']}."
            )


def _chained(lines: list[bytes], head: str) -> tuple[list[Event], tuple[int, str] | None]:
    """The lines that follow each other, then the first that is not as it was written, with what is wrong.

    `head` is the manifest's, empty if none.
    """
    digests, events = [FIRST], list[Event]()
    for number, line in enumerate(lines, start=1):
        event = parsed(line)
        if event is None:
            return events, (number, "is not a journal line (changed, or not written by drcore)")
        if event["prev"] != digests[-1]:
            following = parsed(lines[number]) if number < len(lines) else {"prev": head}
            as_written = following is not None and following["prev"] == digest(line)
            return events, _blame(number, event, digests, as_written=as_written)
        if event["n"] != number:
            return events, (number, f"carries the number {event['n']}, expected {number}")
        digests.append(digest(line))
        events.append(event)
    return events, None


def _blame(number: int, event: Event, digests: list[str], *, as_written: bool) -> tuple[int, str]:
    """Which line is to blame when one does not follow the line before it.

    `as_written`: what comes after it carries its digest, so that it is the line before it that is wrong.
    """
    if event["n"] > number:
        return number, f"is missing, or was moved: in its place stands a line with the number {event['n']}"
    if as_written and event["n"] == number > 1:
        return number - 1, f"was changed: line {number} carries another digest for it"
    if as_written and event["prev"] in digests[:-1]:
        inserted = digests.index(event["prev"]) + 1
        return inserted, f"was inserted: line {number} follows line {inserted - 1}"
    return number, f"does not follow line {number - 1}: it was changed, inserted or moved here, or the line before was"


def _wrong_files(folder: Path, events: list[Event]) -> Iterator[str]:
    for name, line in bound_files(events).items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: missing, bound by line {line['n']}"
        elif digest(path.read_bytes()) != line["sha256"]:
            yield f"{name}: changed after line {line['n']} bound it"


def _wrong_manifest(folder: Path, events: list[Event], last: str) -> Iterator[str]:
    if not (folder / MANIFEST).exists():
        return
    content = (folder / MANIFEST).read_bytes()
    try:
        manifest = json.loads(content)
        run_id, lines, head = str(manifest["run_id"]), int(manifest["lines"]), manifest["head"]
    except (ValueError, KeyError, TypeError):
        yield f"{MANIFEST}: is not a manifest"
        return
    if head == last:
        if content != manifest_of(run_id, events, last):
            yield f"{MANIFEST}: changed (its run, its number of lines or its list of files is not the journal's)"
    elif lines > len(events):
        yield f"line {len(events) + 1}: missing, and all after it (the manifest counts {lines} lines)"
    elif lines < len(events):
        yield f"line {lines + 1}: added after the record was closed (the manifest counts {lines} lines)"
    else:
        yield f"line {len(events)}: changed (its digest is not the head in {MANIFEST})"


def _sealed_head(folder: Path) -> str:
    try:
        return str(json.loads((folder / MANIFEST).read_bytes())["head"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _unbound_files(folder: Path, events: list[Event]) -> list[str]:
    known = set(bound_files(events)) | {JOURNAL, MANIFEST, RECEIPT}
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return [name for name in names if name not in known and not name.startswith(".")]
