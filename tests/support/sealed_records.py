"""A small record: written, sealed, changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from drcore.engine.outcome import StepName
from drcore.record.events import Kind
from drcore.record.files import JOURNAL, NOTEBOOK, write_atomically
from drcore.record.journal import Record
from drcore.record.proof import verify
from drcore.record.redact import Redactor
from tests.support.manual_clock import ManualClock

MEND = StepName("mend", "Mend", "T.1")
LAST = 11  # lines of what `write` writes


def open_record(folder: Path, *secrets: str) -> Record:
    return Record(folder, ManualClock(), Redactor(secrets, {}))


@contextlib.contextmanager
def writing(folder: Path, *secrets: str) -> Iterator[Record]:
    record = open_record(folder, *secrets)
    yield record
    record.close()


def write(folder: Path) -> Path:
    """A sealed record of eleven lines, with two evidence files and a notebook bound into it."""
    with writing(folder) as record:
        record.append(Kind.OPENED, run_id=folder.name)
        record.append(Kind.LOOK, step=MEND, target="in us-east-1", state={"value": "bad"}, check="no")
        record.append(Kind.INTENT, step=MEND, target="in us-east-1", before={"value": "bad"})
        record.append(Kind.CALL, call="tiny:Write", parameters={"value": "good"}, answer="OK")
        record.add_evidence("rates.csv", "minute,errors\n1,8\n", title="Rates")
        record.append(Kind.LOOK, step=MEND, target="in us-east-1", state={"value": "good"}, check="yes")
        record.add_evidence("rates.svg", b"<svg/>", title="Rates")
        record.append(Kind.RESULT, step=MEND, target="in us-east-1", outcome="DONE")
        record.append(Kind.STEP_ENDED, step=MEND, outcome="DONE", seconds={"machine": 0.1})
        write_atomically(folder / NOTEBOOK, b"{}")
        record.bind(NOTEBOOK, title="the executed notebook")
        record.append(Kind.CLOSED, lock="given back")
        record.seal()
    return folder


def problem(folder: Path) -> str:
    """What `verify` names first, which must be something."""
    proof = verify(folder)
    assert not proof.holds and proof.problems
    return proof.problems[0]


def change_lines(folder: Path, change: Callable[[list[bytes]], None]) -> None:
    lines = (folder / JOURNAL).read_bytes().split(b"\n")[:-1]
    change(lines)
    (folder / JOURNAL).write_bytes(b"".join(line + b"\n" for line in lines))
