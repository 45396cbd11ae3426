"""The entry point, with every command."""

from __future__ import annotations

import sys

import typer

# Each adds its commands to the app.
from drcore.cli import approving, archive, commands, diff, learning, paper, probing, remarks, scheduling  # noqa: F401
from drcore.cli.app import app, show_error
from drcore.errors import BadInput


def main() -> None:
    """The entry point of the command `drcore`."""
    try:
        sys.exit(app(standalone_mode=False, prog_name="drcore"))
    except typer.TyperException as error:  # an option that there is not, an argument that is missing
        if not sys.argv[1:]:  # not even a command: the message is the help
            typer.echo(error.format_message(), err=True)
        else:
            context = getattr(error, "ctx", None)  # of the command that was being read
            command = context.command_path if context else "drcore"
            show_error(BadInput(f"{error.format_message()} See: {command} --help"), "--json" in sys.argv)
        sys.exit(int(BadInput.exit))
