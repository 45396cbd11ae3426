"""The command line."""

from drcore.cli.main import main

__all__ = ["main"]
