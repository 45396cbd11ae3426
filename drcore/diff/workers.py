"""Work that is done part by part, in this process or in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from types import TracebackType
from typing import Self, TypeVar

from drcore.errors import RunnerFailed

P = TypeVar("P")
R = TypeVar("R")


class JobPool:
    """So many processes; with one, everything is done here."""

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

    def each(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """What the work makes of each part, in their order; only a few are under way at once.

        Raises what the work raises, RunnerFailed when a process dies.
        """
        if self.jobs == 1:
            yield from map(work, parts)
            return
        # Started afresh rather than forked: a fork would share the threads of DuckDB and of boto3 with this process.
        self._pool = self._pool or ProcessPoolExecutor(self.jobs, mp_context=get_context("spawn"))
        waiting: deque[Future[R]] = deque()
        try:
            for part in parts:
                waiting.append(self._pool.submit(work, part))
                if len(waiting) > self.jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise RunnerFailed("a process of --jobs died, nothing was concluded; is there enough memory?") from error
