"""Which region is out, since when, for what.

Everything here is a function of time, so that an actor that moves each ten seconds can still ask for the exact
moment. An outage that is over stays known: who looks back sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drcore.sandbox.core.world import World


class OutageKind(StrEnum):
    """What an outage takes away. The first three are the whole region, and differ in what a caller meets."""

    TIMEOUT = "timeout"
    DROP = "drop"
    ERROR = "error"
    DATA_PLANE = "data-plane"
    LAMBDA_SQS = "lambda-sqs"
    CONTROL_PLANE = "control-plane"


WHOLE = frozenset({OutageKind.TIMEOUT, OutageKind.DROP, OutageKind.ERROR})
ISOLATING = WHOLE | {OutageKind.DATA_PLANE}
"""Nothing gets in or out: no user, no replicated write."""
HALTING = ISOLATING | {OutageKind.LAMBDA_SQS}
"""Nobody's request is served, no job is worked on."""


@dataclass(slots=True)
class Outage:
    """One outage from `since` to `until` (None: until it is cleared); with a `period`, out in each first half."""

    region: str
    kind: OutageKind
    since: datetime
    until: datetime | None = None
    period: timedelta | None = None

    def span(self, at: datetime) -> tuple[datetime, datetime | None] | None:
        """The stretch of being out that `at` lies in, None if the region is not out then."""
        if at < self.since or (self.until is not None and at >= self.until):
            return None
        if self.period is None:
            return self.since, self.until
        began = at - (at - self.since) % self.period
        ends = began + self.period / 2
        if at >= ends:
            return None
        return began, ends if self.until is None else min(ends, self.until)

    def last_out(self, at: datetime) -> datetime | None:
        """The last moment up to `at` at which the region was out; None if it never was."""
        if at < self.since:
            return None
        if self.span(at):
            return at
        over = at if self.until is None else min(at, self.until)
        if self.period is None:
            return over
        began = over - (over - self.since) % self.period
        return min(over, began + self.period / 2)


class Regions:
    """The outages of this world, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.outages: list[Outage] = []
        self._beginnings: list[Callable[[Outage], None]] = []
        self._endings: list[Callable[[Outage], None]] = []

    def on_beginning(self, fn: Callable[[Outage], None]) -> None:
        """Call `fn` when an outage has been added, at its first moment."""
        self._beginnings.append(fn)

    def on_ending(self, fn: Callable[[Outage], None]) -> None:
        """Call `fn` when an outage has been ended by hand, at its last moment."""
        self._endings.append(fn)

    def begin(self, outage: Outage) -> Callable[[], None]:
        """Let an outage happen from now on; returns how it is ended."""
        self.outages.append(outage)
        for fn in self._beginnings:
            fn(outage)
        return lambda: self._end(outage)

    def _end(self, outage: Outage) -> None:
        now = self._world.clock.now()
        outage.until = now if outage.until is None else min(outage.until, now)
        for fn in self._endings:
            fn(outage)

    def now(self, region: str) -> list[Outage]:
        """What is out in a region now."""
        now = self._world.clock.now()
        return [outage for outage in self.outages if outage.region == region and outage.span(now)]

    def out(self, region: str, at: datetime, kinds: frozenset[OutageKind] = HALTING) -> bool:
        """Whether an outage of one of these kinds is on in the region at that moment."""
        if not self.outages:  # asked with each write of each actor
            return False
        return any(o.region == region and o.kind in kinds and o.span(at) for o in self.outages)

    def last_out(self, region: str, at: datetime, kinds: frozenset[OutageKind] = HALTING) -> datetime | None:
        """The last moment up to `at` at which it was; None if it never was."""
        moments = (o.last_out(at) for o in self.outages if o.region == region and o.kind in kinds)
        return max((moment for moment in moments if moment is not None), default=None)

    def back_at(self, region: str, at: datetime, kinds: frozenset[OutageKind] = HALTING) -> datetime | None:
        """When the region, out at that moment, is back; None if that is not known. `at` itself if it is not out."""
        moving = True
        while moving:
            moving = False
            for outage in self.outages:
                span = outage.span(at) if outage.region == region and outage.kind in kinds else None
                if span:
                    if span[1] is None:
                        return None
                    at, moving = span[1], True
        return at
