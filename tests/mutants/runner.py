"""The process that runs the tests of one mutant after another: tests/mutants/warm.py, seen from outside."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

CPU_SECONDS = 600
"""For a mutant's tests; they are some 120 at most."""
FAR_TOO_LONG = 1200
"""Seconds by the clock, after which nothing is proved: the machine is busy, or something waits for ever."""


class Runner:
    """Holds the process; `killed_by` is asked once a mutant. `folder` is for what it leaves behind."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self._result, self._output = folder / "killed-by.txt", folder / "output.txt"
        self._process = subprocess.Popen(
            [sys.executable, str(tree / "tests" / "mutants" / "warm.py")],
            cwd=tree,
            env=environment(tree),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # so that nothing that was answered is out of sight of `select`
        )

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def killed_by(self, path: str, stages: list[list[str]]) -> str | None:
        """The first test that failed; empty: none did. None: no end in time, which on a busy machine proves nothing.

        Raises RuntimeError where the tests could not be run, which is not for the mutant's sake.
        """
        self._result.unlink(missing_ok=True)
        job = {
            "module": path.removesuffix(".py").removesuffix("/__init__").replace("/", "."),
            "stages": stages,
            "result": str(self._result),
            "output": str(self._output),
            "cpu_seconds": CPU_SECONDS,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(job)}\n".encode())
        child = self._number()
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], FAR_TOO_LONG)[0]:
            os.killpg(child, signal.SIGKILL)
            self._number()
            return None
        status = self._number()
        if self._result.exists():
            return self._result.read_text()
        if status > 0:
            raise RuntimeError(f"the tests of {path} could not be run: {self._output}")
        return "" if status == 0 else f"FAILED {stages[0][0]}: status {status}"

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def environment(tree: Path) -> dict[str, str]:
    """In which the sources of a tree are those that are imported, and nothing is written beside them."""
    return os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
