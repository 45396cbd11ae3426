"""The signals that end a command, from its first moment to its last.

`listen` is called before anything else is imported. From then on a signal raises `Stopped` in the main thread, wherever
that is, unless it is `held` for the moment or `given_to` somebody who ends by himself. Processes that are started with
`start` end with the command, unless they are let go.

A `Stopped` can get lost (a library's bare `except`, a destructor), and a clean-up can wait for what never comes: some
seconds after the signal the process is ended by force.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
UNWIND_SECONDS = 5.0  # for what is cleaned up behind `Stopped`
FINISH_SECONDS = 30.0  # for a record to be finished, which takes about two


class Stopped(SystemExit):
    """A signal ends this process. A SystemExit, which event loops and libraries let through, with the exit code."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


@dataclass(slots=True)
class _State:
    """What has been heard, and who is to hear of it."""

    ended_by: int | None = None  # the signal that ends the command
    answered: bool = False  # a signal was answered, by `Stopped` or by somebody it was given to
    guarded: bool = False
    holds: list[float] = field(default_factory=list)  # one for each `held`: how long it may take
    receivers: list[Callable[[int], None]] = field(default_factory=list)
    children: set[int] = field(default_factory=set)  # process groups


_state = _State()


def listen() -> None:
    """Hear signals from now on. Those that are ignored, as under nohup, are meant to be."""
    _install()


@contextlib.contextmanager
def held(seconds: float = UNWIND_SECONDS) -> Iterator[None]:
    """A signal waits until this is done, for so long at most: between a thing and the note that it must be undone."""
    _state.holds.append(seconds)
    try:
        yield
    finally:
        _state.holds.pop()
        if _state.ended_by is not None and not _state.holds and _in_main_thread():
            raise Stopped(_state.ended_by)


@contextlib.contextmanager
def given_to(hear: Callable[[int], None]) -> Iterator[None]:
    """Signals go to somebody who brings things to an end himself, one that was held too; in the main thread only.

    `hear` is called between two lines of whatever the main thread does. The handlers from before are put back.
    """
    if not _in_main_thread():
        yield
        return
    before = _install()
    _state.receivers.append(hear)
    try:
        if _state.ended_by is not None:
            number, _state.ended_by = _state.ended_by, None
            hear(number)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _state.receivers.pop()


def hand_back(number: int) -> None:
    """It was given to somebody who was through with his work: it is heard as if it came now."""
    _state.answered = False
    signal.raise_signal(number)


def start(words: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; the command's end by a signal is its end, until it is let go."""
    import subprocess

    with held():  # otherwise there is a moment at which it runs, and nobody knows of it
        process = subprocess.Popen(words, start_new_session=True, **options)
        adopt(process.pid)
    return process


def adopt(group: int) -> None:
    """A group of processes is to end with the command."""
    _state.children.add(group)


def let_go(group: int) -> None:
    """It has ended, or outlives the command."""
    _state.children.discard(group)


def kill(group: int) -> None:
    """End a group of processes, at once; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: all that is left of it waits to be reaped
        os.killpg(group, signal.SIGKILL)


def leave(tell: Callable[[str, int], None]) -> None:
    """The last thing that a command does: where a signal has ended it, end the process with every child.

    `tell` is given the words and the exit code. What must be undone is undone by now, so exit hooks are not waited for.
    """
    if _state.ended_by is None:
        for number in SIGNALS:
            if signal.getsignal(number) is _handle:
                signal.signal(number, signal.SIG_DFL)  # nothing is left to be undone
        return
    _end_children()
    code = 128 + _state.ended_by
    with contextlib.suppress(OSError, ValueError):  # the terminal may have gone away
        tell(f"stopped by {signal.Signals(_state.ended_by).name}", code)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _install() -> dict[int, Any]:
    """Our handler, where a signal is not ignored; what was there before."""
    now: dict[int, Any] = {number: signal.getsignal(number) for number in SIGNALS}
    # None was set by C code, and is nothing that Python could put back.
    before = {number: handler for number, handler in now.items() if handler not in (None, signal.SIG_IGN)}
    for number in before:
        signal.signal(number, _handle)
    return before


def _handle(number: int, frame: object) -> None:
    if _state.receivers:
        _state.answered = True
        _state.receivers[-1](number)
        return
    if not _state.guarded:
        _state.guarded = True
        # Not by `threading`: the main thread may be inside it just now, with a lock that is not given twice.
        _thread.start_new_thread(_end_by_force, (number, max(_state.holds, default=UNWIND_SECONDS)))
    if _state.answered:
        return  # it ends already, and a second signal would only break its clean-up
    _state.answered = True
    _state.ended_by = number
    if not _state.holds:
        raise Stopped(number)


def _end_by_force(number: int, seconds: float) -> None:
    select.select((), (), (), seconds)
    _end_children()
    os._exit(128 + number)


def _end_children() -> None:
    for group in tuple(_state.children):
        kill(group)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
