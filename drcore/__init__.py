"""SyncWell's contingency plans as executable runbooks.

A notebook needs one name from here: `runbook`, which opens a run. It is imported on first use, so that
`drcore --help` and the launcher do not pay for boto3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drcore.launcher.notebook import runbook

__version__ = "0.1.0"
__all__ = ["__version__", "runbook"]


def __getattr__(name: str) -> object:
    if name == "runbook":
        from drcore.launcher.notebook import runbook

        return runbook
    raise AttributeError(f"module 'drcore' has no attribute {name!r}")
