"""DynamoDB: what is still to happen to the tables."""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count


class Agenda:
    """What is to happen, event by event in the order of time."""

    def __init__(self) -> None:
        self._events: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._number = count()

    def later(self, moment: datetime, fn: Callable[[datetime], None]) -> None:
        """Let `fn(moment)` happen."""
        heapq.heappush(self._events, (moment, next(self._number), fn))

    def catch_up(self, now: datetime) -> None:
        """Let everything happen that is due until `now`."""
        while self._events and self._events[0][0] <= now:
            moment, _, fn = heapq.heappop(self._events)
            fn(moment)

    def clear(self) -> None:
        """Let nothing happen that is not over."""
        self._events.clear()
