"""What a notebook calls."""

from drcore.run.opening import runbook
from drcore.run.runbook import warm_up

__all__ = ["runbook", "warm_up"]
