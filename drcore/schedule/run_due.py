"""Running what is due, one after the other, by one scheduler at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drcore.errors import DrcoreError, Exit, HeldByAnother, LockHeld
from drcore.launcher.request import RunRequest
from drcore.launcher.result import RunResult
from drcore.record.ending import refusal
from drcore.record.events import read_events
from drcore.record.history import History
from drcore.schedule.due import Scheduled

LOCK = ".due.lock"  # in the folder of records
Start = Callable[[RunRequest], RunResult]


@dataclass(frozen=True, slots=True)
class Ran:
    """An exercise that was due, and how it ended. `result` is None where it could not be begun; `why` says why."""

    exercise: Scheduled
    exit: int
    why: str
    result: RunResult | None = None


@contextmanager
def only_one(records: Path) -> Iterator[None]:
    """Be the one scheduler that runs what is due into a folder of records. Raises HeldByAnother.

    The lock is the operating system's: who is killed holds nothing any more.
    """
    records.mkdir(parents=True, exist_ok=True)
    with (records / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HeldByAnother(
                f"another scheduler runs what is due into {records}. Nothing was begun here."
            ) from error
        yield


def run_all(due: Iterable[Scheduled], records: Path, start: Start) -> list[Ran]:
    """Run each of them, whatever becomes of the one before; a signal ends all of it."""
    done: list[Ran] = []
    for drill in due:
        try:
            result = start(RunRequest(drill.plan, drill.mode, drill.environment, records=records))
        except DrcoreError as error:
            done.append(Ran(drill, int(Exit.HELD if isinstance(error, LockHeld) else error.exit), str(error)))
            continue
        held = result.exit == Exit.REFUSED and _by_the_lock(result.folder)
        done.append(Ran(drill, int(Exit.HELD if held else result.exit), result.why, result))
        if int(result.exit) >= Exit.INTERRUPTED:
            break
    return done


def exit_of(done: Iterable[Ran]) -> int:
    """The worst of them; that others were at work on one says so only where nothing went wrong."""
    codes = [each.exit for each in done]
    failed = [code for code in codes if code not in (Exit.REACHED, Exit.HELD)]
    return max(failed, default=int(Exit.HELD if Exit.HELD in codes else Exit.REACHED))


def _by_the_lock(folder: Path) -> bool:
    """Whether a run was refused because another one holds the lock of its plan."""
    refused = refusal(History(read_events(folder)))
    return refused is not None and refused["what"] == "lock"
