"""Many secrets to be written, each once: in batches, a few calls in flight together, below a quota that all share.

A look names the batch that is next, so the intent has each name on disk before the first write; no other is written.

What is refused for now stays to be done; what was not answered is looked up before it is tried again; what is refused
for good is tried last, so that it keeps no other secret waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from drcore.clock import Clock
from drcore.errors import Busy, Rejected, Unknown
from drcore.plans.e.facts import ERun
from drcore.services.pace import SharedPace

QUOTA = 50
"""Writes a second that all secrets of a region share, whoever writes (PutSecretValue, UpdateSecretVersionStage, …)."""
IN_FLIGHT = 10
"""As many connections as botocore keeps to one address."""
BATCH = 100
"""Writes under one intent."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class SweepQueue(Generic[T]):
    """What is left to be written, by name, in order; how it goes. Kept by one process, to be made anew by the next."""

    clock: Clock
    left: dict[str, T]
    pace: SharedPace
    done: set[str] = field(default_factory=set)
    unsure: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = self.clock.now()

    @property
    def rate(self) -> float:
        """How many were written in a second until now."""
        seconds = (self.clock.now() - self._began) / timedelta(seconds=1)
        return round(len(self.done) / seconds, 2) if seconds > 0 else 0

    def batch(self) -> tuple[str, ...]:
        """The names that are next to be written, under one intent."""
        return tuple(islice(self.left, BATCH))

    def settle(self, is_done: Callable[[T], bool]) -> None:
        """Look up what was not answered. Raises Unknown, Rejected."""
        while self.unsure:
            name = self.unsure[-1]
            if name in self.left and is_done(self.left[name]):
                self._finish(name)
            self.unsure.pop()

    def write(self, names: Iterable[str], one: Callable[[T], object]) -> None:
        """Write a batch, what is still left of it. Raises what came first where nothing of it was done."""
        first: Rejected | Unknown | None = None
        before = len(self.done)
        batch = [name for name in names if name in self.left]
        while batch:
            at_once = max(1, min(IN_FLIGHT, int(self.pace.rate / 4)))
            group, batch = batch[:at_once], batch[at_once:]
            self.pace.wait(len(group))
            answers = self.clock.together([partial(_tried, one, self.left[name]) for name in group])
            self.pace.heard(busy=any(isinstance(answer, Busy) for answer in answers))
            for name, answer in zip(group, answers, strict=True):
                first = first or answer
                if answer is None:
                    self._finish(name)
                elif isinstance(answer, Unknown):
                    self.unsure.append(name)
                elif not isinstance(answer, Busy):
                    self.left[name] = self.left.pop(name)
            if all(isinstance(answer, Busy) for answer in answers):
                break  # the step waits, then looks, before it goes on
        if first and len(self.done) == before:
            raise first

    def _finish(self, name: str) -> None:
        del self.left[name]
        self.done.add(name)


def _tried(one: Callable[[T], object], given: T) -> Rejected | Unknown | None:
    try:
        one(given)
    except (Rejected, Unknown) as error:
        return error
    return None


def queue_of(run: ERun, left: dict[str, T]) -> SweepQueue[T]:
    """A queue that keeps to the run's share of the quota."""
    return SweepQueue(run.clock, left, SharedPace(run.clock, run.facts.tokens.writes_per_second))


def first_of(batch: Sequence[str]) -> str:
    """The name that is next; empty: none is left."""
    return batch[0] if batch else ""


def in_groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """The names, as many at once as are in flight together."""
    for first in range(0, len(names), IN_FLIGHT):
        yield names[first : first + IN_FLIGHT]


def looked_up(clock: Clock, names: Iterable[str], one: Callable[[str], R]) -> Iterator[tuple[str, R]]:
    """What a read tells of each name, a few in flight together. Raises what the first that failed raised."""
    for group in in_groups(list(names)):
        answers = clock.together([partial(_answer, one, name) for name in group])
        for name, answer in zip(group, answers, strict=True):
            if isinstance(answer, _Failed):
                raise answer.error
            yield name, answer


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Rejected | Unknown


def _answer(one: Callable[[str], R], name: str) -> R | _Failed:
    try:
        return one(name)
    except (Rejected, Unknown) as error:
        return _Failed(error)
