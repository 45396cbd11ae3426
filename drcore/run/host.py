"""Where a run is carried out: the host, the versions of what runs there."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import platform
import subprocess
from typing import Any

from drcore.clock import WallClock, iso
from drcore.engine.prepare import HOME


def host() -> dict[str, Any]:
    """Facts about where a run is carried out; the only ones that differ between two drills with one seed."""
    names = ("drcore", "boto3", "papermill", "nbclient", "pandas", "matplotlib")
    packages = {name: importlib.metadata.version(name) for name in names}
    described = subprocess.run(
        ["git", "-C", str(HOME), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "host": platform.node(),
        "user": getpass.getuser(),
        "pid": os.getpid(),
        "python": platform.python_version(),
        "packages": packages,
        "revision": described.stdout.strip() or "not in git",
        "wall_time": iso(WallClock().now()),
    }
