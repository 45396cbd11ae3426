"""AppConfig's applications with their deployments; what is served is a function of time."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig import flags

BEGINS = timedelta(seconds=3)
"""From StartDeployment until the first host may get the new version."""
REVERTIBLE = timedelta(hours=72)
"""So long a completed deployment can be reverted."""
UNDER_WAY = ("DEPLOYING", "BAKING", "ROLLING_BACK")


@dataclass(frozen=True, slots=True)
class Strategy:
    """How fast a version is given out: `minutes` in steps of `growth` percent, then watched for `bake` minutes."""

    id: str
    name: str
    minutes: int
    growth: float
    growth_type: str
    bake: int


def _predefined(name: str, minutes: int, growth: float, growth_type: str, bake: int) -> Strategy:
    return Strategy(f"AppConfig.{name}", f"AppConfig.{name}", minutes, growth, growth_type, bake)


PREDEFINED = (
    _predefined("AllAtOnce", 0, 100.0, "LINEAR", 10),
    _predefined("Linear50PercentEvery30Seconds", 1, 50.0, "LINEAR", 1),
    _predefined("Canary10Percent20Minutes", 20, 10.0, "EXPONENTIAL", 10),
    _predefined("Linear20PercentEvery6Minutes", 30, 20.0, "LINEAR", 30),
)


@dataclass(frozen=True, slots=True)
class ConfigVersion:
    """One hosted configuration version."""

    number: int
    content: bytes
    content_type: str
    description: str = ""
    label: str = ""


@dataclass(slots=True)
class ConfigProfile:
    """One configuration profile with its hosted versions, oldest first."""

    id: str
    name: str
    kind: str = "AWS.Freeform"
    versions: list[ConfigVersion] = field(default_factory=list)

    def version(self, number: int) -> ConfigVersion:
        """A version by its number. Raises AwsError."""
        for version in self.versions:
            if version.number == number:
                return version
        raise missing(f"Version {number} of the configuration profile {self.id} could not be found")

    def given_out(self, version: ConfigVersion) -> bytes:
        """What consumers get of a version: of flags only the values."""
        if self.kind != flags.KIND:
            return version.content
        return json.dumps(flags.consumed(version.content), sort_keys=True).encode()


@dataclass(slots=True)
class ConfigDeployment:
    """One deployment of a profile's version to an environment."""

    number: int
    profile: ConfigProfile
    version: ConfigVersion
    strategy: Strategy
    started: datetime
    description: str = ""
    stopped: datetime | None = None
    """When it was told to go back."""
    reverted: bool = False
    stopped_by: str = ""
    """The ARN of the alarm that did it, if one did."""
    kind: str = "USER"
    """MANAGED for one that AppConfig makes itself, for an experiment."""

    @property
    def full(self) -> datetime:
        """When everybody may get it."""
        return self.started + BEGINS + timedelta(minutes=self.strategy.minutes)

    @property
    def complete(self) -> datetime:
        """When it is over, if nobody stops it."""
        return self.full + timedelta(minutes=self.strategy.bake)

    def state(self, at: datetime) -> str:
        """As the API shows it."""
        if self.stopped is not None and at >= self.stopped:
            if self.reverted:
                return "REVERTED"
            return "ROLLED_BACK" if at >= self.stopped + BEGINS else "ROLLING_BACK"
        if at >= self.complete:
            return "COMPLETE"
        return "BAKING" if at >= self.full else "DEPLOYING"

    def percentage(self, at: datetime) -> float:
        """Of the hosts that get it at that moment."""
        if self.stopped is not None and at >= self.stopped:
            return 0.0
        if at >= self.full:
            return 100.0
        done = (at - self.started - BEGINS) / timedelta(minutes=self.strategy.minutes or 1)
        if done < 0:
            return 0.0
        if self.strategy.growth_type == "EXPONENTIAL":
            return min(100.0, self.strategy.growth * 2.0 ** int(done * 100 / self.strategy.growth))
        return min(100.0, self.strategy.growth * (int(done * 100 / self.strategy.growth) + 1))


