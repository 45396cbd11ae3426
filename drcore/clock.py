"""The one clock: now, sleep, until.

Against AWS it is the wall clock. An environment whose parameters name a time source is asked for the time, and
told to let it pass, over HTTP; a wait of five minutes then costs milliseconds. Nothing else in drcore may read a
clock or sleep (a lint rule).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import urllib3

from drcore.errors import Busy, Unknown

T = TypeVar("T")
_PIECE = 600  # seconds that a world is told to let pass at once, as it may take a while to live them
_GAPS = 3  # times `every`: a longer gap between two looks is one in which nobody looked


class Clock(Protocol):
    """A source of UTC time that can be waited on. `slept` counts the seconds that were waited on it."""

    slept: float

    def now(self) -> datetime:
        """The time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""

    def person(self) -> AbstractContextManager[None]:
        """A context manager to be open while a person thinks, so that the world goes on meanwhile."""

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls that are in flight at the same time; what they returned, in their order.

        A call that fails says so by what it returns. Where one raises all the same, that comes after all have ended.
        """


class WallClock:
    """The time of this machine."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        self.slept += seconds

    @contextmanager
    def person(self) -> Iterator[None]:
        yield

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        if len(calls) < 2:
            return [call() for call in calls]
        with ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(call) for call in calls]
        return [each.result() for each in futures]


class RemoteClock:
    """The time of an environment that keeps its own (`clock:` in its service.yaml).

    `GET url` answers `{"now": "2026-01-05T09:00:00.000000Z"}`; `POST url {"sleep": seconds}` lets time pass and
    answers the same. After `POST url {"together": n}` the next n calls to that environment begin at the same moment: no
    more time passes than the longest of them takes. They are made one after another, so that equal runs are equal.
    """

    def __init__(self, url: str) -> None:
        self._url, self.slept = url, 0.0
        # A time source never needs a second attempt: a repeated sleep would pass the time twice.
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=60), retries=False)

    def now(self) -> datetime:
        return self._ask("GET", None)

    def sleep(self, seconds: float) -> None:
        self._ask("POST", json.dumps({"sleep": seconds}).encode())
        self.slept += seconds

    @contextmanager
    def person(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        thought = int(time.monotonic() - began)  # less than a second is no thought, and would make equal drills differ
        for passed in range(0, thought, _PIECE):
            self._ask("POST", json.dumps({"sleep": min(_PIECE, thought - passed)}).encode())

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        if len(calls) > 1:
            self._ask("POST", json.dumps({"together": len(calls)}).encode())
        return [call() for call in calls]

    def _ask(self, method: str, body: bytes | None) -> datetime:
        try:
            answer = self._http.request(method, self._url, body=body)
        except urllib3.exceptions.HTTPError as error:
            raise Unknown(f"the time source {self._url} does not answer: {error}") from error
        try:
            return parse_time(answer.json()["now"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unknown(f"the time source {self._url} answers {answer.status} without the time") from error


def clock_at(url: str | None) -> Clock:
    """The clock that an environment's parameters ask for: theirs, or the wall clock."""
    return RemoteClock(url) if url else WallClock()


def parse_time(text: str) -> datetime:
    """ISO 8601 with a zone, as UTC. Raises ValueError for a naive or malformed time."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, such as 2026-01-05T09:41:12Z, seen {text!r}")
    return moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """A time as every file of a record writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a wait stands after a look: since when it is good (None: it is not), how long it is still waited for.

    `left` and `hold_left` are seconds: until it is given up, and until it has been good for long enough.
    """

    since: datetime | None
    left: float
    hold_left: float


def until(
    clock: Clock,
    look: Callable[[], T],
    good: Callable[[T], bool],
    *,
    within: float,
    every: float,
    hold: float = 0,
    pause: Callable[[], float] = lambda: 0,
    after_look: Callable[[Waiting], object] = lambda waiting: None,
) -> tuple[T, datetime | None]:
    """Look until `good` holds, and has held for `hold` seconds on end; give up after `within` seconds.

    Returns the last thing seen, with the time since which it has been good (None: it is not, or not long enough).
    Looks at least once, and the time for holding is added to the time for getting there.

    Time in which nobody looked proves nothing: after a gap of more than three times `every` a hold begins anew, and of
    what a clock jumps (a laptop that slept, a time server) no more than that counts as waited. How long a look itself
    takes is no gap: the quickest one of this wait is added to `every`. `pause` asks, before each wait, for how many
    seconds at least nothing may be asked; `after_look` is called after each look.
    """
    waited, quickest = 0.0, math.inf
    since: datetime | None = None
    last: datetime | None = None
    while True:
        began = clock.now()
        seen = look()
        now = clock.now()
        quickest = min(quickest, max(0.0, (now - began).total_seconds()))
        most = _GAPS * (max(every, pause()) + quickest)
        gap = (now - (last or began)).total_seconds()
        waited, last = waited + min(max(gap, 0.0), most), now
        if not 0 <= gap <= most:
            since = None
        since = (since or now) if good(seen) else None
        held = (now - since).total_seconds() if since else 0.0
        after_look(Waiting(since, max(0.0, within - waited), max(0.0, hold - held)))
        if since is not None and held >= hold:
            return seen, since
        if since is None and (waited >= within or pause() > within - waited):
            return seen, None
        clock.sleep(max(every, pause()))


def while_busy(clock: Clock, write: Callable[[], T], within: timedelta, every: float) -> T:
    """Make one write, again every so many seconds while the service says that it is busy: nothing was done by those.

    Raises Busy when it still is after `within`; else as `write` does.
    """
    deadline = clock.now() + within
    while True:
        try:
            return write()
        except Busy:
            if clock.now() >= deadline:
                raise
        clock.sleep(every)
