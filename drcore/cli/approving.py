"""`drcore approve`: a second person says yes, on a machine of their own."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from drcore.cli.app import app, guarded
from drcore.cli.options import AsJson, Environment, WorldAt
from drcore.errors import BadInput

if TYPE_CHECKING:
    from drcore.engine.second_person import AskedOfSecond
    from drcore.launcher.approve import LeftApproval


@app.command()
def approve(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of the run that waits, in full.")],
    step: Annotated[str, typer.Argument(metavar="STEP", help="The key of the step, as the run has printed it.")],
    environment: Environment = "sandbox",
    minutes: Annotated[
        float, typer.Option("--minutes", min=1, max=60, help="How long the yes holds; an hour at most.")
    ] = 60,
    world: WorldAt = "",
    as_json: AsJson = False,
) -> None:
    """Approve a step of somebody else's run, as the second person: shows what they saw, and asks for the phrase.

    Exit codes: 0 the yes was left for the run. 2 bad input. 3 refused: nothing was left.
    """

    def go() -> LeftApproval:
        from drcore.launcher.approve import Approver
        from drcore.launcher.approve import approve as leave

        if not all(part.replace("-", "").isalnum() for part in (run, step)):
            raise BadInput(f"RUN STEP: expected the id of a run and the key of a step, seen {run!r} {step!r}")
        return leave(Approver(environment, world.rstrip("/")), run, step, minutes, _asked)

    left = guarded(go, as_json)
    typer.echo(f"Left by {left.by}, until {left.until}: {left.at}\nThe run takes it within 15 minutes, once.", err=True)
    if as_json:
        typer.echo(json.dumps({"by": left.by, "until": left.until, "at": left.at}))


def _asked(asked: AskedOfSecond) -> str | None:
    """Show it, and ask for its phrase; None where there is no terminal."""
    from drcore.headless.terminal import is_there

    state = json.dumps(asked.state, indent=1, ensure_ascii=False)
    lines = [
        f"{asked.operator} asks you to approve, in {asked.environment}, run {asked.run} (since {asked.asked}):",
        *("", *(text.rstrip("\n") for text in asked.shown), ""),
        f"Targets: {', '.join(asked.targets)}",
        f"State: {state if len(state) < _LONG else state[:_LONG] + ' …'}",
        f"{asked.title}: {asked.changes}",
        *(asked.phrase, f"Type {asked.phrase!r} to approve it, anything else to leave it: "),
    ]
    typer.echo("".join(c if c.isprintable() or c == "\n" else "?" for c in "\n".join(lines)), err=True, nl=False)
    return sys.stdin.readline().rstrip("\n") if is_there() else None


_LONG = 4000  # characters of a state that are shown; what the operator saw of it stands above
