"""Traces of the app's syncs, sampled: from the phone through the API to the function.

So many of ten minutes are kept of each version: some that went well, those in which the app crashed first. A crash is
thrown on the phone: the services behind it have answered well, or were not called any more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.xray.state import Trace, TracedCall, Traces
from drcore.sandbox.syncwell.company.app_stores import AppVersion
from drcore.sandbox.syncwell.company.names import MOBILE_REGION
from drcore.sandbox.syncwell.life.crash_reports import error_of

SAMPLED_CRASHES, SAMPLED_WELL = 3, 2
APP, API, WORKER, TABLE = "syncwell-app", "syncwell-api", "syncwell-worker", "SyncWellMetadata"
_ORIGINS = {
    APP: "client",
    API: "AWS::ApiGateway::Stage",
    WORKER: "AWS::Lambda::Function",
    TABLE: "AWS::DynamoDB::Table",
}
_STEP_S = 600.0


class AppTraces:
    """What the app's library and the services send to X-Ray."""

    def __init__(self, world: World) -> None:
        self._world, self._traces = world, world.state(Traces)

    def write(self, at: datetime, store: str, code: int, active: int, crashed: int, *, crashing: bool) -> None:
        """The traces of the ten minutes before `at`."""
        crashes, well = min(crashed, SAMPLED_CRASHES), min(active - crashed, SAMPLED_WELL)
        if crashes or well:
            self._traces.add(MOBILE_REGION, at, self._making(at, store, code, crashes, well, crashing))

    def _making(
        self, at: datetime, store: str, code: int, crashes: int, well: int, crashing: bool
    ) -> Callable[[], list[Trace]]:
        def make() -> list[Trace]:
            stream = self._world.rng("traces", store, code, epoch(at))
            marks = {"app_version": AppVersion.of(code).name, "platform": store}
            return [_trace(stream, at, marks, error_of(number, crashes, crashing)) for number in range(crashes)] + [
                _trace(stream, at, marks, None) for _ in range(well)
            ]

        return make


def _trace(stream: Random, at: datetime, marks: dict[str, str], thrown: tuple[str, str] | None) -> Trace:
    begun = at - timedelta(seconds=stream.uniform(0, _STEP_S))
    names = (APP, API, WORKER, TABLE)
    ids = [f"{stream.getrandbits(64):016x}" for _ in names]
    seconds = 0.2 * stream.lognormvariate(0, 0.3)
    calls = tuple(
        TracedCall(
            ids[number],
            name,
            _ORIGINS[name],
            round(seconds / (1 + number), 3),
            ids[number - 1] if number else "",
            fault=bool(thrown) and not number,
            thrown=None if number else thrown,
        )
        for number, name in enumerate(names)
    )
    return Trace(f"1-{epoch(begun):08x}-{stream.getrandbits(96):024x}", begun, calls, marks)
