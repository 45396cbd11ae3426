"""The record of a run: a hash-chained journal, with evidence, notebook, page bound into it.

`records/<run id>/` is self-contained. The journal is the truth: one JSON line an event, each line carrying the
SHA-256 of the line before, on disk before an act and after it. Files are bound by their digest in a journal line;
the manifest binds the journal's last line.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from drcore.clock import Clock, iso
from drcore.errors import BadInput, Refused
from drcore.record.redact import Redactor

JOURNAL, MANIFEST, PARAMETERS = "journal.jsonl", "manifest.json", "parameters.json"
NOTEBOOK, PAGE, CARD, EVIDENCE = "notebook.ipynb", "notebook.html", "break-glass.md", "evidence"
RECEIPT = "archived.json"  # where the copy in the archive lies; written after the record is sealed
FIRST = "0" * 64  # what the first line carries as the digest of the line before
FORMAT = 2  # of new records; it stands in the first line. A record without it is of format 1, which had no such field

Event = Mapping[str, Any]


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, finds the old one or the new one, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Without this a new name may be lost in a power cut although the file's content is safe.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Record:
    """One run's folder, open for writing by one process at a time.

    Raises Refused when another process is writing to it, or when a newer drcore has written it.
    """

    def __init__(self, folder: Path, clock: Clock, redact: Redactor) -> None:
        see_format(folder)
        self.folder, self.redact, self._clock = folder, redact, clock
        (folder / EVIDENCE).mkdir(parents=True, exist_ok=True)
        self._file = (folder / JOURNAL).open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise Refused(f"run {folder.name} is being written by another process; nothing was changed") from error
        _sync_folder(folder)
        torn = _mend(folder / JOURNAL)
        lines = _lines(folder / JOURNAL)
        try:
            self.events: list[Event] = [json.loads(line) for line in lines]
        except ValueError as error:
            self._file.close()
            raise Refused(f"the journal of {folder.name} is broken, see: drcore verify {folder}") from error
        self._last = digest(lines[-1]) if lines else FIRST
        self._sealed = (folder / MANIFEST).exists()
        if torn:
            self.append("torn-line-removed", bytes=len(torn), sha256=digest(torn), durable=True)

    def append(self, event: str, /, *, durable: bool = False, **fields: object) -> Event:
        """Add one line. With `durable` it is on disk when this returns: so before every act, and after it.

        Raises Refused when the record was closed.
        """
        if self._file.closed:
            raise Refused("this run is closed, and nothing was changed: to go on with it, open it again first")
        if self._sealed:
            self._unseal()
        line: dict[str, Any] = {"n": len(self.events) + 1, "time": iso(self._clock.now()), "event": event}
        if not self.events:  # a record that is gone on with keeps the format that it was begun in
            line["format"] = FORMAT
        line |= {name: self.redact.data(value) for name, value in fields.items()}
        line["prev"] = self._last
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        self._file.write(text + b"\n")
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())
        self._last = digest(text)
        self.events.append(json.loads(text))
        return self.events[-1]

    def keep(self, name: str, content: str | bytes, *, title: str) -> None:
        """Put a file into `evidence/` and bind it into the journal. Text is redacted; a name may be written again."""
        body = self.redact(content).encode() if isinstance(content, str) else content
        self.loosen(f"{EVIDENCE}/{name}")
        write_whole(self.folder / EVIDENCE / name, body)
        self.bind(f"{EVIDENCE}/{name}", title=title)

    def bind(self, name: str, *, title: str) -> None:
        """Bind a file of the folder, as it is now, into the journal."""
        self.append("file", name=name, title=title, sha256=digest((self.folder / name).read_bytes()), durable=True)

    def loosen(self, name: str) -> None:
        """Say that a file is about to be written anew, so that a crash before it is bound again is no forgery."""
        if name in _bound(self.events):
            self.append("file-open", name=name, durable=True)

    def seal(self) -> None:
        """Write the manifest: the digest of the journal's last line, and of every file that the journal binds."""
        write_whole(self.folder / MANIFEST, _manifest(self.folder.name, self.events, self._last))
        self._sealed = True

    def _unseal(self) -> None:
        # First, so that a crash in between leaves a record that is open, not one that looks as if it was added to.
        (self.folder / MANIFEST).unlink()
        _sync_folder(self.folder)
        self._sealed = False

    def close(self) -> None:
        """Give the record free for another process."""
        if self._file.closed:
            return
        os.fsync(self._file.fileno())
        self._file.close()


