"""The app on its users' phones, as far as its switches go: it reads them, keeps them a minute, shows the banners.

What a client shows it reports: an evaluation of a flag for each session. Simplified: each entity of a region is ten
sessions; a client reads once a minute, at a second of its own.
"""

from datetime import datetime, timedelta

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.outages import Regions
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.app_flags import ENTITIES, AppFlags, Flags

_SESSIONS = 10


class AppClients:
    """What the clients of each region have read last."""

    def __init__(self, world: World) -> None:
        self._world, self._regions, self._flags = world, world.state(Regions), world.state(AppFlags)
        self._stores = world.state(CloudWatch).stores
        self._has: dict[tuple[str, str], Flags] = {}
        self._reads = {
            (region, entity): world.rng("app client", region, entity).randrange(0, MINUTE, TICK.seconds)
            for region in world.regions
            for entity in ENTITIES
        }

    def remember(self, lasted: timedelta) -> None:
        """Live through the quiet time before now, in which everybody has what he has now."""
        minute, end = timedelta(minutes=1), self._world.clock.now()
        self._has = {(region, entity): self._flags.of(region, entity) for region, entity in self._reads}
        for region in self._world.regions:
            shown = self._shown(region)
            for number in range(lasted // minute):
                self._publish(region, epoch(end - (number + 1) * minute), shown)

    def tick(self, at: datetime) -> None:
        """Let those read whose turn it is; at a full minute, publish."""
        for (region, entity), second in self._reads.items():
            if second == at.second and not self._regions.out(region, at):
                self._has[region, entity] = self._flags.of(region, entity)
        if at.second == 0:
            for region in self._world.regions:
                if not self._regions.out(region, at):
                    self._publish(region, epoch(at) - MINUTE, self._shown(region))

    def shown(self, region: str, partner: str) -> float:
        """The share of a region's clients that show the banner of a partner."""
        flag = names.banner_flag(partner)
        shown = sum(bool(self._has.get((region, each), {}).get(flag, {}).get("enabled")) for each in ENTITIES)
        return shown / len(ENTITIES)

    def _shown(self, region: str) -> dict[str, MinuteSamples]:
        """What the clients of a region report of each partner's banner."""
        sessions = len(ENTITIES) * _SESSIONS
        shares = {partner: round(self.shown(region, partner) * sessions) for partner in names.PARTNERS}
        return {partner: MinuteSamples.share(shown, sessions) for partner, shown in shares.items()}

    def _publish(self, region: str, begin: int, shown: dict[str, MinuteSamples]) -> None:
        for partner, sample in shown.items():
            self._stores[region].record(_SHOWN[partner], begin, sample)


_SHOWN = {each: MetricName("SyncWell/App", "BannerShown", (("Partner", each),)) for each in names.PARTNERS}
