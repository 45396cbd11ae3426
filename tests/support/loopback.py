"""Runs on a sandbox in a process of its own, asked by real HTTP and real DNS over UDP, as the launcher's are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from drcore.run.runbook import Runbook
from tests.support.stage import Runs, undrawn

ROOT = Path(__file__).parents[2]


class Loopback(Runs):
    """Runs on a sandbox at an address of this machine."""

    def attach(self, run: Runbook) -> None:
        """There is nothing to do: what the run calls is at the address that its parameters name."""

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = urllib3.request(method, f"{self.address}/_sandbox/{path}", json=body)
        assert answer.status == 200, answer.data
        return answer.json()


@contextmanager
def on_loopback(folder: Path, seed: int = 1, *options: str) -> Iterator[Loopback]:
    """A sandbox that is started now, and ends with the block."""
    command = [sys.executable, "-m", "drcore.sandbox", "--seed", str(seed), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout
        runs = Loopback(json.loads(process.stdout.readline())["address"], folder, seed)
        with pytest.MonkeyPatch.context() as patch:
            undrawn(patch)
            yield runs
        runs.close()
    finally:
        process.terminate()
        process.communicate(timeout=10)
