"""Experiments on a flag: treated entities get the treatment's value, whatever is deployed.

A run's exposure can only grow, and only its end gives users the deployed value back. To start, to widen and to end a
run is a deployment of the type MANAGED each, which takes a number and, for some seconds, the environment. AWS does not
say whether it does: this is the harder reading. Simplified: every entity is in the audience.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.state import (
    PREDEFINED,
    AppConfig,
    ConfigApplication,
    ConfigProfile,
    Environment,
    Strategy,
    missing,
    refused,
)

_MANAGED = Strategy(PREDEFINED[0].id, PREDEFINED[0].name, 0, 100.0, "LINEAR", 0)


@dataclass(slots=True, kw_only=True)
class ExperimentRun:
    """One run of an experiment."""

    number: int
    exposure: float
    overrides: Mapping[str, str]
    started: datetime
    updated: datetime
    description: str = ""
    ended: datetime | None = None
    widened: list[tuple[datetime, float]] = field(default_factory=list)

    def exposed(self, at: datetime) -> float:
        """Percent of the audience at that moment."""
        known = [share for since, share in self.widened if since <= at]
        return known[-1] if known else 0.0

    def runs(self, at: datetime) -> bool:
        return self.started <= at and (self.ended is None or at < self.ended)


@dataclass(slots=True, kw_only=True)
class Experiment:
    """One definition; `given` is what CreateExperimentDefinition got."""

    id: str
    home: ConfigApplication
    place: Environment
    profile: ConfigProfile
    given: Mapping[str, Any]
    created: datetime
    runs: list[ExperimentRun] = field(default_factory=list)

    @property
    def flag(self) -> str:
        return str(self.given["FlagKey"])

    def arms(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Control (`C`) and treatments (`T1` …), each with its shape."""
        treatments = [(f"T{number}", each) for number, each in enumerate(self.given["Treatments"], 1)]
        return [("C", self.given["Control"]), *treatments]

    def running(self, at: datetime) -> ExperimentRun | None:
        """The run that goes on, if one does."""
        return next((run for run in self.runs if run.runs(at)), None)

    def value(self, entity: str, at: datetime) -> dict[str, Any] | None:
        """What an entity gets instead of the deployed value; None where it is not treated."""
        run = self.running(at)
        if run is None:
            return None
        arms = self.arms()
        key = run.overrides.get(entity)
        if key is None:
            if drawn(f"{self.id}/{run.number}/exposure", entity) >= run.exposed(at):
                return None
            key = self._assigned(entity, run, arms)
        flag = dict(arms)[key]["FlagValue"]
        attributes = {name: next(iter(each.values())) for name, each in (flag.get("AttributeValues") or {}).items()}
        return {"enabled": bool(flag.get("Enabled")), **attributes}

    def _assigned(self, entity: str, run: ExperimentRun, arms: list[tuple[str, Mapping[str, Any]]]) -> str:
        total = sum(float(arm["Weight"]) for _, arm in arms) or 1.0
        place = drawn(f"{self.id}/{run.number}/arm", entity) / 100 * total
        for key, arm in arms:
            place -= float(arm["Weight"])
            if place < 0:
                return key
        return arms[-1][0]


class Experiments:
    """The experiments of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._config = world, world.state(AppConfig)
        self.known: dict[str, dict[str, Experiment]] = defaultdict(dict)
        world.add_to_dump("appconfig experiments", self._state)

    def create(self, region: str, given: Mapping[str, Any]) -> Experiment:
        """A new definition, on a flag that there is. Raises AwsError."""
        home = self._config.application(region, given["ApplicationIdentifier"])
        place = self._config.environment(home, given["EnvironmentIdentifier"])
        profile = self._config.profile(home, given["ConfigurationProfileIdentifier"])
        if given["FlagKey"] not in self._config.consumed_flags(place, profile, self._world.clock.now()):
            raise refused(f"The flag {given['FlagKey']} is not deployed")
        name = f"exp{len(self.known[region]) + 1:04}"
        made = Experiment(
            id=name, home=home, place=place, profile=profile, given=dict(given), created=self._world.clock.now()
        )
        self.known[region][name] = made
        return made

    def get(self, region: str, application: str, name: str) -> Experiment:
        """A definition by id or name. Raises AwsError."""
        home = self._config.application(region, application)
        for experiment in self.known[region].values():
            if experiment.home is home and name in (experiment.id, experiment.given["Name"]):
                return experiment
        raise missing(f"ExperimentDefinition {name} could not be found")

    def run(self, experiment: Experiment, number: int) -> ExperimentRun:
        """A run by its number. Raises AwsError."""
        if not 0 < number <= len(experiment.runs):
            raise missing(f"ExperimentRun {number} could not be found")
        return experiment.runs[number - 1]

    def start(
        self, region: str, experiment: Experiment, exposure: float, overrides: Mapping[str, str], description: str
    ) -> ExperimentRun:
        """Begin a run. Raises AwsError (ConflictException) while one is on the flag, or the environment deploys."""
        now = self._world.clock.now()
        for other in self.known[region].values():
            same = other.profile is experiment.profile and other.place is experiment.place
            if same and other.flag == experiment.flag and other.running(now) is not None:
                raise AwsError("ConflictException", f"An experiment runs on the flag {experiment.flag}", 409)
        self._deploy(experiment, f"start of {experiment.id}")
        run = ExperimentRun(
            number=len(experiment.runs) + 1,
            exposure=exposure,
            overrides=dict(overrides),
            started=now,
            updated=now,
            description=description,
            widened=[(now, exposure)],
        )
        experiment.runs.append(run)
        return run

    def widen(self, experiment: Experiment, run: ExperimentRun, exposure: float) -> None:
        """Expose more. Raises AwsError for less, or for a run that is over."""
        now = self._world.clock.now()
        if run.ended is not None:
            raise AwsError("ConflictException", "The experiment run is over", 409)
        if exposure < run.exposure:
            raise refused(f"ExposurePercentage can only be increased: it is {run.exposure:g}")
        self._deploy(experiment, f"exposure of {experiment.id}")
        run.exposure, run.updated = exposure, now
        run.widened.append((now, exposure))

    def stop(self, experiment: Experiment, run: ExperimentRun) -> None:
        """End a run: everybody gets the deployed value. Raises AwsError for one that is over."""
        if run.ended is not None:
            raise AwsError("ConflictException", "The experiment run is over", 409)
        self._deploy(experiment, f"end of {experiment.id}")
        run.ended = run.updated = self._world.clock.now()

    def treated(
        self, region: str, place: Environment, profile: ConfigProfile, entity: str, at: datetime
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The flags whose value an entity gets from an experiment."""
        for experiment in self.known[region].values():
            if experiment.place is place and experiment.profile is profile:
                value = experiment.value(entity, at)
                if value is not None:
                    yield experiment.flag, value

    def _deploy(self, experiment: Experiment, why: str) -> None:
        served = experiment.place.served(experiment.profile, self._world.clock.now())
        if served is not None:
            made = self._config.deploy(experiment.place, experiment.profile, served, _MANAGED, why)
            made.kind = "MANAGED"

    def _state(self) -> dict[str, Any]:
        return {
            region: {
                each.id: [each.flag, [[run.exposure, run.ended is None] for run in each.runs]]
                for each in known.values()
            }
            for region, known in self.known.items()
        }


def drawn(purpose: str, entity: str) -> float:
    """The place of an entity in line, 0 to 100: the same one each time it is asked for."""
    return int.from_bytes(hashlib.sha256(f"{purpose}/{entity}".encode()).digest()[:6]) / 2**48 * 100