@dataclass(frozen=True, slots=True)
class Proof:
    """What `verify` found: whether the record holds, the first place where it does not, what it cannot tell.

    `complete`: it has its end, the manifest. A run that was killed holds as far as it goes, and has none.
    """

    holds: bool
    complete: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    lines: int
    head: str

    @property
    def proven(self) -> bool:
        """Whether all of the record, up to its end, is as it was written."""
        return self.holds and self.complete

    @property
    def word(self) -> str:
        """The proof in one word."""
        return "holds" if self.proven else "INCOMPLETE" if self.holds else "BROKEN"


OUTSIDE = (
    "What no look at this folder can show: a record that was rewritten as a whole, journal and manifest together. "
    "Compare the head digest with the one kept outside (the archive's copy of manifest.json, under Object Lock, or "
    "the line that the run printed at its end)."
)


def verify(folder: Path) -> Proof:
    """Prove a record: the chain of its lines, the digests of its files, the manifest.

    Raises BadInput when the folder holds no journal, or one of a format that only a newer drcore knows.
    """
    if not (folder / JOURNAL).is_file():
        raise BadInput(f"{folder}: expected a record with a {JOURNAL}, found none")
    problems, notes = [], [OUTSIDE]
    raw = (folder / JOURNAL).read_bytes()
    if raw and not raw.endswith(b"\n"):
        notes.append("The last line is incomplete: the writer was killed while it wrote. It counts as not written.")
    lines = _lines(folder / JOURNAL)
    wrong = _first_wrong(lines, _sealed_head(folder))
    sound = lines[: wrong[0] - 1] if wrong else lines
    events: list[Event] = [json.loads(line) for line in sound]
    # The digest of the first line, as the second one carries it, is the same in every format: so a first line that was
    # changed is told from one of a newer format.
    if newer := _newer(folder, events[:1]):
        raise BadInput(newer)
    last = digest(sound[-1]) if sound else FIRST
    if wrong:
        problems.append(f"line {wrong[0]}: {wrong[1]}")
    problems += _wrong_files(folder, events)
    if not problems:
        problems += _wrong_manifest(folder, events, last)
    complete = (folder / MANIFEST).exists()
    if not complete:
        notes.append(f"The run was not closed: without {MANIFEST} nothing binds the last line.")
    notes += [f"{name} is bound by no line of the journal." for name in _strays(folder, events)]
    return Proof(not problems, complete, tuple(problems), tuple(notes), len(events), last)


def see_format(folder: Path) -> None:
    """Make sure that this drcore knows the format of a record, before anything is added to it. Raises Refused."""
    first = _lines(folder / JOURNAL)[:1] if (folder / JOURNAL).is_file() else []
    if newer := _newer(folder, [event for line in first if (event := _event(line))]):
        raise Refused(f"{newer} Nothing was changed.")


def _newer(folder: Path, first: list[Event]) -> str:
    """Which drcore a record needs whose first line is of a format unknown here; empty where this one will do."""
    found = first[0].get("format", 1) if first else FORMAT
    if found in range(1, FORMAT + 1):
        return ""
    packages = first[0].get("packages")
    written_by = packages.get("drcore") if isinstance(packages, dict) else None
    needed = f"drcore {written_by}, which has written it, or a newer one" if written_by else "a newer drcore"
    return f"{folder}: expected a record of format {FORMAT} or lower, seen format {found}. To read it takes {needed}."


