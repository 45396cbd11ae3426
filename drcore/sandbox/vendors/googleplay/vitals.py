"""What Google Play knows of the app's crashes, hour by hour.

Filled by whoever simulates the users. Simplified: one dimension, the version; every user has agreed to be counted; each
crash is perceived by the user.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from drcore.sandbox.core.timestamps import aware, floor
from drcore.sandbox.core.world import World

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
HOUR = timedelta(hours=1)
HOURLY_LAG, DAILY_LAG = timedelta(hours=2, minutes=40), timedelta(hours=9)
"""From the end of an hour, and of a day in Los Angeles, until its numbers may be asked for."""


@dataclass(slots=True)
class CrashCount:
    """Users of one version in one hour: who used the app, whose app crashed, how often that was reported."""

    users: int = 0
    crashed: int = 0
    reports: int = 0


class PlayVitals:
    """The counts by hour and version code, with how much of them may be read."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.hours: dict[datetime, dict[int, CrashCount]] = defaultdict(lambda: defaultdict(CrashCount))
        self.lag = HOURLY_LAG
        """How late the hours are; a fault may make it longer."""

    def add(self, at: datetime, code: int, users: int, crashed: int, reports: int) -> None:
        """Count what happened in the hour of `at`."""
        count = self.hours[aware(floor(at, 3600))][code]
        count.users, count.crashed, count.reports = (
            count.users + users,
            count.crashed + crashed,
            count.reports + reports,
        )

    def fresh(self, period: str) -> datetime:
        """The latest end of a time that may be asked for: an hour in UTC, a day in Los Angeles."""
        now = self._world.clock.now()
        if period == "HOURLY":
            return aware(floor(now - self.lag, 3600))
        local = (now - DAILY_LAG).astimezone(LOS_ANGELES)
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    def between(self, begin: datetime, end: datetime) -> dict[int, CrashCount]:
        """The counts of a span by version. Of a day's users each comes in about four of its hours."""
        by_version: dict[int, CrashCount] = defaultdict(CrashCount)
        hours = [each for each in self.hours if begin <= each < end]
        often = 1 if end - begin <= HOUR else min(4, max(1, len(hours)))
        for hour in hours:
            for code, count in self.hours[hour].items():
                by_version[code].users += count.users
                by_version[code].crashed += count.crashed
                by_version[code].reports += count.reports
        for count in by_version.values():
            count.users, count.crashed = round(count.users / often), min(count.crashed, round(count.users / often))
        return dict(by_version)
