"""The command line itself, with errors that become exit codes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import TypeVar

import typer

from drcore.errors import DrcoreError, Exit

T = TypeVar("T")
EXITS = (
    "Exit codes: 0 goal reached and targets met. 1 the plan ran, and its goal or a target was missed. 2 bad input, "
    "nothing touched. 3 refused (consent, lock, preflight). 4 the runner failed. 5 a rollback failed. "
    "130, 143 stopped by a signal."
)
app = typer.Typer(
    help="SyncWell's contingency and rollback plans as executable runbooks.",
    epilog=EXITS,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
    rich_markup_mode=None,
)


def say(text: str) -> None:
    """Say something beside the result."""
    with contextlib.suppress(OSError):  # a terminal that has gone away does not keep a record from being finished
        typer.echo(text, err=True)


def guarded(go: Callable[[], T], as_json: bool) -> T:
    """Run a command; an error that drcore raises on purpose becomes its message and its exit code."""
    try:
        return go()
    except DrcoreError as error:
        show_error(error, as_json)
        raise typer.Exit(int(error.exit)) from None
    except KeyboardInterrupt:
        raise typer.Exit(int(Exit.INTERRUPTED)) from None


def show_error(error: DrcoreError, as_json: bool) -> None:
    """Say what was wrong; as JSON too, where that is asked for."""
    typer.echo(f"{type(error).__name__}: {error}", err=True)
    if as_json:
        typer.echo(json.dumps({"error": type(error).__name__, "message": str(error), "exit": int(error.exit)}))
