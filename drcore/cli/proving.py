"""Proving records by the command line: what is said of each."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import typer

from drcore.archive import store
from drcore.archive.stored import StoredRecord, stored_records
from drcore.cli.listing import begun
from drcore.cli.progress import Proving
from drcore.errors import BadInput
from drcore.parameters import Service
from drcore.record.events import read_events
from drcore.record.history import History
from drcore.record.proof import OUTSIDE, Proof, verify


def newest(folders: list[Path]) -> list[Path]:
    """The record that was begun last, alone; one whose journal does not say when counts as the first."""
    return [max(folders, key=lambda folder: (_begun(folder), folder.name))]


def _begun(folder: Path) -> str:
    try:
        return begun(History(read_events(folder)))
    except BadInput:
        return ""


def prove_all(folders: list[Path], *, named: bool) -> list[dict[str, Any]]:
    """Prove records one after the other, with progress; each is named, unless one was asked for alone."""
    named |= len(folders) > 1
    with Proving(len(folders)) as progress:
        proofs = [progress.over(each.name, partial(prove, each, name=named)) for each in folders]
    if named:
        typer.echo(f"note    {OUTSIDE}")
    return proofs


def prove_stored(url: str, service: Service) -> list[dict[str, Any]]:
    """Prove the records below an address in S3, each fetched, proved, and let go of again.

    Raises BadInput where there is none, Rejected or Unknown where S3 does not say.
    """
    proofs = []
    records = stored_records(url, service)
    with Proving(len(records)) as progress:
        for record in records:
            with tempfile.TemporaryDirectory(prefix="drcore-verify-") as below:
                folder = Path(below) / record.name
                proofs.append(progress.over(record.name, partial(_prove_fetched, record, folder)))
    typer.echo(f"note    {OUTSIDE}")
    return proofs


def _prove_fetched(record: StoredRecord, folder: Path) -> dict[str, Any]:
    record.fetch(folder)
    return prove(folder, name=True, at=record.url)


def prove(folder: Path, *, name: bool, at: str = "") -> dict[str, Any]:
    """Prove one record and say how it went, with its `name` first where it was not asked for alone.

    `at` is where it lies, if not here. Returns the same for a program. Raises BadInput for what is no record, unless
    it is one of several: then that is what is said of it.
    """
    where = at or str(folder)
    if name:
        typer.echo(f"record  {where}")
    try:
        proof = verify(folder)
    except BadInput as error:
        if not name:
            raise
        why = str(error).replace(str(folder), where)
        typer.echo(f"UNREADABLE {why}")
        return _told(where, Proof(False, False, (why,), (), 0, ""), "")
    for problem in proof.problems:
        typer.echo(f"BROKEN  {problem}")
    if proof.holds:
        typer.echo(f"{proof.word.upper():<7} {proof.lines} lines, head {proof.head}")
    for note in proof.notes:
        if not (name and note == OUTSIDE):  # true of each of them: said once, at the end
            typer.echo(f"note    {note}")
    copy = at or store.archived_at(folder)
    if not at:
        kept = (
            f"The copy in the archive: {copy}manifest.json"
            if copy
            else "Not in the archive: this copy is the only one."
        )
        typer.echo(f"note    {kept}")
    return _told(where, proof, copy)


def _told(where: str, proof: Proof, copy: str) -> dict[str, Any]:
    return {
        "record": where,
        "holds": proof.holds,
        "complete": proof.complete,
        "being_written": proof.writing,
        "problems": proof.problems,
        "notes": proof.notes,
        "lines": proof.lines,
        "head": proof.head,
        "archived": copy or None,
    }
