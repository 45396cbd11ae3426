"""What happened before the doors open: two quiet hours, of which metrics, logs, alarms tell."""

from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.life import two_regions
from drcore.sandbox.syncwell.life.app_clients import AppClients
from drcore.sandbox.syncwell.life.partner_syncs import PartnerSyncs
from drcore.sandbox.syncwell.life.stolen_tokens import Attacker
from drcore.sandbox.syncwell.life.sync_jobs import SyncJobs
from drcore.sandbox.syncwell.life.timeline import HISTORY, WorldTimeline


def remember(world: World) -> None:
    """Live through it; nothing of it hangs on anything but the seed and the size of the world."""
    since = world.clock.now() - HISTORY
    world.state(SyncJobs).remember()
    world.state(PartnerSyncs).publish()
    world.state(AppClients).remember(HISTORY)
    world.state(WorldTimeline).remember()
    two_regions.remember(world, since)
    world.state(Attacker).remember(since)
