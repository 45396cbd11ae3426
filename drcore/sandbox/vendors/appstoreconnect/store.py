"""What App Store Connect holds of SyncWell's app: versions, builds, phased releases, submissions, territories.

Simplified: one app, one platform; a review takes its time and is passed, unless a fault says otherwise; a version that
is approved is on the store at once (or when a person, or the API, releases it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.vendors.appstoreconnect.access import KEY_ID, SERVICE

APP, BUNDLE_ID, NAME = "6448311069", "com.syncwell.app", "SyncWell"
WAITING, REVIEW = timedelta(hours=3), timedelta(hours=2)
DAY = timedelta(days=1)
PERCENT = (1, 2, 5, 10, 20, 50, 100)
"""Of the devices that update by themselves, by the day of a phased release."""
LONGEST_PAUSE = timedelta(days=30)
PROCESSING = timedelta(minutes=15)
"""How long it takes until the store follows a change of a territory."""
TERRITORIES = (
    *("AUS", "AUT", "BEL", "BRA", "CAN", "CHE", "DEU", "DNK", "ESP", "FIN", "FRA", "GBR", "IND", "IRL"),
    *("ITA", "JPN", "KOR", "MEX", "NLD", "NOR", "NZL", "POL", "PRT", "SGP", "SWE", "TUR", "USA", "ZAF"),
)

PREPARE, WAIT, IN_REVIEW = "PREPARE_FOR_SUBMISSION", "WAITING_FOR_REVIEW", "IN_REVIEW"
PENDING, LIVE, REPLACED, REJECTED = (
    "PENDING_DEVELOPER_RELEASE",
    "READY_FOR_DISTRIBUTION",
    "REPLACED_WITH_NEW_VERSION",
    "REJECTED",
)
READY = "READY_FOR_REVIEW"
OPEN = frozenset({PREPARE, READY, WAIT, IN_REVIEW, PENDING, REJECTED, "DEVELOPER_REJECTED"})
"""While a version is in one of these there is no place for another one."""


@dataclass(slots=True)
class IosPhase:
    """A phased release: how far it is follows from when it began, less the time that it was paused."""

    id: str
    state: str = "INACTIVE"
    started: datetime | None = None
    paused_at: datetime | None = None
    paused: timedelta = timedelta()

    def settle(self, now: datetime) -> None:
        """Go on after thirty days of pause, end after seven days."""
        if self.state == "PAUSED" and self.paused_at is not None and self.pause(now) >= LONGEST_PAUSE:
            self.paused, self.paused_at, self.state = LONGEST_PAUSE, None, "ACTIVE"
        if self.state == "ACTIVE" and self.gone(now) >= len(PERCENT) * DAY:
            self.state = "COMPLETE"

    def pause(self, now: datetime) -> timedelta:
        """How long it has been paused, all in all."""
        return self.paused + (now - self.paused_at if self.paused_at is not None else timedelta())

    def gone(self, now: datetime) -> timedelta:
        """How long it has been going on, without its pauses."""
        return now - self.started - self.pause(now) if self.started is not None else timedelta()

    def day(self, now: datetime) -> int:
        """The number of its day, from 1 on; 0 before it began."""
        return min(len(PERCENT), self.gone(now) // DAY + 1) if self.started is not None else 0


@dataclass(slots=True)
class IosVersion:
    """A version of the app."""

    id: str
    name: str
    created: datetime
    state: str = PREPARE
    build: str = ""
    release_type: str = "AFTER_APPROVAL"
    phase: IosPhase | None = None


@dataclass(slots=True)
class IosBuild:
    """A build that was uploaded."""

    id: str
    number: str
    version: str
    uploaded: datetime


@dataclass(slots=True)
class IosSubmission:
    """A submission for review: of a version, by an actor."""

    id: str
    state: str = READY
    items: dict[str, str] = field(default_factory=dict)
    submitted: datetime | None = None
    actor: str = ""


@dataclass(slots=True)
class IosTerritory:
    """Whether the app is to be had in a territory; since when that is being changed."""

    code: str
    available: bool = True
    changed: datetime | None = None


@dataclass(slots=True)
class IosActor:
    """Who did something: USER, API_KEY, XCODE_CLOUD, APPLE."""

    id: str
    kind: str


Listener = Callable[[IosVersion, str, str], None]


class AppStore:
    """The app in the store."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.versions: list[IosVersion] = []
        self.builds: list[IosBuild] = []
        self.submissions: list[IosSubmission] = []
        self.territories = {code: IosTerritory(code) for code in TERRITORIES}
        self.actors = {actor.id: actor for actor in (IosActor(f"key-{KEY_ID}", "API_KEY"), IosActor("user-1", "USER"))}
        self.waiting, self.review = WAITING, REVIEW
        self.rejects = False
        self.listeners: list[Listener] = []
        world.add_to_dump(SERVICE, self._dump)

    def new_id(self, kind: str) -> str:
        """The form of Apple's ids."""
        number = self.world.count(SERVICE, kind, "")
        text = f"{self.world.rng('app store', kind, number).getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def upload(self, number: str, version: str) -> IosBuild:
        """Put a build into the store, as the pipeline does."""
        self.builds.append(IosBuild(self.new_id("build"), number, version, self.world.clock.now()))
        return self.builds[-1]

    def add_version(self, name: str, *, state: str = PREPARE, build: str = "", phased: bool = False) -> IosVersion:
        """A version; one that is live takes the place of the one before."""
        version = IosVersion(self.new_id("version"), name, self.world.clock.now(), build=build)
        self.versions.insert(0, version)
        if phased:
            version.phase = IosPhase(self.new_id("phase"))
        if state == LIVE:
            self.release(version)
        else:
            version.state = state
        return version

    def release(self, version: IosVersion) -> None:
        """Put a version on the store."""
        now = self.world.clock.now()
        for other in self.versions:
            if other.state == LIVE and other is not version:
                self.turn(other, REPLACED)
        self.turn(version, LIVE)
        if version.phase is not None:
            version.phase.state, version.phase.started = "ACTIVE", now

    def turn(self, version: IosVersion, state: str) -> None:
        """Change a version's state; who listens is told."""
        before, version.state = version.state, state
        if before != state:
            for tell in self.listeners:
                tell(version, before, state)

    def live(self) -> IosVersion | None:
        """The version that is on the store."""
        self.settle()
        return next((each for each in self.versions if each.state == LIVE), None)

    def settle(self) -> None:
        """Let reviews, phased releases, territories be where they are by now."""
        now = self.world.clock.now()
        for submission in self.submissions:
            self._review(submission, now)
        for version in self.versions:
            if version.phase is not None:
                version.phase.settle(now)

    def automatic(self) -> float:
        """The share of the devices that update by themselves which the live version reaches now."""
        version = self.live()
        if version is None:
            return 0.0
        phase, now = version.phase, self.world.clock.now()
        if phase is None or phase.state == "COMPLETE":
            return 1.0
        return PERCENT[phase.day(now) - 1] / 100 if phase.state == "ACTIVE" else 0.0

    def on_sale(self) -> float:
        """The share of the territories in which the app may be downloaded now."""
        now = self.world.clock.now()
        held = [each for each in self.territories.values() if self.sold(each, now)]
        return len(held) / len(self.territories)

    @staticmethod
    def sold(territory: IosTerritory, now: datetime) -> bool:
        """Whether the store sells there by now: it follows a change a while later."""
        following = territory.changed is not None and now < territory.changed + PROCESSING
        return territory.available is not following

    def _review(self, submission: IosSubmission, now: datetime) -> None:
        if submission.submitted is None or submission.state not in (WAIT, IN_REVIEW):
            return
        for version in [each for each in self.versions if each.id in submission.items]:
            if now >= submission.submitted + self.waiting and version.state == WAIT:
                submission.state = IN_REVIEW
                self.turn(version, IN_REVIEW)
            if now >= submission.submitted + self.waiting + self.review and version.state == IN_REVIEW:
                submission.items[version.id] = "REJECTED" if self.rejects else "APPROVED"
                submission.state = "UNRESOLVED_ISSUES" if self.rejects else "COMPLETE"
                if self.rejects:
                    self.turn(version, REJECTED)
                elif version.release_type == "MANUAL":
                    self.turn(version, PENDING)
                else:
                    self.release(version)

    def _dump(self) -> Any:
        self.settle()
        return {
            "versions": [
                {"name": each.name, "state": each.state, "phase": each.phase and each.phase.state}
                for each in self.versions
            ],
            "builds": [each.number for each in self.builds],
            "submissions": [
                {"state": each.state, "submitted": each.submitted and iso(each.submitted)} for each in self.submissions
            ],
            "not on sale": [each.code for each in self.territories.values() if not each.available],
        }
