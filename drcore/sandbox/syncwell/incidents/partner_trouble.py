"""The ways in which a partner goes wrong, or what SyncWell has to do with it (plan D).

An outage of a partner ends by itself after its time. A flag, a status page, a credential stay as they are until
somebody changes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.sandbox.core.faults import Option, Options, Undo, UnknownFault, fault
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.incidents.bad_deployment import BadDeployment, Broken, refuse_second
from drcore.sandbox.syncwell.life.partner_syncs import PartnerSyncs
from drcore.sandbox.vendors.partners.pages import PartnerPages
from drcore.sandbox.vendors.partners.state import PartnerHealth, Partners

DOWN = PartnerHealth(errors=0.7, timeouts=0.25, latency_ms=900.0)
WELL = PartnerHealth()

PARTNER = Option(default="pulsewatch", help="which partner", choices=names.PARTNERS)
DURATION = Option(default=20.0, help="minutes until the partner is well again; 0 is until the fault is cleared")
PAGE_LAG = Option(default=4.0, help="minutes by which the partner's status page is late")
UNNOTICED = Option(default=5.0, help="minutes that pass until somebody looks")
OPTIONS: Mapping[str, Option] = {
    "partner": PARTNER,
    "duration": DURATION,
    "page_lag": PAGE_LAG,
    "unnoticed": UNNOTICED,
}


@dataclass(slots=True)
class OutageEnd:
    """When some partners become well again."""

    at: datetime
    partners: tuple[str, ...]


class PartnerOutages:
    """The outages that are to end by themselves."""

    def __init__(self, world: World) -> None:
        self._partners = world.state(Partners)
        self._endings: list[OutageEnd] = []
        world.on_tick(self.tick)

    def end_after(self, at: datetime, *partners: str) -> None:
        """Let these be well from then on."""
        self._endings.append(OutageEnd(at, partners))

    def tick(self, at: datetime) -> None:
        """End what is over."""
        for each in [each for each in self._endings if each.at <= at]:
            self._endings.remove(each)
            for partner in each.partners:
                self._partners.become(partner, WELL)


@fault("partner-outage", options=OPTIONS)
def partner_outage(world: World, options: Options) -> Undo:
    """A partner's API fails: seven of ten calls get errors, a quarter no answer. Its page tells of it late."""
    return _begin(world, "partner-outage", options, DOWN, (options["partner"],))


def _begin(
    world: World, name: str, options: Options, health: PartnerHealth, partners: tuple[str, ...], *operations: str
) -> Undo:
    for option in ("duration", "page_lag", "unnoticed"):
        if not 0 <= options[option] <= 24 * 60:
            raise UnknownFault(f"options.{option}: expected minutes from 0 to 1440; saw {options[option]}")
    refuse_second(world, name)
    known, now = world.state(Partners), world.clock.now()
    for partner in partners:
        known.become(partner, health, *operations)
        world.state(PartnerPages).known[partner].lag = timedelta(minutes=options["page_lag"])
    world.state(BadDeployment).broken = Broken(name, now, now)
    world.state(PartnerSyncs).begin(*partners)
    if options["duration"]:
        world.state(PartnerOutages).end_after(now + timedelta(minutes=options["duration"]), *partners)
    world.clock.advance(60 * options["unnoticed"])

    def mend() -> None:
        for partner in partners:
            known.become(partner, WELL)

    return mend
