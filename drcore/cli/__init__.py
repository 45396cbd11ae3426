"""The command line."""

from drcore.cli.commands import main

__all__ = ["main"]
