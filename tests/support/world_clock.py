"""The time of a sandbox in this process, as a clock."""

from __future__ import annotations

from datetime import datetime

from drcore.sandbox.endpoints.in_process import InProcess
from tests.support.manual_clock import ManualClock


class WorldClock(ManualClock):
    """The sandbox's own time."""

    def __init__(self, world: InProcess) -> None:
        super().__init__()
        self._world = world

    def now(self) -> datetime:
        return self._world.world.clock.now()

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._world.request("POST", "/_sandbox/clock", {"sleep": seconds})
