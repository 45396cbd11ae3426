"""The commands that make something of finished runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drcore.cli.app import app, guarded
from drcore.cli.options import RECORDS, AsJson, Records, RunName
from drcore.errors import BadInput, Exit

if TYPE_CHECKING:
    from drcore.archive.compare import ComparedRuns
    from drcore.launcher.postmortem import Postmortem


@app.command()
def postmortem(
    run: RunName,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where it is written; else the record's folder.")
    ] = None,
    records: Records = RECORDS,
    as_json: AsJson = False,
) -> None:
    """Write the postmortem of a run as Markdown and as a notebook, in the form of Google SRE.

    Each sentence has a link to the line of the journal, or the file, that it comes from. Root causes and lessons are
    left empty, with the questions that people must answer. Made again it keeps what people wrote.

    Exit codes: 0 written. 2 bad input. 3 refused: the record is broken, or a file that is there is not drcore's.
    """

    def go() -> Postmortem:
        from drcore.launcher.postmortem import write_postmortem
        from drcore.record.files import find

        made = write_postmortem(find(records, run), out)
        typer.echo(f"Written   {made.markdown}", err=as_json)
        typer.echo(f"Notebook  {made.notebook}", err=as_json)
        typer.echo(f"It tells  {made.sentences} sentences with their sources", err=as_json)
        typer.echo(f"It asks   {made.questions} questions that people must answer", err=as_json)
        return made

    made = guarded(go, as_json)
    if as_json:
        fields = {"markdown": str(made.markdown), "notebook": str(made.notebook)}
        typer.echo(json.dumps({**fields, "sentences": made.sentences, "questions": made.questions}))


@app.command()
def compare(
    left: RunName,
    right: RunName,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the comparison as a page.")] = None,
    records: Records = RECORDS,
    as_json: AsJson = False,
) -> None:
    """Compare two runs of a plan step by step; what really differs comes first.

    Steps are matched by their keys, so runs of different versions of a plan can be compared: new, gone and moved ones
    are shown. Times count from the begin of harm; below 5 s, or a fifth, they do not differ.

    Exit codes: 0 nothing really differs. 1 something does. 2 bad input.
    """

    def go() -> ComparedRuns:
        from drcore.archive.compare import compared
        from drcore.archive.reader import read
        from drcore.cli.differences import show_comparison
        from drcore.record.files import find, write_atomically
        from drcore.show.compared import comparison_page

        comparison = compared(read(find(records, left)), read(find(records, right)))
        if html:
            if not html.absolute().parent.is_dir():
                raise BadInput(f"--html: expected a file in a folder that there is, seen {html}")
            write_atomically(html, comparison_page(**comparison.as_data()).encode())
        show_comparison(comparison, sys.stderr if as_json else sys.stdout)
        return comparison

    comparison = guarded(go, as_json)
    if as_json:
        typer.echo(json.dumps(comparison.as_data()))
    raise typer.Exit(Exit.MISSED if comparison.differs else Exit.REACHED)
