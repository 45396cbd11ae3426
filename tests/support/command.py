"""The command `drcore` as a process of its own, as a scheduler or an engineer would start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from typer.testing import CliRunner

from drcore.cli.app import app

SEED = 770_000_000 + os.getpid()  # of this process alone: a world that it leaves behind can be told from others
COMMAND = (sys.executable, "-c", "from drcore.__main__ import main; main()")


@dataclass(frozen=True, slots=True)
class Said:
    """How it ended, and what it said."""

    exit: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of stdout, which is to be one JSON object."""
        told: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return told


def drcore(*words: str | Path, environment: Mapping[str, str] | None = None) -> Said:
    """Run it to its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DRCORE_"))}
    ran = subprocess.run(
        [*COMMAND, *map(str, words)],
        env=inherited | {"COLUMNS": "200"} | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Said(ran.returncode, ran.stdout, ran.stderr)


def in_process(*words: str | Path, columns: int = 200) -> Said:
    """The same command line in this process, where no notebook is run."""
    result = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": str(columns)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file in a folder, to see that a command has left it alone."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def left_over(seed: int) -> list[int]:
    """The worlds of this seed that were not told to end: one that was may take a moment, which nobody waits for."""
    processes = []
    for pid in worlds_of(seed):
        with suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    return [process.pid for process in psutil.wait_procs(processes, timeout=20)[1]]


def worlds_of(seed: int) -> list[int]:
    """The processes that still serve a world of this seed."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "drcore.sandbox" in words and str(seed) in words:
            found.append(process.pid)
    return found
