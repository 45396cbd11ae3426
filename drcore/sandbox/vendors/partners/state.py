"""How each partner does, by operation, as it changes in time.

A partner's API gives errors, keeps silent, is slow; it takes so many calls a minute and one key. What it does stays
known, as its status page tells of it later.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import repeat, starmap

from drcore.sandbox.core.timestamps import floor
from drcore.sandbox.core.world import World

OPERATIONS = ("read-activities", "write-activities", "refresh-token")


@dataclass(frozen=True, slots=True)
class PartnerHealth:
    """How one operation does: shares from 0 to 1, the median of its latency in milliseconds."""

    errors: float = 0.002
    timeouts: float = 0.0
    latency_ms: float = 120.0

    @property
    def is_down(self) -> bool:
        return self.errors + self.timeouts >= 0.5

    @property
    def is_degraded(self) -> bool:
        return self.errors + self.timeouts >= 0.05 or self.latency_ms >= 2000


_WELL = PartnerHealth()


@dataclass(frozen=True, slots=True)
class PartnerCalls:
    """What became of a number of calls."""

    ok: int = 0
    errors: int = 0
    timeouts: int = 0
    throttled: int = 0
    unauthorized: int = 0

    @property
    def failed(self) -> int:
        return self.errors + self.timeouts + self.throttled + self.unauthorized


@dataclass(slots=True)
class Partner:
    """One partner; `a_minute` calls are taken, with the key `key` only."""

    name: str
    a_minute: int
    key: str
    since: datetime
    history: dict[str, list[tuple[datetime, PartnerHealth]]] = field(default_factory=dict)
    taken: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    """All calls by operation, also those that were refused: what a switch is to end."""

    def health(self, operation: str, at: datetime) -> PartnerHealth:
        """How an operation does at a moment."""
        known = reversed(self.history.get(operation, ()))
        return next((health for since, health in known if since <= at), _WELL)


class Partners:
    """The partners of a world; there are none until they are made."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.known: dict[str, Partner] = {}
        world.add_to_dump("partners", lambda: {each.name: [each.a_minute, each.key] for each in self.known.values()})

    def create(self, name: str, a_minute: int = 6000, key: str = "partner-key") -> Partner:
        """A partner that is well."""
        self.known[name] = Partner(name, a_minute, key, self._world.clock.now())
        return self.known[name]

    def become(self, name: str, health: PartnerHealth, *operations: str) -> None:
        """Let operations, or all, of a partner do so from now on."""
        for operation in operations or OPERATIONS:
            self.known[name].history.setdefault(operation, []).append((self._world.clock.now(), health))

    def call(self, name: str, operation: str, count: int, rng: random.Random, key: str) -> PartnerCalls:
        """So many calls of an operation now, as SyncWell's workers make them."""
        partner, now = self.known[name], self._world.clock.now()
        partner.asked[operation] += count
        if key != partner.key:
            return PartnerCalls(unauthorized=count)
        minute = floor(now)
        taken = min(count, max(0, partner.a_minute - partner.taken[minute]))
        partner.taken[minute] += taken
        health = partner.health(operation, now)
        failing = health.timeouts + health.errors
        drawn = starmap(rng.random, repeat((), taken))
        failed = [draw for draw in drawn if draw < failing]  # most are not: looked at once
        timeouts = sum(draw < health.timeouts for draw in failed)
        errors = len(failed) - timeouts
        return PartnerCalls(taken - errors - timeouts, errors, timeouts, throttled=count - taken)

    def rotate(self, name: str, key: str) -> None:
        """Let a partner take another key, and the old one no more: an outage that is ours."""
        self.known[name] = replace(self.known[name], key=key)

    def state(self, name: str, at: datetime) -> Mapping[str, PartnerHealth]:
        """How each operation of a partner does at a moment."""
        return {operation: self.known[name].health(operation, at) for operation in OPERATIONS}
