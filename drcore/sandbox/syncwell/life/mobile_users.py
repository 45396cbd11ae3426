"""The people who have the app on their phones: which version they get, whether it crashes, what they lose.

They are off until a fault, or a test, begins them. Counted, not told apart: so many devices by store and version,
moved each ten minutes by what the stores offer then. On Android a share of the devices is offered a staged release, and
takes it within hours; on iOS a phased release reaches those that update by themselves, while whoever visits the store
gets the newest version all along. A version that loses local data does so once, when it is put on. One that crashes
does so in a feature, and does not where the feature is turned off for it.

Simplified: nobody leaves; newcomers are one in two thousand an hour; a device is used by one person, who uses the app
in one hour out of six, at any time of the day.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.syncwell.company.app_stores import APP_STORE, PLAY, STABLE_APP, AppVersion
from drcore.sandbox.syncwell.life.app_levers import AppLevers
from drcore.sandbox.syncwell.life.app_traces import AppTraces
from drcore.sandbox.syncwell.life.crash_reports import CrashReports
from drcore.sandbox.syncwell.life.lost_data import LostData
from drcore.sandbox.syncwell.life.random_counts import hits
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.sandbox.vendors.googleplay.recovery import PlayRecoveries
from drcore.sandbox.vendors.googleplay.store import PlayStore
from drcore.sandbox.vendors.googleplay.vitals import PlayVitals

DEVICES: Mapping[str, int] = {PLAY: 240_000, APP_STORE: 160_000}
STEP = timedelta(minutes=10)
UPDATE, VISIT, RECOVER = timedelta(hours=6), timedelta(hours=200), timedelta(hours=4)
"""How long it takes, on average, until a device updates by itself, its owner visits the store, it is recovered."""
NEWCOMERS = 1 / 2000
"""Of the devices, an hour."""
ACTIVE = 1 / 6
"""Of the devices, in any hour."""
HEALTHY = 0.0002
"""The chance that a good version crashes for somebody in an hour in which he uses it."""
EXPORT_LATE = timedelta(minutes=20)
"""From the end of ten minutes until the export of the crash reports has them."""
NAMESPACE, CRASHED = "SyncWell/Mobile", "CrashedUsers"
EXPORTED_TO = "us-west-2"


@dataclass(slots=True)
class AppBehavior:
    """What a version does to who has it: crashes in an hour of use, loses local data when it is put on (0 to 1)."""

    crashes: float = HEALTHY
    loses: float = 0.0


@dataclass(slots=True)
class StoreUsers:
    """The devices of one store by version code; who was harmed, by the version that did it."""

    devices: dict[int, int]
    behavior: dict[int, AppBehavior] = field(default_factory=dict)
    crashed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    lost_data: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    installs: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def of(self, code: int) -> AppBehavior:
        """How a version behaves."""
        return self.behavior.setdefault(code, AppBehavior())

    def bad(self, code: int) -> bool:
        """Whether a version harms."""
        return self.crashing(code) or self.of(code).loses > 0

    def crashing(self, code: int) -> bool:
        """Whether a version has a crash that others have not: one that loses data has none for it."""
        return self.of(code).crashes > HEALTHY


class MobileUsers:
    """The users of both stores."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._play, self._apple = world.state(PlayStore), world.state(AppStore)
        self._vitals, self._recoveries = world.state(PlayVitals), world.state(PlayRecoveries)
        self._metrics = world.state(CloudWatch).stores[EXPORTED_TO]
        self._reports, self._complaints = world.state(CrashReports), world.state(LostData)
        self._traces, self._levers = world.state(AppTraces), world.state(AppLevers)
        self._late: list[tuple[datetime, MetricName, MinuteSamples]] = []
        self.on = False
        self.update = UPDATE
        """How long it takes, on average, until a device updates by itself."""
        self.exported = {PLAY, APP_STORE}
        """The stores whose users' crash reports are exported, with their sessions."""
        self.healthy_since: datetime | None = None
        stable = AppVersion(STABLE_APP).code
        self.stores = {name: StoreUsers({stable: count}) for name, count in DEVICES.items()}
        self._recoveries.devices = lambda code: self.stores[PLAY].devices.get(code, 0)

    def begin(self, at: datetime) -> None:
        """Let them live from a moment that may have gone by until now."""
        now, self.on = self._world.clock.now(), True
        while at + STEP <= now:
            at += STEP
            with self._world.clock.at(at):
                self.live(at)

    def tick(self, at: datetime) -> None:
        """Each ten minutes they live on; whether they are well is looked at each time."""
        if self.on and epoch(at) % int(STEP.total_seconds()) == 0:
            self.live(at)
        if self.on:
            self._judge(at)

    def live(self, at: datetime) -> None:
        """The ten minutes before `at`."""
        stream = self._world.rng("mobile", epoch(at))
        self._update_android(stream)
        self._update_ios(stream)
        self._recover(stream)
        self._ask_for_updates(stream)
        for name, users in self.stores.items():
            self._use(name, users, at, stream)
            self._complaints.live(at, name, users.devices, users.lost_data, STEP)
        self._export(at)

    def well(self, store: str) -> bool:
        """Whether a store gives nobody a version that harms, and everybody a newer one than any that did."""
        offered, users = self.offers(store), self.stores[store]
        bad = [code for code in users.behavior if users.bad(code)]
        if any(code in bad for code in offered):
            return False
        return not bad or any(code > max(bad) and share == 1 for code, share in offered.items())

    def _judge(self, at: datetime) -> None:
        """Since the tick before this one they may have been well."""
        if not all(map(self.well, self.stores)):
            self.healthy_since = None
        elif self.healthy_since is None:
            self.healthy_since = at - TICK

    def offers(self, store: str) -> dict[int, float]:
        """The versions that a store gives to anybody now, with the share of its users that may get each."""
        if store == PLAY:
            return {max(release.codes): release.share for release in self._play.offered()}
        live = self._apple.live()
        return {AppVersion(live.name).code: self._apple.on_sale()} if live is not None and self._apple.on_sale() else {}

    def chance(self, store: str, code: int, crashed: int) -> None:
        """Let somebody's app crash by chance four hours ago: with few users, a rate that looks bad."""
        at = self._world.clock.now() - timedelta(hours=4)
        self.stores[store].crashed[code] += crashed
        if store == PLAY:
            self._vitals.add(at, code, 0, crashed, crashed)
        name = MetricName(NAMESPACE, CRASHED, (("Platform", store), ("VersionCode", str(code))))
        self._metrics.record(name, epoch(at) // MINUTE * MINUTE, MinuteSamples.share(crashed, crashed))

    def _update_android(self, stream: Random) -> None:
        users = self.stores[PLAY]
        total = sum(users.devices.values())
        for code, share in sorted(self.offers(PLAY).items(), reverse=True):
            newer = sum(count for held, count in users.devices.items() if held >= code)
            self._move(users, code, hits(stream, max(0, round(share * total) - newer), _within(self.update)), stream)
            self._welcome(users, code, hits(stream, total, NEWCOMERS * share * _HOURS))

    def _update_ios(self, stream: Random) -> None:
        users = self.stores[APP_STORE]
        total = sum(users.devices.values())
        for code, on_sale in self.offers(APP_STORE).items():
            older = sum(count for held, count in users.devices.items() if held < code)
            eligible = max(0, round(self._apple.automatic() * on_sale * total) - (total - older))
            moved = hits(stream, eligible, _within(self.update))
            self._move(users, code, moved, stream)
            # Whoever visits the store gets the newest version, whatever the phased release says.
            self._move(users, code, hits(stream, older - moved, on_sale * _within(VISIT)), stream)
            self._welcome(users, code, hits(stream, total, NEWCOMERS * on_sale * _HOURS))

    def _recover(self, stream: Random) -> None:
        """Devices that a recovery action means get the newest version that is offered, if it is newer than theirs."""
        users, offered = self.stores[PLAY], self.offers(PLAY)
        best = max((code for code, share in offered.items() if share == 1), default=0)
        for action in self._recoveries.active():
            for code in [code for code in users.devices if action.means(code) and code < best]:
                moved = hits(stream, users.devices[code], _within(RECOVER))
                self._take(users, code, best, moved, stream)
                action.recovered[code] = action.recovered.get(code, 0) + moved

    def _ask_for_updates(self, stream: Random) -> None:
        """Whoever uses an app that is older than it may be is asked to update, and gets what is offered to all."""
        for store, users in self.stores.items():
            least = self._levers.least(store)
            best = max((code for code, share in self.offers(store).items() if share == 1), default=0)
            for code in [code for code in users.devices if code < least and code < best]:
                asked = hits(stream, users.devices[code], ACTIVE * _HOURS)
                self._take(users, code, best, asked, stream)

    def _move(self, users: StoreUsers, code: int, count: int, stream: Random) -> None:
        """Update so many devices, those with the oldest versions first."""
        for held in sorted(held for held in users.devices if held < code):
            moved = min(count, users.devices[held])
            self._take(users, held, code, moved, stream)
            count -= moved

    def _take(self, users: StoreUsers, held: int, code: int, count: int, stream: Random) -> None:
        users.devices[held] -= count
        users.devices[code] = users.devices.get(code, 0) + count
        users.installs[code] += count
        users.lost_data[code] += hits(stream, count, users.of(code).loses)

    def _welcome(self, users: StoreUsers, code: int, count: int) -> None:
        """New devices, which have nothing to lose."""
        users.devices[code] = users.devices.get(code, 0) + count
        users.installs[code] += count

    def _use(self, store: str, users: StoreUsers, at: datetime, stream: Random) -> None:
        for code, count in sorted(users.devices.items()):
            active = hits(stream, count, ACTIVE * _HOURS)
            crashes = users.of(code).crashes
            if self._levers.without_feature(code):
                crashes = min(crashes, HEALTHY)
            crashed = hits(stream, active, crashes)
            users.crashed[code] += crashed
            if store in self.exported:
                self._reports.write(at, store, code, crashed, crashing=users.crashing(code))
                self._traces.write(at, store, code, active, crashed, crashing=users.crashing(code))
            if store == PLAY and active:
                self._vitals.add(at - STEP, code, active, crashed, crashed + hits(stream, crashed, 0.4))
            if store in self.exported and active:
                dimensions = (("Platform", store), ("VersionCode", str(code)))
                self._late.append(
                    (at, MetricName(NAMESPACE, CRASHED, dimensions), MinuteSamples.share(crashed, active))
                )

    def _export(self, at: datetime) -> None:
        """What was reported long enough ago gets into the export, at the time when it happened."""
        due = [each for each in self._late if each[0] + EXPORT_LATE <= at]
        self._late = self._late[len(due) :]
        for ended, name, samples in due:
            self._metrics.record(name, epoch(ended) - MINUTE, samples)


_HOURS = STEP / timedelta(hours=1)


def _within(average: timedelta) -> float:
    """The chance that something which takes so long on average happens within a step."""
    return 1 - math.exp(-STEP / average)
