"""Writes a record in many child processes, each killed before another write to the disk.

Run as a script with a folder: makes `<folder>/<n>` for the process that was killed before its n-th write, and prints
how many there are. Not done in the tests' own process, which has threads and cannot be forked safely.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from drcore.engine.outcome import StepName
from drcore.record.events import Kind
from drcore.record.files import CARD, NOTEBOOK, write_atomically
from drcore.record.journal import Record
from drcore.record.redact import Redactor
from tests.support.manual_clock import ManualClock

MEND = StepName("mend", "Mend", "T.1")


def write(folder: Path) -> None:
    """All that happens to a record: opened, written, sealed, opened again, written anew, sealed again."""
    for again in (False, True):
        record = Record(folder, ManualClock(), Redactor(environment={}))
        record.append(Kind.OPENED_AGAIN if again else Kind.OPENED, run_id=folder.name)
        for name in (NOTEBOOK, CARD):
            record.unbind(name)
            write_atomically(folder / name, f"{name} {again}".encode())
            record.bind(name, title=name)
        record.append(Kind.INTENT, step=MEND, target="all")
        record.add_evidence("rates.csv", f"a,b\n{again},2\n", title="rates")
        record.append(Kind.RESULT, outcome="DONE")
        record.seal()
        record.close()


def die_before(number: int) -> None:
    """Kill this process right before its n-th write, sync, rename or removal."""
    left = number

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in ("open", "os.rename", "os.remove", "os.truncate", "drcore.sync"):
            return
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    fsync = os.fsync

    def synced(fd: Any) -> None:
        sys.audit("drcore.sync")
        fsync(fd)

    os.fsync = synced
    sys.addaudithook(count)


def main(below: Path) -> int:
    number = 0
    while True:
        folder = below / f"{number}"
        child = os.fork()
        if not child:
            die_before(number)
            write(folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return number if os.waitstatus_to_exitcode(status) == 0 else -1
        number += 1


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))  # noqa: T201  # read by the test that starts this
