"""How often a vendor lets itself be asked: the calls of one client, spread over time."""

from __future__ import annotations

from datetime import datetime, timedelta

from drcore.clock import Clock


class Pace:
    """At most one call in so many seconds. One for each client, so that all of its calls are counted."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._apart = clock, timedelta(seconds=seconds)
        self._next: datetime | None = None

    def wait(self) -> None:
        """Wait until the next call may be made."""
        now = self._clock.now()
        if self._next is not None and now < self._next:
            self._clock.sleep((self._next - now).total_seconds())
            now = self._next
        self._next = now + self._apart
