"""The virtual clock of the simulated world."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from drcore.sandbox.moto.startup import time_machine

OPENING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""Virtual time when the doors open (the world has history before it)."""

TICK = timedelta(seconds=10)

Tick = Callable[[datetime], None]


class VirtualClock:
    """Time that moves only when it is told to, in ticks of ten seconds of virtual time."""

    def __init__(self, start: datetime = OPENING) -> None:
        self._now = start
        self._ticks: list[Tick] = []
        self._ticking = False
        self._traveller: time_machine.Traveller | None = None
        self._to_come, self._together = 0, False
        self._began, self._spent = start, timedelta()

    def now(self) -> datetime:
        """The virtual instant, UTC and aware."""
        return self._now

    def on_tick(self, fn: Tick) -> None:
        """Call `fn(instant)` at each ten-second boundary, in order of registration."""
        self._ticks.append(fn)

    def advance(self, seconds: float) -> datetime:
        """Move on by `seconds` (>= 0) of virtual time, tick by tick; returns the new instant.

        Raises ValueError for a negative step and RuntimeError when called from within a tick, as a world
        whose actors move time would never come to rest.
        """
        if seconds < 0:
            raise ValueError(f"virtual time only moves forward: expected seconds >= 0, saw {seconds}")
        if self._ticking:
            raise RuntimeError("a tick may not move the virtual clock")
        target = self._now + timedelta(seconds=seconds)
        while (boundary := _next_boundary(self._now)) <= target:
            self._set(boundary)
            self._tick()
        self._set(target)
        return target

    def together(self, calls: int) -> None:
        """Let the next `calls` begin at this moment, and pass the time of the longest of them only.

        They end with the last one, or when time passes for another reason than a call: whoever announced them is gone.
        """
        self._to_come, self._began = calls, self._now

    def call(self, seconds: float) -> None:
        """A call begins, and takes so long until it is handled."""
        self._together = self._to_come > 0
        self._to_come -= self._together
        self._spent = timedelta()
        self.spend(seconds)

    def spend(self, seconds: float) -> None:
        """Let the call that is handled take so many seconds longer."""
        if not self._together:
            self.advance(seconds)
            return
        self._spent += timedelta(seconds=seconds)
        self.advance(max(0.0, (self._began + self._spent - self._now).total_seconds()))

    def alone(self) -> None:
        """Nothing is in flight any more."""
        self._to_come, self._together = 0, False

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Act at another `moment` without ticks: for history that was there before the doors opened."""
        present = self._now
        self._set(moment)
        try:
            yield
        finally:
            self._set(present)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Make the whole process read the virtual time, standing still; may be nested."""
        if self._traveller is not None:
            yield
            return
        with time_machine.travel(self._now, tick=False) as traveller:
            self._traveller = traveller
            try:
                yield
            finally:
                self._traveller = None

    def _set(self, moment: datetime) -> None:
        if self._traveller is not None:
            self._traveller.shift(moment - self._now)  # as move_to, which sets the time zone anew each time
        self._now = moment

    def _tick(self) -> None:
        self._ticking = True
        try:
            for fn in self._ticks:
                fn(self._now)
        finally:
            self._ticking = False


def _next_boundary(moment: datetime) -> datetime:
    """The first ten-second boundary after `moment`."""
    into = timedelta(seconds=moment.second % TICK.seconds, microseconds=moment.microsecond)
    return moment - into + TICK
