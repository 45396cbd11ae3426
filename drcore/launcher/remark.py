"""A person's remark in a record, also in one of a run that is over."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drcore.archive.store import archive, archived_at
from drcore.clock import Clock, WallClock
from drcore.engine.context import login
from drcore.errors import BadInput, DrcoreError, Refused
from drcore.parameters import at_world
from drcore.record.events import Kind
from drcore.record.journal import Record
from drcore.record.proof import verify
from drcore.record.redact import Redactor
from drcore.record.run_parameters import RunParameters

LONGEST = 4000  # characters of a remark


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark as it stands in the journal: its line, the last line's digest now, the archive's copy (empty: none)."""

    n: int
    text: str
    by: str
    head: str
    archived: str


def add_remark(folder: Path, text: str, say: Callable[[str], None], clock: Clock | None = None) -> Remark:
    """Add a line to a record. One that was closed is closed again behind it, and what it was before can be told.

    Raises BadInput for an empty remark, Refused where the record is being written or is not as it was written: nothing
    is added to it then.
    """
    if not text.strip() or len(text) > LONGEST:
        raise BadInput(f"TEXT: expected a remark of at most {LONGEST} characters, seen {len(text.strip())}")
    proof = verify(folder)
    if not proof.holds:
        raise Refused(f"{folder.name} is BROKEN, see: drcore verify {folder}. Nothing was added.")
    setting = _setting(folder)
    record = Record(folder, clock or WallClock(), Redactor(facts=setting.public if setting else None))
    try:
        after_end = record.sealed
        by = f"{login()}@{platform.node()}"
        line = record.append(Kind.NOTE, text=text.strip(), by=by, after_end=after_end)
        if after_end:
            record.seal()
    finally:
        record.close()
    copy = archived_at(folder)
    if copy and not setting:
        say("the archive's copy does not have the remark: an earlier drcore has written this record's parameters")
        copy = ""
    elif copy and setting:
        service = at_world(setting.service, (setting.world or {}).get("address"))
        try:
            say("archiving the record")
            copy = archive(folder, service)
        except DrcoreError as error:
            say(f"the archive's copy does not have the remark yet: {error}")
            copy = ""
    return Remark(line["n"], line["text"], line["by"], verify(folder).head, copy)


def _setting(folder: Path) -> RunParameters | None:
    """What the run was started with; None where that was written in a way that is not read any more."""
    try:
        return RunParameters.read(folder)
    except BadInput:
        return None
