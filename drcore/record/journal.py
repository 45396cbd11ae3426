"""The record of a run: a hash-chained journal, with evidence, notebook, page bound into it.

`records/<run id>/` is self-contained. The journal is the truth: one JSON line an event, each line carrying the
SHA-256 of the line before, on disk before an act and after it. Files are bound by their digest in a journal line;
the manifest binds the journal's last line.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from drcore.clock import Clock, iso
from drcore.errors import Refused
from drcore.record.events import FIRST, FORMAT, NOT_DURABLE, Event, Kind, Named
from drcore.record.files import EVIDENCE, JOURNAL, MANIFEST, digest, sync_folder, write_atomically
from drcore.record.format import see_format
from drcore.record.journal_lines import JournalLines
from drcore.record.manifest import bound_files, manifest_of
from drcore.record.redact import Redactor

_TRIES = 100  # one that only asks whether somebody writes holds the journal for an instant


class Record:
    """One run's folder, open for writing by one process at a time.

    Raises Refused when another process is writing to it, or when a newer drcore has written it.
    """

    def __init__(self, folder: Path, clock: Clock, redact: Redactor) -> None:
        see_format(folder)
        self.folder, self.redact, self._clock = folder, redact, clock
        (folder / EVIDENCE).mkdir(parents=True, exist_ok=True)
        self._file = (folder / JOURNAL).open("ab", buffering=0)
        if not _claimed(self._file.fileno()):
            self._file.close()
            raise Refused(f"run {folder.name} is being written by another process; nothing was changed")
        sync_folder(folder)
        sync_folder(folder.parent)  # the record's own name: a power cut must not take it away with all that is in it
        torn = _cut_torn_line(folder / JOURNAL)
        try:
            self.events = JournalLines(folder / JOURNAL)
        except ValueError as error:
            self._file.close()
            raise Refused(f"the journal of {folder.name} is broken, see: drcore verify {folder}") from error
        self._last = self._head()
        self._sealed = (folder / MANIFEST).exists()
        if torn:
            self.append(Kind.TORN_LINE_REMOVED, bytes=len(torn), sha256=digest(torn))

    def append(self, event: Kind, /, *, step: Named | None = None, **fields: object) -> Event:
        """Add one line. It is on disk when this returns, before every act and after it, but for NOT_DURABLE.

        A line of a step holds the step's title, as it is shown now, and its key, by which it is found.

        Raises Refused when the record was closed.
        """
        if self._file.closed:
            raise Refused("this run is closed, and nothing was changed: to go on with it, open it again first")
        if self._sealed:
            self._unseal()
        line: dict[str, Any] = {"n": len(self.events) + 1, "time": iso(self._clock.now()), "event": event}
        if not self.events:  # a record that is gone on with keeps the format that it was begun in
            line["format"] = FORMAT
        if step:
            line |= {"step": self.redact(step.title), "key": step.key}
        line |= {name: self.redact.data(value) for name, value in fields.items()}
        line["prev"] = self._last
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        try:
            self._write(text + b"\n")
            if event not in NOT_DURABLE:
                os.fsync(self._file.fileno())
            self._last = digest(text)
            return self.events.add(text)
        except BaseException:
            self._catch_up()
            raise

    def _write(self, content: bytes) -> None:
        written = self._file.write(content)
        if written != len(content):
            written_part = f"{os.strerror(errno.ENOSPC)}, {written} of {len(content)} bytes could be written"
            raise OSError(errno.ENOSPC, written_part, str(self.folder / JOURNAL))

    def _catch_up(self) -> None:
        # An interrupt may come between a line and what is known of it: what is on disk counts. A line that is not
        # known of would be followed by one with the same number, and the whole record be broken.
        _cut_torn_line(self.folder / JOURNAL)
        self.events.catch_up()
        self._last = self._head()

    def _head(self) -> str:
        return digest(self.events.last) if self.events else FIRST

    def add_evidence(self, name: str, content: str | bytes, *, title: str) -> None:
        """Put a file into `evidence/` and bind it into the journal. Text is redacted; a name may be written again."""
        body = self.redact(content).encode() if isinstance(content, str) else content
        self.unbind(f"{EVIDENCE}/{name}")
        write_atomically(self.folder / EVIDENCE / name, body)
        self.bind(f"{EVIDENCE}/{name}", title=title)

    def bind(self, name: str, *, title: str) -> None:
        """Bind a file of the folder, as it is now, into the journal."""
        self.append(Kind.FILE, name=name, title=title, sha256=digest((self.folder / name).read_bytes()))

    def unbind(self, name: str) -> None:
        """Say that a file is about to be written anew, so that a crash before it is bound again is no forgery."""
        if name in bound_files(self.events):
            self.append(Kind.FILE_OPEN, name=name)

    def seal(self) -> None:
        """Write the manifest: the digest of the journal's last line, and of every file that the journal binds."""
        write_atomically(self.folder / MANIFEST, manifest_of(self.folder.name, self.events, self._last))
        self._sealed = True

    def _unseal(self) -> None:
        # First, so that a crash in between leaves a record that is open, not one that looks as if it was added to.
        (self.folder / MANIFEST).unlink()
        sync_folder(self.folder)
        self._sealed = False

    @property
    def sealed(self) -> bool:
        """Whether the manifest stands, and nothing was added since."""
        return self._sealed

    def close(self) -> None:
        """Give the record free for another process."""
        if self._file.closed:
            return
        os.fsync(self._file.fileno())
        self._file.close()


def _claimed(journal: int) -> bool:
    """Whether this process is the one that writes, until the file is closed."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.sched_yield()
        else:
            return True
    return False


def _cut_torn_line(path: Path) -> bytes:
    """Cut off a last line that was never finished, and return it."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    torn = content[whole:]
    if torn:
        os.truncate(path, whole)
    return torn
