"""What a notebook calls."""

from drcore.run.runbook import warm_up

__all__ = ["warm_up"]
