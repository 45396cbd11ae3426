"""The command that puts a person's remark into a record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from drcore.cli.app import app, guarded, say
from drcore.cli.options import RECORDS, AsJson, Records, RunName

if TYPE_CHECKING:
    from drcore.launcher.remark import Remark


@app.command()
def note(
    run: RunName,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The remark, in quotes.")],
    records: Records = RECORDS,
    as_json: AsJson = False,
) -> None:
    """Put a remark into a run's journal, with your name and the time; also when the run is over.

    A record that was closed is closed again behind the remark: drcore verify says which lines were added, and the head
    that it had before. In JupyterLab: run.note("…").

    Exit codes: 0 noted. 2 bad input. 3 refused: the run is being written, or its record is broken.
    """

    def go() -> Remark:
        from drcore.launcher.remark import add_remark
        from drcore.record.files import find

        folder = find(records, run)
        made = add_remark(folder, text, say)
        typer.echo(f"Noted   line {made.n} of {folder.name}, by {made.by}", err=as_json)
        typer.echo(f"Proof   head {made.head}", err=as_json)
        typer.echo(f"Archive {made.archived or 'not archived with this remark'}", err=as_json)
        return made

    made = guarded(go, as_json)
    if as_json:
        typer.echo(json.dumps({"n": made.n, "text": made.text, "by": made.by, "head": made.head}))
