"""What people write to the support desk when entries are gone from their phones.

One in twenty whose update has lost data writes, from the app, within an hour or so; and now and then somebody whose
data is gone for a reason of his own, with any version.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.company.app_stores import AppVersion
from drcore.sandbox.syncwell.life.complaints import SufferingUsers, SupportTicket
from drcore.sandbox.syncwell.life.random_counts import arrivals, hits

CATEGORY = "lost-data"
COMPLAIN = 0.05
PATIENCE = timedelta(minutes=40)
"""From the loss to the ticket, on average."""
_SUBJECTS = ("My entries of this week are gone", "Notes are missing since today", "My steps of yesterday are lost")
_AN_HOUR = 0.1
"""Tickets by chance, of a store."""


class LostData:
    """The tickets about it."""

    def __init__(self, world: World) -> None:
        self._world, self._tickets = world, world.state(SufferingUsers).tickets
        self._known: dict[str, dict[int, int]] = {}

    def live(
        self, at: datetime, store: str, devices: Mapping[int, int], lost: Mapping[int, int], step: timedelta
    ) -> None:
        """The time before `at`: who has written. `lost` counts all whose data was lost so far, by version code."""
        stream, known = self._world.rng("lost data", store, epoch(at)), self._known.setdefault(store, {})
        for code, count in sorted(lost.items()):
            complain = hits(stream, count - known.get(code, 0), COMPLAIN)
            known[code] = count
            for _ in range(complain):
                self._file(
                    at + timedelta(seconds=stream.expovariate(1 / PATIENCE.total_seconds())), store, code, stream
                )
        for _ in range(arrivals(stream, _AN_HOUR * (step / timedelta(hours=1)))):
            (code,) = stream.choices(list(devices), weights=list(devices.values()))
            self._file(at, store, code, stream)

    def _file(self, at: datetime, store: str, code: int, stream: Random) -> None:
        opened, user = at.replace(microsecond=0), f"{stream.randrange(self._world.users):05d}"
        name = f"SW-{epoch(opened) % 10_000_000:07d}-{user}"
        self._tickets.append(
            SupportTicket(opened, name, CATEGORY, user, stream.choice(_SUBJECTS), store, AppVersion.of(code).name)
        )
