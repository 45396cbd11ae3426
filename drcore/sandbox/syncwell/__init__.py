"""SyncWell: its account, its users, its releases, its mishaps."""

from drcore.sandbox.chance import tied_to
from drcore.sandbox.syncwell import account, faults, public, truth
from drcore.sandbox.syncwell.releases import OLDER, STABLE
from drcore.sandbox.syncwell.timeline import HISTORY, Timeline
from drcore.sandbox.world import World

__all__ = ["build", "faults", "public"]


def build(world: World) -> None:
    """Make the account as it is when the doors open, with two hours of history, and let it live."""
    with tied_to(world.purpose("account")):
        account.found(world)
        account.release(world, OLDER)
        account.release(world, STABLE)
    account.watch(world, world.clock.now() - HISTORY)
    timeline = world.shelf(Timeline)
    timeline.remember()
    world.on_tick(timeline.tick)
    truth.tell(world)
