"""How late the world tells of itself: metrics, log lines, traces, events of the trail, listings.

Each thing that happened is told after a time of its own, drawn once by the world's seed: whatever is asked, in whatever
order, the same thing is told at the same moment. The fault `lateness` makes a kind later, or at once.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from drcore.sandbox.core.faults import Option, Options, Undo, UnknownFault, fault
from drcore.sandbox.core.world import World


class Told(StrEnum):
    """What is told late."""

    METRIC = "metric"
    LOG_LINE = "log-line"
    TRACE = "trace"
    TRAIL_EVENT = "trail-event"
    EXPORT_LISTED = "export-listed"


USUAL = {
    Told.METRIC: (60.0, 180.0),  # one to three minutes after the end of its minute
    Told.LOG_LINE: (2.0, 40.0),  # agents send in batches, then the line is indexed
    Told.TRACE: (10.0, 50.0),  # from its end; its segments come one by one
    Told.TRAIL_EVENT: (240.0, 345.0),  # AWS: about five minutes on average
    Told.EXPORT_LISTED: (5.0, 30.0),
}
"""Seconds, at least and at most, from what happened until it is told."""


@dataclass(frozen=True, slots=True)
class _Range:
    since: float
    least: float
    most: float


class Lateness:
    """How late each thing is in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ranges = {kind: [_Range(float("-inf"), *usual)] for kind, usual in USUAL.items()}

    def seconds(self, kind: Told, happened: float, *what: object) -> float:
        """How long after `happened` (seconds since 1970) `what` is told."""
        known = next(each for each in reversed(self._ranges[kind]) if each.since <= happened)
        return known.least + (known.most - known.least) * self.chance(kind, *what)

    def at(self, kind: Told, happened: datetime, *what: object) -> float:
        """When `what` is told, in seconds since 1970."""
        return happened.timestamp() + self.seconds(kind, happened.timestamp(), *what)

    def chance(self, *what: object) -> float:
        """A number from 0 to 1 that belongs to `what`, and to nothing else."""
        drawn = blake2b(self._world.purpose(*what).encode(), digest_size=8).digest()
        return int.from_bytes(drawn, "big") / 2**64

    def most(self, kind: Told) -> float:
        """Seconds after which everything of that kind has been told."""
        return max(each.most for each in self._ranges[kind])

    def settle(self, kind: Told, most: float) -> None:
        """From the begin of the world on that kind is told so late at most; the least is as much shorter."""
        least, usual = USUAL[kind]
        self._ranges[kind][0] = _Range(float("-inf"), least * most / usual, most)

    def change(self, kind: Told, least: float, most: float) -> Undo:
        """From now on other times hold for what happens."""
        changed = _Range(self._world.clock.now().timestamp(), least, most)
        self._ranges[kind].append(changed)
        return lambda: self._ranges[kind].remove(changed)


def _in_order(options: Options) -> None:
    if options["least"] > options["most"]:
        raise UnknownFault(f"options.least: expected from 0 to {options['most']:g}; saw {options['least']:g}")


@fault(
    "lateness",
    check=_in_order,
    options={
        "of": Option(default=str(Told.METRIC), help="what is told late", choices=tuple(Told)),
        "least": Option(default=240.0, help="seconds until it is told, at least"),
        "most": Option(default=600.0, help="seconds until it is told, at most"),
    },
)
def lateness(world: World, options: Options) -> Undo:
    """What happens from now on is told later than usual, or earlier."""
    return world.state(Lateness).change(Told(options["of"]), options["least"], options["most"])
