"""What the simulation knows of the syncs with partners: for tests only."""

from typing import Any

from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.app_clients import AppClients
from drcore.sandbox.syncwell.life.app_flags import AppFlags
from drcore.sandbox.syncwell.life.partner_syncs import PartnerSyncs
from drcore.sandbox.vendors.partners.state import Partners


def tell(world: World) -> None:
    """Contribute to GET /_sandbox/truth."""
    world.add_truth("integrations", lambda: {name: _integration(world, name) for name in names.PARTNERS})
    world.add_truth("syncs", lambda: _syncs(world))


def _integration(world: World, partner: str) -> dict[str, Any]:
    """By region for which share of the users it is on, and which share of the app's clients shows the banner."""
    flags, clients = world.state(AppFlags), world.state(AppClients)
    flag = names.integration_flag(partner)
    return {
        "on": {region: flags.share(region, flag) for region in world.regions},
        "banner": {region: clients.shown(region, partner) for region in world.regions},
    }


def _syncs(world: World) -> dict[str, Any]:
    """By partner: calls asked for so far, jobs that wait, that ever had to, that were done, that were lost."""
    syncs, partners = world.state(PartnerSyncs), world.state(Partners)

    def total(partner: str, field: str) -> int:
        return sum(int(getattr(syncs.work[region, partner], field)) for region in world.regions)

    fields = ("waiting", "delayed", "done", "lost")
    truth: dict[str, Any] = {
        name: {"calls": sum(partners.known[name].asked.values())} | {each: total(name, each) for each in fields}
        for name in names.PARTNERS
    }
    return truth | {"healthy_since": syncs.healthy_since and precise(syncs.healthy_since)}
