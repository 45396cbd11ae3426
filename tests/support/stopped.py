"""The command `drcore` as a process that gets signals at one moment of its life."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from drcore.headless.signals import SIGNALS
from tests.support.command import COMMAND

HOOK = Path(__file__).parent / "moments"
ROLES = {"drcore.sandbox": "world", "ipykernel_launcher": "kernel", "jupyterlab": "server"}
GONE = "gone"
FILES = ("out", "err", "sent")
COMES = 180  # seconds for a moment to come, on a machine that has other things to do
ENDS = 30  # seconds for a command to end after it, where it takes one or two


@dataclass(frozen=True, slots=True)
class Moment:
    """The event with this number, from 0, of those that have this name and this text, in one process of the command."""

    process: str  # command, world, kernel, server
    event: str = ""  # any
    text: str = ""
    number: int = 0
    signals: tuple[int, ...] = (signal.SIGTERM,)

    def __str__(self) -> str:
        where = f"{self.event} {self.text.rpartition('.')[2]} {self.number or ''}".strip()
        return f"{self.process} {where} {'+'.join(signal.Signals(each).name for each in self.signals)}"


@dataclass(slots=True)
class Stopped:
    """How it ended."""

    exit: int
    out: str
    err: str
    scratch: Path

    @property
    def code(self) -> int:
        """The exit code that a shell sees."""
        return 128 - self.exit if self.exit < 0 else self.exit

    @property
    def events(self) -> dict[str, int]:
        """How many there were in each process."""
        return {path.name: int(path.read_text() or 0) for path in self.scratch.iterdir() if path.name not in FILES}

    def left(self, *kept: str) -> set[str]:
        """What it has left behind. What is not to be kept may be about to end, as a kernel that has lost its server."""
        _, alive = psutil.wait_procs([each for each in started(self.scratch) if role(each) not in kept], timeout=ENDS)
        return {role(each) for each in [*alive, *started(self.scratch)]} - {GONE}


@contextmanager
def ended_at(moment: Moment, *words: str | Path, scratch: Path) -> Iterator[Stopped]:
    """Run the command with these words until the moment, and then to its end. What it leaves is ended afterwards."""
    scratch.mkdir()
    told = {"MOMENT": json.dumps(asdict(moment)), "MOMENT_FOLDER": str(scratch), "PYTHONPATH": str(HOOK)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DRCORE_"))}
    # Who runs the tests in the background, or by nohup, has them ignore some, and what they start would inherit that.
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    with (scratch / "out").open("w") as out, (scratch / "err").open("w") as err:
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            env=inherited | told,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    for number, handler in before.items():
        signal.signal(number, handler)
    sent = scratch / "sent"
    try:
        wait(process, f"there was {moment}", COMES, sent.exists)
        assert sent.exists(), f"it ended before {moment}: {(scratch / 'err').read_text()}"
        wait(process, f"it ended after {moment}", ENDS)
        yield Stopped(
            process.wait(),
            (scratch / "out").read_text(),
            (scratch / "err").read_text(),
            scratch,
        )
    finally:
        for each in started(scratch):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()


def wait(process: subprocess.Popen[bytes], what: str, seconds: float, other: Callable[[], bool] = bool) -> None:
    """Until the process has ended, or the other thing is so."""
    given_up = time.monotonic() + seconds
    while process.poll() is None and not other():
        assert time.monotonic() < given_up, f"waited {seconds} s until {what}"
        time.sleep(0.02)


def started(scratch: Path) -> list[psutil.Process]:
    """All processes that come from that command, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("MOMENT_FOLDER") == str(scratch) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def role(process: psutil.Process) -> str:
    """What a process is to the command."""
    with suppress(psutil.NoSuchProcess):
        words = process.cmdline()
        return next((name for word, name in ROLES.items() if word in words), " ".join(words))
    return GONE
