"""Arguments for the functions of drcore/services/xray.py: a trace that is there, a span in which it has begun."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.xray.state import Traces
from drcore.sandbox.syncwell.life.app_traces import AppTraces

WEST = "us-west-2"
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)  # when a world begins


def traces(world: InProcess) -> list[str]:
    """The ids of a faulty trace and of one that is not, of the ten minutes before the world begins."""
    known = world.world.state(Traces)
    if not any(known.between(WEST, BEGAN.replace(hour=8), BEGAN)):
        world.world.state(AppTraces).write(BEGAN, "play", 41100, 2, 1, crashing=True)
        world.request("POST", "/_sandbox/clock", {"sleep": 60})
    return [trace.id for trace in known.between(WEST, BEGAN.replace(hour=8), BEGAN)]


def _there(asking: Any) -> str:
    traces(asking.world)
    return 'annotation.app_version = "4.11.0"'


TRACES = {
    "xray.region": WEST,
    "xray.expression": _there,
    "xray.since": BEGAN.replace(hour=8),
    "xray.until": BEGAN,
    "xray.traces": lambda asking: traces(asking.world),
}
