"""How often a service lets itself be asked: the calls of one client, spread over time."""

from __future__ import annotations

from datetime import datetime, timedelta

from drcore.clock import Clock


class Pace:
    """At most one call in so many seconds. One for each client, so that all of its calls are counted."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._apart = clock, timedelta(seconds=seconds)
        self._next: datetime | None = None

    def wait(self, calls: int = 1) -> None:
        """Wait until so many calls may be made together."""
        now = self._clock.now()
        if self._next is not None and now < self._next:
            self._clock.sleep((self._next - now).total_seconds())
            now = self._next
        self._next = now + self._taken_by(calls)

    def _taken_by(self, calls: int) -> timedelta:
        return calls * self._apart


class SharedPace(Pace):
    """At most so many calls a second of a quota that others use, too: fewer while the service says that it is busy.

    `rate` is what is asked for now: halved at most once a second for which the service was busy, a twentieth of `most`
    more after each second in which it was not; never less than one call in two seconds.
    """

    def __init__(self, clock: Clock, most: float) -> None:
        super().__init__(clock, 1 / most)
        self._most, self.rate, self._changed = most, most, clock.now()

    def _taken_by(self, calls: int) -> timedelta:
        return timedelta(seconds=calls / self.rate)

    def heard(self, *, busy: bool) -> None:
        """Whether any of the calls just made was refused as the service is busy."""
        now = self._clock.now()
        if now - self._changed < timedelta(seconds=1):
            return
        if busy:
            self.rate, self._changed = max(_LEAST, self.rate / 2), now
        elif self.rate < self._most:
            self.rate, self._changed = min(self._most, self.rate + self._most / 20), now


_LEAST = 0.5
