"""Work that is done part by part, in this process or in several."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import get_context
from operator import length_hint
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from drcore.errors import RunnerFailed

P = TypeVar("P")
R = TypeVar("R")

_AHEAD = 4  # parts that are given to a process at once, so that it waits for none; fewer near the end
_LATER = 4  # parts for each process whose results may wait for those of one before them
_NEEDED = ("drcore.diff.equal_lines", "drcore.diff.exact_check", "drcore.diff.export")
"""What the other processes import before there is work."""


class JobPool:
    """So many processes, of which this is one; with one, everything is done here."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def start(self) -> None:
        """Let the other processes begin, where there are any, while this one still has to find out what there is."""
        if self.jobs > 1:
            for _ in range(self.jobs - 1):
                self._others().submit(_ready)

    def each(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """What the work makes of each part, in their order; only a few are under way at once.

        Raises what the work raises, RunnerFailed when a process dies.
        """
        if self.jobs == 1:
            yield from map(work, parts)
            return
        pool, others = self._others(), self.jobs - 1
        waiting: deque[Future[R]] = deque()
        left = length_hint(parts, sys.maxsize)
        try:
            for part in parts:
                given = sum(not result.done() for result in waiting)
                most = others * max(1, min(_AHEAD, left // self.jobs))
                waiting.append(pool.submit(work, part) if given < most else _here(work, part))
                left -= 1
                while waiting and (waiting[0].done() or len(waiting) > _LATER * self.jobs):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise RunnerFailed("a process of --jobs died, nothing was concluded; is there enough memory?") from error

    def _others(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # A fork would share the threads of DuckDB and of boto3 with this process, so where there are threads the
            # others are started afresh, which takes longer.
            self._pool = ProcessPoolExecutor(self.jobs - 1, mp_context=get_context("fork" if _alone() else "spawn"))
        return self._pool


def _here(work: Callable[[P], R], part: P) -> Future[R]:
    """The work done in this process. What it raises is raised in its turn."""
    result: Future[R] = Future()
    try:
        result.set_result(work(part))
    except Exception as error:  # noqa: BLE001  # whatever it is
        result.set_exception(error)
    return result


def _ready() -> None:
    for name in _NEEDED:
        import_module(name)


def _alone() -> bool:
    """Whether this process has one thread, those of libraries counted; False where that cannot be seen."""
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False
