"""`drcore lab` as a process of its own, up to the moment when a browser could look at it."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from drcore.launcher import world as worlds
from drcore.parameters import at_world
from drcore.record.run_parameters import RunParameters
from tests.support.command import COMMAND

_START, _END = 120, 60  # seconds, on a machine that has other things to do


@dataclass
class Lab:
    """JupyterLab on a record. `told` is the JSON object that the command printed at its end."""

    process: subprocess.Popen[str]
    records: Path
    url: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The one record."""
        (folder,) = self.records.iterdir()
        return folder

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.url).query)["token"][0]

    def end(self, *signals: signal.Signals) -> int:
        """Send these, and wait until the record is finished; the exit code."""
        for number in signals:
            self.process.send_signal(number)
        assert self.process.stdout
        code = self.process.wait(_END)  # first, as reading would go on for as long as the process does
        lines = self.process.stdout.read().splitlines()
        self.told = json.loads(lines[-1])
        return code


@contextmanager
def running_lab(*words: str | Path, records: Path, environment: Mapping[str, str] | None = None) -> Iterator[Lab]:
    """Run `drcore lab` with these words. Whatever happens, it does not outlive the test."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DRCORE_"))}
    command = [*COMMAND, *map(str, words), "--no-browser", "--json", "--records", str(records)]
    process = subprocess.Popen(
        command,
        env=inherited | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lab, found = Lab(process, records), queue.Queue[str]()
    assert process.stdout
    assert process.stderr
    listening = Thread(target=_listen, args=(process.stderr, lab.said, found), daemon=True)
    listening.start()
    try:
        try:
            lab.url = found.get(timeout=_START)
        except queue.Empty:
            pytest.fail(f"no address of JupyterLab within {_START} s: {''.join(lab.said)}")
        assert lab.url, "".join(lab.said)
        yield lab
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_END)
        end_worlds(records)  # which would hear nothing more, and write to stderr to the end
        listening.join(_END)
        process.stdout.close()


def end_worlds(records: Path) -> None:
    """End the worlds that these runs have kept, so that somebody could go on."""
    for folder in records.iterdir():
        setting = RunParameters.read(folder)
        if setting.world:
            worlds.end(at_world(setting.service, setting.world["address"]), worlds.Running(**setting.world))


def _listen(stream: IO[str], said: list[str], found: queue.Queue[str]) -> None:
    with stream:
        for line in stream:
            said.append(line)
            address = re.search(r"http://127\.0\.0\.1:\d+/\S+", line)
            if address and "token=" in line:
                found.put(address.group())
    found.put("")  # it ended, perhaps before it said where
