"""What a notebook calls."""

from drcore.engine.context import runbook, warm_up

__all__ = ["runbook", "warm_up"]
