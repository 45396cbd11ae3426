"""A clock that is moved by hand, or by whoever sleeps on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until somebody sleeps on it."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.thought = 0.0
        self._now = START

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._now += timedelta(seconds=seconds)

    @contextmanager
    def person(self) -> Iterator[None]:
        yield
        self._now += timedelta(seconds=self.thought)

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        return [call() for call in calls]