@dataclass(slots=True)
class Environment:
    """One environment with its deployments, oldest first."""

    id: str
    name: str
    deployments: list[ConfigDeployment] = field(default_factory=list)
    monitors: list[Mapping[str, Any]] = field(default_factory=list)
    """Alarms, as the API's shapes, that roll a deployment back."""

    def under_way(self, at: datetime) -> ConfigDeployment | None:
        """The deployment that is not over; there is one at most."""
        return next((each for each in self.deployments if each.state(at) in UNDER_WAY), None)

    def state(self, at: datetime) -> str:
        """As the API shows it."""
        known = self.under_way(at)
        if known is not None:
            return "ROLLING_BACK" if known.state(at) == "ROLLING_BACK" else "DEPLOYING"
        return "READY_FOR_DEPLOYMENT"

    def served(self, profile: ConfigProfile, at: datetime, draw: float = 100.0) -> ConfigVersion | None:
        """The version that a host gets whose place in line is `draw` (0 to 100); 100 is the last one."""
        for deployment in reversed(self.deployments):
            share = deployment.percentage(at)
            if deployment.profile is profile and share > 0 and (share >= 100.0 or draw < share):
                return deployment.version
        return None


@dataclass(slots=True)
class ConfigApplication:
    """One application."""

    id: str
    name: str
    description: str = ""
    environments: dict[str, Environment] = field(default_factory=dict)
    profiles: dict[str, ConfigProfile] = field(default_factory=dict)


