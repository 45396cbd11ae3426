"""What the archive's lists need to know of a run, kept beside its page so that it is not read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from drcore.archive.reader import ReadRun, Worth, went_well
from drcore.engine.outcome import GOOD
from drcore.engine.verdict import Word
from drcore.parameters import Mode, Model


class Exercise(StrEnum):
    """The type of an exercise (HSEEP, NIST SP 800-84), and what is none."""

    WALK_THROUGH = "walk-through"  # a rehearsal: everything is read, nothing is done
    FUNCTIONAL = "functional"  # a drill in an emulated world
    FULL_SCALE = "full-scale"  # a drill on real resources
    INCIDENT = "incident"  # no exercise
    UNKNOWN = "not known"

    @staticmethod
    def of(mode: str, *, emulated: bool) -> Exercise:
        """The type of a run in this mode, in an emulated world or on real resources."""
        if mode == Mode.DRILL:
            return Exercise.FUNCTIONAL if emulated else Exercise.FULL_SCALE
        return {str(Mode.REHEARSE): Exercise.WALK_THROUGH, str(Mode.EXECUTE): Exercise.INCIDENT}.get(
            mode, Exercise.UNKNOWN
        )


class StepSummary(Model):
    """How a step went; `seconds` is None where it did not come to a good end, so that it says nothing of its time."""

    key: str
    title: str
    outcome: str
    seconds: float | None = None


class RunSummary(Model):
    """One run in a list. What its record does not say is empty or None.

    `slug` names its page. `since_last` is what the archive was told of it: its files as they were when it was read.
    """

    slug: str
    run_id: str
    source: str
    worth: Worth
    problems: tuple[str, ...]
    lines: int
    head: str
    read_at: datetime
    signature: str
    plan: str
    mode: str
    environment: str
    exercise: Exercise
    production: bool
    fault: str
    begun: datetime | None
    people: tuple[str, ...]
    word: str
    why: str
    exit: int | None
    rto_s: float | None = None
    rto_target_s: float | None = None
    rpo_s: float | None = None
    rpo_target_s: float | None = None
    steps: tuple[StepSummary, ...] = ()
    planned: dict[str, str] = Field(default_factory=dict)
    policy: str = ""
    lock: str = ""
    revision: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether it went as well as it can, by a record that proves it."""
        return went_well(self.worth, self.word)

    @property
    def recovered(self) -> bool:
        """Whether users were well at its end by a record that holds, so that its times can be compared."""
        return self.good or (self.worth is Worth.HOLDS and self.word == Word.TARGET_MISSED)

    @property
    def kind(self) -> tuple[str, str, str, str]:
        """What makes two runs comparable: plan, environment, mode, fault."""
        return self.plan, self.environment, self.mode, self.fault


def summary_of(run: ReadRun, *, slug: str, source: str, signature: str, now: datetime) -> RunSummary:
    """A run that was read `now`, as a list shows it."""
    service = _mapping(run.parameters.get("service"))
    fault = _mapping(run.parameters.get("fault"))
    rto, rpo = (run.verdict.rto, run.verdict.rpo) if run.verdict else (None, None)
    return RunSummary(
        slug=slug,
        run_id=run.run_id,
        source=source,
        worth=run.worth,
        problems=run.problems,
        lines=run.proof.lines if run.proof else 0,
        head=run.proof.head if run.proof else "",
        read_at=now,
        signature=signature,
        plan=run.plan,
        mode=run.mode,
        environment=run.environment,
        exercise=Exercise.of(run.mode, emulated=bool(service.get("endpoint"))),
        production=run.production,
        fault=str(fault.get("name", "")),
        begun=run.begun,
        people=run.people,
        word=run.word,
        why=run.why,
        exit=run.exit,
        rto_s=rto.measured if rto else None,
        rto_target_s=rto.target if rto else None,
        rpo_s=rpo.measured if rpo else None,
        rpo_target_s=rpo.target if rpo else None,
        steps=tuple(
            StepSummary(
                key=step.key,
                title=step.name.title,
                outcome=step.outcome or "not ended",
                seconds=step.seconds.total if step.outcome in GOOD else None,
            )
            for step in run.steps
        ),
        planned=dict(run.planned),
        policy=run.policy,
        lock=str(run.host.get("lock", "")),
        revision=str(run.host.get("revision", "")),
        packages={str(name): str(version) for name, version in _mapping(run.host.get("packages")).items()},
        remarks=run.verdict.remarks if run.verdict else (),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
