"""An emulated world that a test starts and ends by itself, for drills by `--world`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3


@contextmanager
def world(seed: int = 1, *options: str) -> Iterator[str]:
    """A world of its own; gives its address."""
    command = [sys.executable, "-m", "drcore.sandbox", "--seed", str(seed), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line, f"the world has said nothing, and ended with {process.wait(timeout=30)}"
        address: str = json.loads(line)["address"]
        try:
            yield address
        finally:
            urllib3.request("POST", f"{address}/_sandbox/stop", timeout=10, retries=False)
