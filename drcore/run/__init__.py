"""What a notebook calls."""

from drcore.run.runbook import runbook, warm_up

__all__ = ["runbook", "warm_up"]
