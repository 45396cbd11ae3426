"""The command that builds the archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drcore.cli.app import app, guarded, say
from drcore.cli.options import RECORDS, AsJson, WorldAt, service_of

if TYPE_CHECKING:
    from drcore.archive.site import BuiltArchive


@app.command("archive")
def archive_(
    records: Annotated[
        list[Path] | None,
        typer.Option("--records", metavar="FOLDER", help="Where records are kept; repeatable. Left out: records."),
    ] = None,
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="Where the archive is built.")] = Path(
        "archive"
    ),
    stored: Annotated[
        str,
        typer.Option(
            "--stored", metavar="ENVIRONMENT", help="Also what lies in the evidence stores of an environment."
        ),
    ] = "",
    world: WorldAt = "",
    again: Annotated[bool, typer.Option("--again", help="Read and prove every record anew.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the archive: pages of all runs, to be read without a server. Only what is new or has changed is read.

    Exit codes: 0 it is built, whatever the records are worth. 2 bad input. 3 another process builds it.
    """

    def go() -> BuiltArchive:
        from drcore.archive import evidence_stores
        from drcore.archive.site import build
        from drcore.clock import WallClock

        now = WallClock().now()
        # Left out, it is the usual folder; where there is none, what is stored may be all that there is.
        usual = [] if stored and not RECORDS.is_dir() else [RECORDS]
        if not stored:
            return build(into, records or usual, now, again=again, say=say)
        service = service_of(stored, world)
        return evidence_stores.build_with(into, records or usual, service, now, again=again, say=say)

    built = guarded(go, as_json)
    for note in built.notes:
        typer.echo(f"Note     {note}")
    typer.echo(f"Archive  {built.index}: {built.runs} runs, {built.made} of them read now")
    if as_json:
        fields = {"index": str(built.index), "runs": built.runs, "read": built.made, "notes": built.notes, "exit": 0}
        typer.echo(json.dumps(fields))
