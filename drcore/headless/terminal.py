"""A person at the terminal that the command was started from, who answers what a cell asks.

The terminal edits the line; what is read is a whole one. Waiting for it leaves the event loop to signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

_LINE = 4096  # bytes; a terminal hands out no longer line


def is_there() -> bool:
    """Whether a question is seen here, and can be answered."""
    return all(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))


class Keyboard(Protocol):
    """Somebody who answers what a cell asks."""

    async def ask(self, prompt: str) -> str | None:
        """A line; None where nobody is there any more."""


class Terminal:
    """Asks there. `question` shows a question for as long as it is open."""

    def __init__(self, question: Callable[[str], AbstractContextManager[None]]) -> None:
        self._question = question

    async def ask(self, prompt: str) -> str | None:
        """The line that is typed; None where the terminal has ended. What was typed before is no answer."""
        loop, file = asyncio.get_running_loop(), sys.stdin.fileno()
        typed: asyncio.Future[bytes] = loop.create_future()

        def read() -> None:
            if not typed.done():
                with contextlib.suppress(OSError):
                    typed.set_result(os.read(file, _LINE))
                    return
                typed.set_result(b"")  # the terminal has gone away

        with contextlib.suppress(termios.error):
            termios.tcflush(file, termios.TCIFLUSH)
        with self._question(prompt):
            loop.add_reader(file, read)
            try:
                line = await typed
            finally:
                loop.remove_reader(file)
        return line.decode(errors="replace").rstrip("\n") if line else None
