"""The crash reports of the app, as its backend writes them into a log group: by version, with what broke.

One line for each kind of error that came in within ten minutes, with the number of its reports, as the app's own
library sends them in batches.
"""

from __future__ import annotations

import json
from datetime import datetime

from drcore.sandbox.core.world import World
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.syncwell.company.app_stores import AppVersion
from drcore.sandbox.syncwell.company.names import CRASH_REPORTS, MOBILE_REGION

_USUAL = ("OutOfMemoryError in ImageCache.decode", "TimeoutException in HealthBridge.read")
_NEW = "IllegalStateException in SyncQueue.merge"


def error_of(number: int, crashes: int, crashing: bool) -> tuple[str, str]:
    """What broke in one of so many sampled crashes: type and message. All but the last of three are of the new kind."""
    known = _NEW if crashing and (number < 2 or crashes < 3) else _USUAL[number % 2]
    kind, _, where = known.partition(" in ")
    return kind, f"in {where}"


class CrashReports:
    """The log group."""

    def __init__(self, world: World) -> None:
        self._logs = world.state(Logs)

    def write(self, at: datetime, store: str, code: int, crashed: int, *, crashing: bool) -> None:
        """The reports of ten minutes: nine in ten crashes of a version that crashes more are of one new kind."""
        new = round(0.9 * crashed) if crashing else 0
        usual = crashed - new
        kinds = {_NEW: new, _USUAL[0]: usual - usual // 3, _USUAL[1]: usual // 3}
        for error, reports in kinds.items():
            if reports:
                fields = {"platform": store, "version": AppVersion.of(code).name, "error": error, "reports": reports}
                self._logs.write(MOBILE_REGION, CRASH_REPORTS, at, json.dumps(fields))