class AppConfig:
    """The applications of both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.applications: dict[str, dict[str, ConfigApplication]] = {region: {} for region in world.regions}
        self.strategies: dict[str, dict[str, Strategy]] = {
            region: {each.id: each for each in PREDEFINED} for region in world.regions
        }
        self._counts: Counter[str] = Counter()
        world.add_to_dump("appconfig", self._state)

    def current(self, region: str, application: str, environment: str, profile: str) -> dict[str, Any]:
        """What every reader gets now, as JSON; names or ids. Empty if nothing was deployed. Raises AwsError."""
        home = self.application(region, application)
        place, kind = self.environment(home, environment), self.profile(home, profile)
        served = place.served(kind, self._world.clock.now())
        values: dict[str, Any] = json.loads(kind.given_out(served)) if served else {}
        return values

    def consumed_flags(
        self, place: Environment, profile: ConfigProfile, at: datetime, draw: float = 100.0
    ) -> dict[str, dict[str, Any]]:
        """The flags that a consumer had at that moment whose place in line is `draw`."""
        served = place.served(profile, at, draw)
        return flags.consumed(served.content) if served and profile.kind == flags.KIND else {}

    def create_application(self, region: str, name: str, description: str = "") -> ConfigApplication:
        """A new application."""
        made = ConfigApplication(self._id(region), name, description)
        self.applications[region][made.id] = made
        return made

    def create_environment(self, region: str, home: ConfigApplication, name: str) -> Environment:
        """A new environment of an application."""
        made = Environment(self._id(region), name)
        home.environments[made.id] = made
        return made

    def create_profile(
        self, region: str, home: ConfigApplication, name: str, kind: str = "AWS.Freeform"
    ) -> ConfigProfile:
        """A new configuration profile that is hosted by AppConfig."""
        made = ConfigProfile(self._id(region), name, kind)
        home.profiles[made.id] = made
        return made

    def create_strategy(
        self, region: str, name: str, minutes: int, growth: float, growth_type: str, bake: int
    ) -> Strategy:
        """A new deployment strategy."""
        made = Strategy(self._id(region), name, minutes, growth, growth_type, bake)
        self.strategies[region][made.id] = made
        return made

    def host(
        self,
        profile: ConfigProfile,
        content: bytes,
        content_type: str = "application/json",
        *,
        latest: int | None = None,
        description: str = "",
        label: str = "",
    ) -> ConfigVersion:
        """A new version. Raises AwsError if `latest` is given, without being the newest number."""
        newest = profile.versions[-1].number if profile.versions else 0
        if latest not in (None, newest):
            raise AwsError("ConflictException", f"The latest version is {newest}, not {latest}", 409)
        if profile.kind == "AWS.Freeform" and content_type == "application/json":
            try:
                json.loads(content)
            except ValueError as error:
                raise refused("The content is not JSON") from error
        if profile.kind == flags.KIND:
            before = profile.versions[-1].content if profile.versions else None
            content = flags.hosted(content, before, self._world.clock.now())
        profile.versions.append(ConfigVersion(newest + 1, content, content_type, description, label))
        return profile.versions[-1]

    def deploy(
        self,
        home: Environment,
        profile: ConfigProfile,
        version: ConfigVersion,
        strategy: Strategy,
        description: str = "",
    ) -> ConfigDeployment:
        """Begin to give a version out. Raises AwsError while the environment deploys already."""
        now = self._world.clock.now()
        if home.under_way(now) is not None:
            message = f"Deployment cannot be started: another deployment of the environment {home.id} is in progress"
            raise AwsError("ConflictException", message, 409)
        made = ConfigDeployment(len(home.deployments) + 1, profile, version, strategy, now, description)
        home.deployments.append(made)
        return made

    def stop(self, home: Environment, number: int, *, revert: bool = False) -> ConfigDeployment:
        """Go back to what was served before; of one that bakes or is complete only with `revert`. Raises AwsError."""
        known, now = self.deployment(home, number), self._world.clock.now()
        state = known.state(now)
        if state == "DEPLOYING" or (state == "BAKING" and revert):
            known.stopped = now
        elif state == "COMPLETE" and revert and known is home.deployments[-1] and now < known.complete + REVERTIBLE:
            known.stopped, known.reverted = now, True
        else:
            raise refused(f"Cannot stop a deployment in the state {state}")
        return known

    def application(self, region: str, name: str) -> ConfigApplication:
        """An application by id or name. Raises AwsError."""
        return _find(self.applications.get(region, {}), name, "Application")

    def environment(self, home: ConfigApplication, name: str) -> Environment:
        """An environment by id or name. Raises AwsError."""
        return _find(home.environments, name, "Environment")

    def profile(self, home: ConfigApplication, name: str) -> ConfigProfile:
        """A configuration profile by id or name. Raises AwsError."""
        return _find(home.profiles, name, "ConfigurationProfile")

    def strategy(self, region: str, name: str) -> Strategy:
        """A strategy by id or name. Raises AwsError."""
        return _find(self.strategies[region], name, "DeploymentStrategy")

    def deployment(self, home: Environment, number: int) -> ConfigDeployment:
        """A deployment by its number. Raises AwsError."""
        if not 0 < number <= len(home.deployments):
            raise missing(f"Deployment {number} could not be found")
        return home.deployments[number - 1]

    def _id(self, region: str) -> str:
        """Seven letters or digits, the first one a letter."""
        self._counts[region] += 1
        stream = self._world.rng("appconfig id", region, self._counts[region])
        return stream.choice(_LETTERS) + "".join(stream.choices(_LETTERS + "0123456789", k=6))

    def _state(self) -> dict[str, Any]:
        return {
            region: {
                home.name: {
                    "profiles": {p.name: [v.content.decode(errors="replace") for v in p.versions] for p in _of(home)},
                    "deployments": {
                        e.name: [
                            [d.number, d.profile.name, d.version.number, d.stopped is not None] for d in e.deployments
                        ]
                        for e in home.environments.values()
                    },
                }
                for home in applications.values()
            }
            for region, applications in self.applications.items()
        }


Named = TypeVar("Named", ConfigApplication, Environment, ConfigProfile, Strategy)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _of(home: ConfigApplication) -> list[ConfigProfile]:
    return list(home.profiles.values())


def _find(known: Mapping[str, Named], name: str, kind: str) -> Named:
    for entry in known.values():
        if name in (entry.id, entry.name):
            return entry
    raise missing(f"{kind} {name} could not be found")


def missing(message: str) -> AwsError:
    """Something that AppConfig does not know."""
    return AwsError("ResourceNotFoundException", message, 404)


def refused(message: str) -> AwsError:
    """A request that AppConfig does not accept."""
    return AwsError("BadRequestException", message, 400)
