"""The command line itself, with errors that become exit codes."""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from drcore.errors import DrcoreError, Exit, RunnerFailed

T = TypeVar("T")
EXITS = (
    "Exit codes: 0 goal reached and targets met. 1 the plan ran, and its goal or a target was missed. 2 bad input, "
    "nothing touched. 3 refused (consent, lock, preflight). 4 the runner failed. 5 a rollback failed. 6 with --due: "
    "another scheduler is at work. 130, 143 stopped by a signal."
)
app = typer.Typer(
    help="SyncWell's contingency and rollback plans as executable runbooks.",
    epilog=EXITS,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"drcore {importlib.metadata.version('drcore')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)]


@app.callback()
def options(version: Version = False) -> None:
    """SyncWell's contingency and rollback plans as executable runbooks."""


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
    except BrokenPipeError:  # whoever reads this has seen enough, as `head` does: nothing has failed
        raise
    except OSError as error:  # of this machine: whatever else can fail has an error of its own
        show_error(RunnerFailed(_of_this_machine(error)), as_json)
        raise typer.Exit(int(RunnerFailed.exit)) from None
    except KeyboardInterrupt:
        raise typer.Exit(int(Exit.INTERRUPTED)) from None
    except (typer.Exit, typer.TyperException):
        raise
    except Exception as error:  # noqa: BLE001  # an error of ours: whoever runs this is told so, by its exit code
        show_error(RunnerFailed(_of_ours(error)), as_json)
        raise typer.Exit(int(RunnerFailed.exit)) from None


_REMEDIES = {
    errno.ENOSPC: "free some space, or name another folder with --records",
    errno.EDQUOT: "free some space, or name another folder with --records",
    errno.EFBIG: "allow larger files: ulimit -f unlimited",
    errno.EMFILE: "allow more open files: ulimit -n 1024",
    errno.ENFILE: "too many files are open on this machine: end what is not needed",
    errno.EROFS: "name a folder that can be written to with --records",
}


def _of_this_machine(error: OSError) -> str:
    name = f" {error.filename}" if error.filename else ""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"this machine said{name}: {error.strerror or error}" + (f". To go on, {remedy}." if remedy else "")


def _of_ours(error: Exception) -> str:
    """Which error, and where: never a value of a variable, which could be a secret's."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"an error of drcore itself, {type(error).__name__} in {Path(at.filename).name}:{at.lineno}: {error}"


def show_error(error: DrcoreError, as_json: bool) -> None:
    """Say what was wrong; as JSON too, where that is asked for."""
    typer.echo(f"{type(error).__name__}: {error}", err=True)
    if as_json:
        typer.echo(json.dumps({"error": type(error).__name__, "message": str(error), "exit": int(error.exit)}))
