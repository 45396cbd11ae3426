"""The command that writes a plan down for paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from drcore.cli.app import app, guarded
from drcore.cli.options import AsJson, Environment, PlanName


@app.command()
def card(
    plan: PlanName,
    environment: Environment = "sandbox",
    pdf: Annotated[bool, typer.Option("--pdf", help="A PDF too, printed by a Chromium of this machine.")] = False,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files are written.")] = Path("cards"),
    as_json: AsJson = False,
) -> None:
    """Write the plan as shell commands, for when drcore cannot run: Markdown and HTML, made of the parameters alone.

    Each act has its AWS CLI command, the look that tells whether it worked, its undo, and who is asked.
    """

    def go() -> list[str]:
        from drcore.launcher.paper import write_card

        written = []
        for path in write_card(plan, environment, to, pdf=pdf):
            written.append(str(path))
            typer.echo(str(path), err=as_json)
        return written

    written = guarded(go, as_json)
    if as_json:
        typer.echo(json.dumps({"card": written}))
