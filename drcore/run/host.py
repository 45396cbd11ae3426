"""Where a run is carried out: the host, the versions of what runs there."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from typing import Any

from drcore.clock import WallClock, iso
from drcore.engine.context import login
from drcore.engine.prepare import HOME
from drcore.record.files import digest


def host() -> dict[str, Any]:
    """Facts about where a run is carried out; the only ones that differ between two drills with one seed."""
    names = ("drcore", "boto3", "papermill", "nbclient", "pandas", "matplotlib")
    packages = {name: importlib.metadata.version(name) for name in names}
    return {
        "host": platform.node(),
        "user": login(),
        "pid": os.getpid(),
        "python": platform.python_version(),
        "packages": packages,
        "revision": _revision(),
        "lock": lock(),
        "wall_time": iso(WallClock().now()),
    }


def lock() -> str:
    """The digest of requirements.lock, by which a change of any package is seen; empty where there is none."""
    path = HOME / "requirements.lock"
    return digest(path.read_bytes())[:16] if path.is_file() else ""


def _revision() -> str:
    """The git revision of the code; why it is not known, where it is not."""
    try:
        described = subprocess.run(
            ["git", "-C", str(HOME), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
        )
    except OSError:  # a slim image
        return "not known: git is not there"
    return described.stdout.strip() or "not in git"
