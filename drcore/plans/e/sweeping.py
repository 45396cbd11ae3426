"""Many secrets to be written, each once: page by page, a few calls in flight together, below a quota that all share.

A pass goes over what a region has and holds no more of it than the next batch: what it costs in memory does not hang on
how many secrets there are. It counts first, then takes what is to be written, and is over when nothing is left to take;
the next pass shows whether anything came meanwhile. A look names the batch that is next, so the intent has each name on
disk before the first write; no other is written.

What is refused for now stays to be done; what was not answered is looked up before it is tried again; what is refused
for good is tried last, so that it keeps no other secret waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from drcore.clock import Clock
from drcore.engine.outcome import Target
from drcore.errors import Busy, Rejected, Unknown
from drcore.plans.e.facts import ERun
from drcore.services.pace import SharedPace
from drcore.services.secretsmanager import ListedSecret

QUOTA = 50
"""Writes a second that an account's secrets share in a region, whoever writes (PutSecretValue, …)."""
IN_FLIGHT = 10
"""As many connections as botocore keeps to one address."""
BATCH = 100
"""Writes under one intent."""


@dataclass(frozen=True, slots=True)
class Met:
    """What a pass has met: its name, whether it is still to be written, how much hangs on it."""

    name: str
    is_left: bool
    weight: int = 1


T = TypeVar("T", bound=Met)
R = TypeVar("R")


@dataclass
class Amount:
    """How many there are, and how much hangs on them."""

    number: int = 0
    weight: int = 0

    def add(self, weight: int) -> None:
        """Count one in."""
        self.number, self.weight = self.number + 1, self.weight + weight

    def take(self, weight: int) -> None:
        """Count one out."""
        self.number, self.weight = self.number - 1, self.weight - weight


class Sweep(Generic[T]):
    """What one process knows of a region's sweep; the next one makes it anew."""

    def __init__(self, clock: Clock, pace: SharedPace) -> None:
        self._clock, self._pace = clock, pace
        self.all, self.left, self.done = Amount(), Amount(), 0
        self._next: dict[str, T] = {}
        self._refused: dict[str, T] = {}
        self._unsure: list[str] = []
        self._rest: Iterator[T] | None = None
        self._began = clock.now()

    @property
    def rate(self) -> float:
        """How many were written in a second until now."""
        seconds = (self._clock.now() - self._began) / timedelta(seconds=1)
        return round(self.done / seconds, 2) if seconds > 0 else 0

    @property
    def batch(self) -> tuple[str, ...]:
        """The names that are next to be written, under one intent."""
        return tuple(self._next)

    def look(self, met: Callable[[bool], Iterator[T]], is_done: Callable[[T], bool]) -> None:
        """See what is left, and which is next. Raises Unknown, Rejected; the next look then counts anew.

        `met` goes over all that a region has; it is told whether this sweep has written already, as a list may be
        minutes late. `is_done` asks of one at once.
        """
        while self._unsure:
            name = self._unsure[-1]
            if name in self._next and is_done(self._next[name]):
                self._finish(name)
            self._unsure.pop()
        try:
            self._take()
            if not self._next:
                self._count(met)
                self._take()
        except (Rejected, Unknown):
            self._rest = None
            raise

    def _count(self, met: Callable[[bool], Iterator[T]]) -> None:
        """Begin a pass."""
        every, left = Amount(), Amount()
        for item in met(self.done > 0):
            every.add(item.weight)
            if item.is_left:
                left.add(item.weight)
        self.all, self.left, self._refused = every, left, {}
        self._rest = met(self.done > 0) if left.number else None

    def _take(self) -> None:
        """Fill the batch from what the pass has not met yet; at its end with what was refused for good."""
        while self._rest is not None and len(self._next) < BATCH:
            item = next(self._rest, None)
            if item is None:
                self._rest = None
            elif item.is_left and item.name not in self._refused:
                self._next[item.name] = item
        if self._rest is None:
            while self._refused and len(self._next) < BATCH:
                name = next(iter(self._refused))
                self._next[name] = self._refused.pop(name)

    def write(self, names: Iterable[str], one: Callable[[T], object]) -> None:
        """Write a batch, what is still left of it. Raises what came first where nothing of it was done."""
        first: Rejected | Unknown | None = None
        before = self.done
        batch = [name for name in names if name in self._next]
        while batch:
            at_once = max(1, min(IN_FLIGHT, int(self._pace.rate / 4)))
            group, batch = batch[:at_once], batch[at_once:]
            self._pace.wait(len(group))
            answers = self._clock.together([partial(_tried, one, self._next[name]) for name in group])
            self._pace.heard(busy=any(isinstance(answer, Busy) for answer in answers))
            for name, answer in zip(group, answers, strict=True):
                first = first or answer
                if answer is None:
                    self._finish(name)
                elif isinstance(answer, Unknown):
                    self._unsure.append(name)
                elif not isinstance(answer, Busy):
                    self._refused[name] = self._next.pop(name)
            if all(isinstance(answer, Busy) for answer in answers):
                break  # the step waits, then looks, before it goes on
        if first and self.done == before:
            raise first

    def _finish(self, name: str) -> None:
        self.left.take(self._next.pop(name).weight)
        self.done += 1


class Sweeps(Generic[T]):
    """A step's sweeps, by run and store, for as long as the process has the run."""

    def __init__(self, met: Callable[[ERun, Target, bool], Iterator[T]], is_done: Callable[[ERun, Target, T], bool]):
        self._met, self._is_done = met, is_done
        self._known: WeakKeyDictionary[ERun, dict[Target, Sweep[T]]] = WeakKeyDictionary()

    def look(self, run: ERun, store: Target) -> Sweep[T]:
        """The sweep of a store, as it is now. Raises Unknown, Rejected."""
        known = self._known.setdefault(run, {})
        if store not in known:  # holds nothing of the run, which else would never be forgotten
            known[store] = Sweep(run.clock, SharedPace(run.clock, run.facts.tokens.writes_per_second))
        known[store].look(partial(self._met, run, store), partial(self._is_done, run, store))
        return known[store]

    def write(self, run: ERun, store: Target, names: Iterable[str], one: Callable[[T], object]) -> None:
        """Write a batch that a look has named. Raises what came first where nothing of it was done."""
        self._known[run][store].write(names, one)


def _tried(one: Callable[[T], object], given: T) -> Rejected | Unknown | None:
    try:
        one(given)
    except (Rejected, Unknown) as error:
        return error
    return None


def tokens_in(run: ERun, secret: ListedSecret) -> int:
    """How many tokens a secret holds, by its tag; one where that does not tell."""
    text = secret.tag(run.facts.tokens.count_tag)
    return int(text) if text.isdecimal() else 1


def first_of(batch: Sequence[str]) -> str:
    """The name that is next; empty: none is left."""
    return batch[0] if batch else ""


def looked_up(clock: Clock, names: Iterable[str], one: Callable[[str], R]) -> Iterator[tuple[str, R]]:
    """What a read tells of each name, a few in flight together. Raises what the first that failed raised."""
    waiting = iter(names)
    while group := list(islice(waiting, IN_FLIGHT)):
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
