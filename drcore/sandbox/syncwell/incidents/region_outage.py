"""The ways in which a region goes away (plan A).

An outage that is over leaves what it did: writes that arrive late, users who come back as their DNS answers run out.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from drcore.sandbox.core.faults import Option, Options, Undo, fault
from drcore.sandbox.core.outages import WHOLE, Outage, OutageKind, Regions
from drcore.sandbox.core.world import World
from drcore.sandbox.services.route53.health_checks import HOME, HealthChecks
from drcore.sandbox.syncwell.company import names

REGION = Option(default="us-east-1", help="the region that goes away", choices=World.regions)
KIND = Option(default="error", help="what a caller meets, or what is gone", choices=tuple(OutageKind))
DURATION = Option(default=0.0, help="minutes until the region is back; 0 is until the fault is cleared")

OPTIONS: Mapping[str, Option] = {"region": REGION, "kind": KIND, "duration": DURATION}


@fault("region-outage", options=OPTIONS)
def region_outage(world: World, options: Options) -> Undo:
    """The region is out: calls fail as `kind` says, nobody is served there, its metrics stop."""
    return _begin(world, options)


@fault("region-outage-no-failover", options=OPTIONS)
def region_outage_no_failover(world: World, options: Options) -> Undo:
    """As region-outage, but the region's health check was set to the other region's address, and stays healthy.

    It has an IPAddress, which it should not have, and that one is wrong: the endpoint that it reaches knows the lever,
    so that the lever works. Clearing the fault does not mend the check.
    """
    region = options["region"]
    check = world.state(HealthChecks).get(names.health_check(region))
    if check is not None:
        other = next(nodes[0] for name, nodes in names.NODES.items() if name != region)
        check.config["IPAddress"], check.version = other, check.version + 1
    return _begin(world, options)


@fault(
    "region-outage-control-plane",
    options={**OPTIONS, "longer": Option(default=20.0, help="minutes that the control plane is away longer")},
)
def region_outage_control_plane(world: World, options: Options) -> Undo:
    """As region-outage, and the control planes in us-east-1 (Route 53, IAM, Health) are away, and stay so longer."""
    ends = [_begin(world, options)]
    lasts = options["duration"] + options["longer"] if options["duration"] else 0.0
    ends.append(_begin(world, {"region": HOME, "kind": OutageKind.CONTROL_PLANE, "duration": lasts}))
    return lambda: _all(ends)


@fault(
    "region-flapping",
    options={
        **OPTIONS,
        "kind": Option(default="error", help="what a caller meets while it is out", choices=tuple(sorted(WHOLE))),
        "period": Option(
            default=180.0, help="seconds of being out and back once; it is out in the first half", least=20
        ),
    },
)
def region_flapping(world: World, options: Options) -> Undo:
    """The region goes and comes back, again and again."""
    return _begin(world, options, timedelta(seconds=options["period"]))


def _begin(world: World, options: Options, period: timedelta | None = None) -> Undo:
    now = world.clock.now()
    until = now + timedelta(minutes=options["duration"]) if options["duration"] else None
    return world.state(Regions).begin(Outage(options["region"], OutageKind(options["kind"]), now, until, period))


def _all(ends: list[Callable[[], None]]) -> None:
    for end in ends:
        end()
