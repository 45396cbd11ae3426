"""What is due: each plan in each mode that an environment is to be exercised in, by what the records say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.archive.dueness import DueState, due_on, due_state
from drcore.archive.reader import ReadRun, folders, read
from drcore.engine.step import Plan
from drcore.errors import BadInput
from drcore.parameters import Mode, Service
from drcore.record.events import parsed
from drcore.record.files import JOURNAL, PARAMETERS
from drcore.run.changed_since import since
from drcore.run.host import lock

EXERCISED = (Mode.REHEARSE, Mode.DRILL)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One plan in one mode. `last_good` ran as well as it can, and its record proves it; `last_bad` came after it.

    `due` is the day on which it is next to be run; what was never run well is overdue today.
    """

    plan: str
    title: str
    environment: str
    mode: Mode
    every: timedelta
    due: date
    state: DueState
    last_good: ReadRun | None
    last_bad: ReadRun | None
    changed: tuple[str, ...]

    @property
    def is_due(self) -> bool:
        """Whether it is to be run now."""
        return self.state is not DueState.UP_TO_DATE

    @property
    def why(self) -> str:
        """Why it stands so, in one line."""
        bad = self.last_bad
        failed = f"; {bad.run_id} since then: {bad.word or bad.worth}" if bad else ""
        if not self.last_good or not self.last_good.begun:
            return f"never run well{failed}"
        text = f"last run well on {self.last_good.begun:%Y-%m-%d}, every {self.every.days} days{failed}"
        return f"{text}; changed since: {'; '.join(self.changed)}" if self.changed else text

    def as_data(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "plan": self.plan,
            "environment": self.environment,
            "mode": self.mode,
            "every_days": self.every.days,
            "due": self.due.isoformat(),
            "state": self.state,
            "last_good": self.last_good.run_id if self.last_good else None,
            "last_bad": self.last_bad.run_id if self.last_bad else None,
            "changed": list(self.changed),
            "why": self.why,
        }


def scheduled(service: Service, records: Path, now: datetime, only: str = "") -> list[Scheduled]:
    """What is to be run by itself in an environment, the most urgent first; of one plan, where one is named.

    Raises BadInput for a plan that there is not, and where the parameters of a plan cannot be used.
    """
    names = [plans.find(only).id] if only else list(plans.ids())
    if unknown := sorted(set(service.exercises) - set(plans.ids())):
        raise BadInput(f"exercises: expected plans among {', '.join(plans.ids())}, seen {', '.join(unknown)}")
    kept = _newest_first(records)
    exercises = [*_all(service, [plans.find(name) for name in names], kept, now)]
    return sorted(
        exercises,
        key=lambda exercise: (list(DueState).index(exercise.state), exercise.due, exercise.mode, exercise.plan),
    )


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A record as far as it is found by: what was run, and when it was begun. Reading all of it takes longer."""

    folder: Path
    what: tuple[str, str, str]
    begun: str


def _newest_first(records: Path) -> list[KeptRun]:
    """The records of a folder. One that does not say what it is of is evidence of nothing."""
    runs = [kept for folder in (folders(records) if records.is_dir() else []) if (kept := _kept(folder))]
    return sorted(runs, key=lambda run: run.begun, reverse=True)


def _kept(folder: Path) -> KeptRun | None:
    try:
        parameters = json.loads((folder / PARAMETERS).read_bytes())
        with (folder / JOURNAL).open("rb") as journal:
            first = parsed(journal.readline().rstrip(b"\n"))
        what = (parameters["plan"], parameters["mode"], parameters["service"]["environment"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return KeptRun(folder, what, str(first["wall_time"])) if first and first.get("wall_time") else None


def _all(service: Service, chosen: Iterable[Plan[Any]], kept: list[KeptRun], now: datetime) -> Iterator[Scheduled]:
    for plan in chosen:
        for mode in EXERCISED:
            every = service.exercised_every(plan.id, mode)
            # A drill where nothing can be broken from here is refused: it is not due, it cannot be.
            can_be_run = mode in service.modes and (mode is not Mode.DRILL or service.faults is not None)
            if every and can_be_run:
                yield _one(service, plan, mode, every, kept, now)


def _one(
    service: Service, plan: Plan[Any], mode: Mode, every: timedelta, kept: list[KeptRun], now: datetime
) -> Scheduled:
    wanted = (plan.id, str(mode), service.environment)
    good = bad = None
    for kept_run in kept:
        if kept_run.what == wanted:
            run = read(kept_run.folder)
            if run.reached:
                good = run
                break
            bad = bad or run
    changed = _changed(plan, service.environment, good) if good else ()
    begun = good.begun if good else None
    due, state = due_on(begun, every, now), due_state(begun, every, now, changed=bool(changed))
    return Scheduled(plan.id, plan.title, service.environment, mode, every, due, state, good, bad, changed)


def _changed(plan: Plan[Any], environment: str, run: ReadRun) -> tuple[str, ...]:
    then = str(run.host.get("lock", ""))
    changes = since(plan, environment, parameters=run.parameters, planned=run.planned, policy=run.policy, lock=then)
    # Where no lock file is installed beside drcore nothing can be told of it, now or at the next run.
    return tuple(each for each in changes if lock() or not each.startswith("lock file"))
