"""What passes while a person reads between two cells: time, in a world that keeps its own too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Reading:
    """From the end of a cell until the next one begins, where somebody is there who reads."""

    def __init__(self, is_read: Callable[[], bool], passes: Callable[[], AbstractContextManager[None]]) -> None:
        self._is_read, self._passes = is_read, passes
        self._open = ExitStack()
        self._depth = 0

    @contextmanager
    def cell(self) -> Iterator[None]:
        """To be open while a cell runs; one that is called by another is part of it."""
        if self._depth == 0:
            self._open.close()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.begin()

    def begin(self) -> None:
        """Somebody reads from now on."""
        if self._is_read():
            self._open.enter_context(self._passes())


class _Read(Protocol):
    @property
    def reading(self) -> Reading: ...


R = TypeVar("R", bound=_Read)


def cell(call: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """What a notebook calls in a cell: before it somebody may have read what stands above."""

    @wraps(call)
    def read(runbook: R, /, *args: P.args, **named: P.kwargs) -> T:
        with runbook.reading.cell():
            return call(runbook, *args, **named)

    return read
