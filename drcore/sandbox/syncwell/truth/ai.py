"""What the simulation knows of the AI Insights Service: for tests only."""

from __future__ import annotations

from typing import Any

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.life.ai_calls import AiCalls
from drcore.sandbox.syncwell.life.sync_jobs import SyncJobs


def tell(world: World) -> None:
    """Contribute to GET /_sandbox/truth."""
    world.add_truth("ai", lambda: _ai(world))


def _ai(world: World) -> dict[str, Any] | None:
    """None while nothing was broken; else what became of jobs and conflicts since, for how many minutes it was ill."""
    calls, total = world.state(AiCalls), world.state(SyncJobs).total
    if not calls.watched:
        return None
    return {
        "failing": {region: calls.failing(region) for region in world.regions},
        "healthy_since": calls.healthy_since and iso(calls.healthy_since),
        "ill_minutes": calls.ill_ticks * TICK.total_seconds() / 60,
        "jobs": total.jobs,
        "jobs_failed": total.failed,
        "conflicts": total.conflicts,
        "merges": total.merges,
        "fallbacks": total.fallbacks,
        "unresolved": total.unresolved,
    }