def _first_wrong(lines: list[bytes], head: str) -> tuple[int, str] | None:
    """The first line that is not as it was written, with what is wrong. `head` is the manifest's, empty if none."""
    digests = [FIRST]
    for number, line in enumerate(lines, start=1):
        event = _event(line)
        if event is None:
            return number, "is not a journal line (changed, or not written by drcore)"
        if event["prev"] != digests[-1]:
            following = _event(lines[number]) if number < len(lines) else {"prev": head}
            as_written = following is not None and following["prev"] == digest(line)
            return _blame(number, event, digests, as_written=as_written)
        if event["n"] != number:
            return number, f"carries the number {event['n']}, expected {number}"
        digests.append(digest(line))
    return None


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


def _event(line: bytes) -> Event | None:
    """A line of a journal as it must be, or None."""
    try:
        event = json.loads(line)
        texts = [event["event"], event["time"], event["prev"]]
        texts += [event["name"], event["sha256"]] if event["event"] == "file" else []
        right = type(event["n"]) is int and all(isinstance(text, str) for text in texts)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return event if right else None


def _wrong_files(folder: Path, events: list[Event]) -> Iterator[str]:
    for name, line in _bound(events).items():
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
        if content != _manifest(run_id, events, last):
            yield f"{MANIFEST}: changed (its run, its number of lines or its list of files is not the journal's)"
    elif lines > len(events):
        yield f"line {len(events) + 1}: missing, and all after it (the manifest counts {lines} lines)"
    elif lines < len(events):
        yield f"line {lines + 1}: added after the record was closed (the manifest counts {lines} lines)"
    else:
        yield f"line {len(events)}: changed (its digest is not the head in {MANIFEST})"


def _manifest(name: str, events: list[Event], last: str) -> bytes:
    """What the manifest holds; `name` is the run's where no line of the journal says which run it is."""
    run_id = next((line["run_id"] for line in events if line["event"] == "opened" and "run_id" in line), name)
    files = {name: line["sha256"] for name, line in _bound(events).items()}
    manifest = {"run_id": run_id, "lines": len(events), "head": last, "files": files}
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()


def _sealed_head(folder: Path) -> str:
    try:
        return str(json.loads((folder / MANIFEST).read_bytes())["head"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _bound(events: list[Event]) -> dict[str, Event]:
    """The files that the journal binds, each with the line that did it last."""
    bound: dict[str, Event] = {}
    for line in events:
        if line["event"] == "file":
            bound[line["name"]] = line
        elif line["event"] == "file-open":
            bound.pop(line.get("name", ""), None)
    return bound


def _strays(folder: Path, events: list[Event]) -> list[str]:
    known = set(_bound(events)) | {JOURNAL, MANIFEST, RECEIPT}
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return [name for name in names if name not in known and not name.startswith(".")]


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def _mend(path: Path) -> bytes:
    """Cut off a last line that was never finished, and return it."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    torn = content[whole:]
    if torn:
        os.truncate(path, whole)
    return torn


def read_events(folder: Path) -> list[Event]:
    """The finished lines of a record's journal, without opening it for writing. Empty where there is none."""
    if not (folder / JOURNAL).is_file():
        return []
    return [json.loads(line) for line in _lines(folder / JOURNAL)]


def find(records: Path, name: str) -> Path:
    """The folder of a run that is named by its id, by the start of its id, or by its path.

    Raises BadInput when none, or more than one, answers to the name.
    """
    if (Path(name) / JOURNAL).is_file() or (Path(name) / PARAMETERS).is_file():
        return Path(name)
    found = [path for path in sorted(records.glob(f"{name}*")) if (path / PARAMETERS).is_file()]
    exact = [path for path in found if path.name == name]
    if len(exact or found) != 1:
        seen = ", ".join(path.name for path in found) or "none"
        raise BadInput(f"run {name!r}: expected the id or path of one record below {records}, seen {seen}")
    return (exact or found)[0]


def as_text(moment: datetime | None) -> str | None:
    """A time for the journal, or None."""
    return iso(moment) if moment else None
