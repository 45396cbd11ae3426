"""Whether each plan is ready: when it was last exercised well, when it is due, what has changed since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.archive.dueness import DueState, due_on, due_state
from drcore.archive.summary import Exercise, RunSummary
from drcore.engine.prepare import HOME
from drcore.errors import BadInput
from drcore.parameters import Mode, Service, read
from drcore.record.files import PARAMETERS
from drcore.run.changed_since import since


@dataclass(frozen=True, slots=True)
class Readiness:
    """One exercise of a plan: a mode in an environment. `every` None: nothing says how often.

    `last_good` ran as well as it can, and its record proves it; `last_bad` came after it and did not.
    """

    plan: str
    title: str
    mode: str
    environment: str
    exercise: Exercise
    every: timedelta | None
    last_good: RunSummary | None
    last_bad: RunSummary | None
    now: datetime
    changed: tuple[str, ...]

    @property
    def state(self) -> DueState | None:
        """How it stands; None where nothing says how often."""
        if self.every is None:
            return None
        return due_state(self._begun, self.every, self.now, changed=bool(self.changed))

    @property
    def overdue(self) -> bool:
        """Whether it should have been done by now; what was never done should have been."""
        return self.state is DueState.OVERDUE

    @property
    def due_words(self) -> str:
        """When it is due, in words that need no colour."""
        if self.every is None:
            return "nothing is scheduled"
        if self._begun is None:
            return "OVERDUE: never done well"
        on = due_on(self._begun, self.every, self.now)
        if self.overdue:
            return f"OVERDUE since {on}, by {_days((self.now.date() - on).days)}"
        return f"{self.state}; by the calendar {on}" if self.state is DueState.CHANGED else f"due {on}"

    @property
    def _begun(self) -> datetime | None:
        return self.last_good.begun if self.last_good else None

    @property
    def age(self) -> str:
        """How long ago the last good one was."""
        return f"{_days((self.now - self._begun).days)} ago" if self._begun else ""

    @property
    def page(self) -> str:
        """Where its plan's trends stand."""
        return f"plans/{self.plan}.html"


def readiness(
    runs: Iterable[RunSummary], now: datetime, records: Mapping[str, Path]
) -> tuple[tuple[Readiness, ...], tuple[str, ...]]:
    """What is ready, the most urgent first, and notes on environments whose parameters cannot be read.

    `records` are the folders in which the parameters of runs are, by slug.
    """
    newest_first = sorted((run for run in runs if run.plan), key=lambda run: str(run.begun or ""), reverse=True)
    services, notes = _services()
    rows = [
        _one(plan, mode, environment, services.get(environment), newest_first, now, records)
        for plan, mode, environment in _exercises(services, newest_first)
    ]
    return tuple(sorted(rows, key=lambda row: (not row.overdue, row.plan, row.mode, row.environment))), notes


def _services() -> tuple[dict[str, Service], tuple[str, ...]]:
    services: dict[str, Service] = {}
    why: dict[str, list[str]] = {}
    for path in sorted((HOME / "parameters").glob("*/service.yaml")):
        try:
            services[path.parent.name] = read(path, Service)
        except BadInput as error:
            first = str(error).splitlines()[0].removeprefix(f"{path}:").partition(": ")[2]
            why.setdefault(first, []).append(path.parent.name)
    parts = (f"What is due in {' and in '.join(names)} is not known: service.yaml, {why}" for why, names in why.items())
    return services, tuple(parts)


def _exercises(services: Mapping[str, Service], runs: Iterable[RunSummary]) -> Iterator[tuple[str, str, str]]:
    """What is to be exercised, then what was, though nothing says so: plan, mode, environment."""
    scheduled = [
        (plan, str(mode), name)
        for plan in plans.ids()
        for name, service in services.items()
        for mode in (Mode.REHEARSE, Mode.DRILL)
        if service.exercised_every(plan, mode) is not None
    ]
    exercises = (Exercise.WALK_THROUGH, Exercise.FUNCTIONAL, Exercise.FULL_SCALE)
    yield from dict.fromkeys(
        [*scheduled, *((run.plan, run.mode, run.environment) for run in runs if run.exercise in exercises)]
    )


def _one(
    plan: str,
    mode: str,
    environment: str,
    service: Service | None,
    newest_first: Iterable[RunSummary],
    now: datetime,
    records: Mapping[str, Path],
) -> Readiness:
    of_it = [run for run in newest_first if (run.plan, run.mode, run.environment) == (plan, mode, environment)]
    good = next((run for run in of_it if run.good), None)
    bad = of_it[0] if of_it and of_it[0] is not good else None
    emulated = bool(service.endpoint) if service else False
    exercise = of_it[0].exercise if of_it else Exercise.of(mode, emulated=emulated)
    return Readiness(
        plan,
        plans.find(plan).title if plan in plans.ids() else "",
        mode,
        environment,
        exercise,
        service.exercised_every(plan, Mode(mode)) if service else None,
        good,
        bad,
        now,
        _changed(good, records) if good else (),
    )


def _changed(run: RunSummary, records: Mapping[str, Path]) -> tuple[str, ...]:
    if run.plan not in plans.ids():
        return ("plan: it is there no more",)
    try:
        parameters: dict[str, Any] = json.loads((records[run.slug] / PARAMETERS).read_bytes())
        return since(
            plans.find(run.plan),
            run.environment,
            parameters=parameters,
            planned=run.planned,
            policy=run.policy,
            lock=run.lock,
        )
    except BadInput as error:
        return (f"not known: {str(error).splitlines()[0]}",)
    except (OSError, ValueError, KeyError):
        return ("not known: the record has no parameters",)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
