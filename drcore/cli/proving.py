"""Proving records by the command line: what is said of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from drcore.archive import store
from drcore.cli.listing import begun
from drcore.record.events import read_events
from drcore.record.history import History
from drcore.record.proof import verify


def newest(folders: list[Path]) -> list[Path]:
    """The record that was begun last, alone."""
    return [max(folders, key=lambda folder: (begun(History(read_events(folder))), folder.name))]


def prove(folder: Path, *, name: bool) -> dict[str, Any]:
    """Prove one record and say how it went, with its `name` first where it was not asked for alone.

    Returns the same for a program.
    """
    proof = verify(folder)
    if name:
        typer.echo(f"record  {folder}")
    for problem in proof.problems:
        typer.echo(f"BROKEN  {problem}")
    if proof.holds:
        typer.echo(f"{proof.word.upper():<7} {proof.lines} lines, head {proof.head}")
    for note in proof.notes:
        typer.echo(f"note    {note}")
    copy = store.archived_at(folder)
    where = (
        f"The copy in the archive: {copy}manifest.json" if copy else "Not in the archive: this copy is the only one."
    )
    typer.echo(f"note    {where}")
    return {
        "record": str(folder),
        "holds": proof.holds,
        "complete": proof.complete,
        "problems": proof.problems,
        "notes": proof.notes,
        "lines": proof.lines,
        "head": proof.head,
        "archived": copy or None,
    }
