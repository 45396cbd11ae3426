"""What the simulation knows of regions, users or replication: for tests only."""

from typing import Any

from drcore.sandbox.core.outages import Outage, Regions
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.replication_view import GlobalTable
from drcore.sandbox.services.route53.health_checks import HealthChecks
from drcore.sandbox.syncwell.life.health_endpoint import HealthEndpoints
from drcore.sandbox.syncwell.life.users import MARKETS, UserBase


def tell(world: World) -> None:
    """Contribute to GET /_sandbox/truth."""
    users, checks = world.state(UserBase), world.state(HealthChecks)
    world.add_truth("region", lambda: _regions(world))
    world.add_truth("traffic", lambda: {market.name: users.shares(market.name) for market in MARKETS})
    world.add_truth("dns", lambda: users.answered(world.clock.now()))
    world.add_truth("failover_at", lambda: users.failover_at and precise(users.failover_at))
    world.add_truth("last_client_moved", lambda: users.last_moved and precise(users.last_moved))
    world.add_truth("replication", lambda: _replication(world))
    world.add_truth("levers", lambda: dict(world.state(HealthEndpoints).levers))
    world.add_truth("checkers", lambda: {check.id: check.share() for check in checks if check.checkers})


def _regions(world: World) -> dict[str, Any]:
    """`down`: out now; `since`: when the last outage began; `back_at`: when it is or was over, if that is known."""
    regions = world.state(Regions)
    last: Outage | None = regions.outages[-1] if regions.outages else None
    return {
        "down": [region for region in world.regions if regions.now(region)],
        "kinds": {region: [str(outage.kind) for outage in regions.now(region)] for region in world.regions},
        "since": last.since and precise(last.since) if last else None,
        "back_at": last.until and precise(last.until) if last else None,
    }


def _replication(world: World) -> dict[str, Any]:
    """`lost_if_never_back`: writes of a region that is out, which nobody else has; `rpo_seconds` by such a region."""
    table, regions = world.state(GlobalTable), world.state(Regions)
    table.catch_up(world.clock.now())
    out = [region for region in world.regions if regions.now(region)]
    return {
        "pending": len(table.pending),
        "lost_if_never_back": sum(write.source in out for write in table.pending.values()),
        "overwritten": sorted({pk for pk, _ in table.overwritten}),
        "rpo_seconds": dict(table.lost_at),
    }
