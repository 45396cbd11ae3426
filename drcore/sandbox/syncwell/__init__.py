"""SyncWell: its account, its users, its releases, its mishaps."""

from drcore.sandbox.chance import tied_to
from drcore.sandbox.syncwell import (
    account,
    corruption,
    faults,
    fleet,
    outages,
    public,
    regional,
    truth,
    truth_of_data,
    truth_of_regions,
)
from drcore.sandbox.syncwell.releases import OLDER, STABLE
from drcore.sandbox.syncwell.timeline import HISTORY, Timeline
from drcore.sandbox.world import World

__all__ = ["build", "corruption", "faults", "outages", "public"]


def build(world: World) -> None:
    """Make the account as it is when the doors open, with two hours of history, and let it live."""
    with tied_to(world.purpose("account")):
        account.found(world)
        account.release(world, OLDER)
        account.release(world, STABLE)
    with tied_to(world.purpose("two regions")):
        regional.found(world)
    with tied_to(world.purpose("fleet")):
        fleet.found(world)
    account.watch(world, world.clock.now() - HISTORY)
    timeline = world.shelf(Timeline)
    timeline.remember()
    regional.remember(world, world.clock.now() - HISTORY)
    for actor in regional.actors(world):
        world.on_tick(actor)
    world.on_tick(timeline.tick)
    truth.tell(world)
    truth_of_regions.tell(world)
    truth_of_data.tell(world)
