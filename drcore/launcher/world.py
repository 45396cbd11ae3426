"""Starting the world that an environment names, telling it of a fault, ending it.

An environment may come with a world of its own (`world:` in its service.yaml): a command that serves it and prints
its address. It is started in a process group of its own, so that it outlives a killed launcher and `resume` finds it
as it was left.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import urllib3

from drcore.errors import BadInput, RunnerFailed
from drcore.headless import signals
from drcore.parameters import Service, StartedWorld

KEPT_S = 600  # seconds for which a world that nobody speaks to is kept, so that a run can be taken up in it
_READY = 30.0  # seconds; it takes about one


@dataclass(frozen=True, slots=True)
class Running:
    """A world that runs: its address, the process that serves it (None: somebody else started it)."""

    address: str
    pid: int | None = None

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


class Starting:
    """A world on its way: started now, waited for when it is needed."""

    def __init__(self, command: tuple[str, ...], *options: str) -> None:
        words = words_of(command, *options)
        # Not the launcher's own: it outlives the launcher, and would keep open the pipe that somebody reads from.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # the process writes to it as long as it lives
        self._process = signals.start(
            words,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONHASHSEED": "0"},
        )

    def ready(self) -> Running:
        """Wait for its one line. Raises BadInput when it says that it cannot be had here, RunnerFailed."""
        assert self._process.stdout
        readable, _, _ = select.select([self._process.stdout], [], [], _READY)
        line = self._process.stdout.readline() if readable else b""
        try:
            fields = json.loads(line)
            if "error" in fields:
                self.end()
                raise BadInput(f"{fields['error']}. Nothing was touched.")
            return Running(fields["address"], fields["pid"])
        except (ValueError, KeyError, TypeError) as error:
            self.end()
            self._complaints.seek(0)
            last = self._complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise RunnerFailed(
                f"the world did not start: expected a line with its address, seen {line!r}. {last}"
            ) from error

    def end(self) -> None:
        """End it by force, when nobody needs it: it has nothing to lose."""
        signals.kill(self._process.pid)
        self._process.wait()
        signals.let_go(self._process.pid)

    def let_go(self) -> None:
        """From now on it outlives the launcher: a run can be taken up in it."""
        signals.let_go(self._process.pid)


def words_of(command: tuple[str, ...], *options: str) -> list[str]:
    """The command of a world as it is started: `python` is the interpreter that drcore is installed in."""
    return [sys.executable if command[0] == "python" else command[0], *command[1:], *options]


def faults(world: StartedWorld) -> dict[str, list[dict[str, Any]]]:
    """What can be broken in a world, by name, with the options of each. Raises RunnerFailed."""
    words = words_of(world.command, "--faults")
    ended = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    try:
        by_name: dict[str, list[dict[str, Any]]] = json.loads(ended.stdout)
        return by_name
    except ValueError as error:
        last = ended.stderr.strip().rpartition("\n")[2]
        raise RunnerFailed(f"the world did not say what can be broken: {last or 'it said nothing'}") from error


def check_fault(service: Service, name: str, options: Mapping[str, str]) -> None:
    """Ask the injector whether there is such a fault, with such options. Raises BadInput, RunnerFailed."""
    _ask_injector(service, "/check", name, options)


def inject(service: Service, name: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Break something. Returns what was broken, when, with which options. Raises BadInput, RunnerFailed."""
    return _ask_injector(service, "", name, options)


def _ask_injector(service: Service, path: str, name: str, options: Mapping[str, str]) -> dict[str, Any]:
    if not service.faults:
        raise BadInput(f"fault: environment {service.environment} names no injector of faults (`faults:`)")
    asked, address = {"name": name, "options": dict(options)}, f"{service.faults}{path}"
    try:
        answer = urllib3.request("POST", address, json=asked, timeout=60, retries=False)
        reply = answer.json()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise RunnerFailed(f"the injector of faults at {address} does not answer as one: {error}") from error
    if answer.status != 200 or not isinstance(reply, dict):
        raise BadInput(f"fault: {reply.get('error', answer.status) if isinstance(reply, dict) else reply}")
    return reply


def answers(world: Running) -> bool:
    """Whether somebody answers at the world's address."""
    if not world.address.startswith(("http://", "https://")):
        return False
    try:
        urllib3.request("GET", f"{world.address}/", timeout=2, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return True


def end(service: Service, world: Running) -> None:
    """End a world that the launcher has started; one that is gone already is no error."""
    if world.pid is None or not service.world:
        return
    try:
        urllib3.request("POST", service.world.stop, timeout=5, retries=False)
    except urllib3.exceptions.HTTPError:
        return
