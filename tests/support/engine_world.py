"""A tiny world for tests of the core: things in two regions, a run over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session

from drcore.calls.gate import Call
from drcore.engine.context import Run
from drcore.engine.outcome import Check, Outcome, StepName, StepResult, Target, no, yes
from drcore.engine.step import Patience, Plan, Step
from drcore.errors import DrcoreError
from drcore.parameters import WORLD, Mode, Model, Service, at_world, read
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.moto.startup import LOADER
from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY
from tests.support.manual_clock import ManualClock

SANDBOX = Path(__file__).parents[2] / "parameters" / "sandbox" / "service.yaml"
REGIONS = ("us-east-1", "us-west-2")
EAST, WEST = map(Target, REGIONS)
Opened = Callable[..., Runbook]  # opens a run of one step over the two regions


def service(**changes: object) -> Service:
    """The sandbox's service with its world nowhere, and some fields changed."""
    known = at_world(read(SANDBOX, Service), ENDPOINT)
    assert WORLD not in known.model_dump_json()
    return known.model_copy(update={"role": None} | changes)


class Nothing(Model):
    """A plan that needs no facts, or an incident that nobody knows anything of."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of one thing."""

    value: str


@dataclass
class Things:
    """What the steps of a test work on: a value in each region, that can misbehave as AWS does.

    `troubles` are raised by the next acts, each after the change when `lost`, before it otherwise; `answers` are given
    (or raised) by the next looks, before the truth is; `late` looks see the old value after a change. `away`: by
    region, what its next looks raise.
    """

    values: dict[str, str] = field(default_factory=lambda: dict.fromkeys(REGIONS, "bad"))
    troubles: list[DrcoreError] = field(default_factory=list)
    lost: bool = False
    answers: list[str | DrcoreError] = field(default_factory=list)
    late: int = 0
    away: dict[str, list[DrcoreError]] = field(default_factory=dict)
    acts: list[tuple[str, str]] = field(default_factory=list)
    before_act: Callable[[Run[Any]], object] = lambda run: None

    def look(self, run: Run[Any], target: Target) -> Seen:
        if self.away.get(target.region):
            raise self.away[target.region].pop(0)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, DrcoreError):
                raise answer
            return Seen(answer)
        return Seen(self.values[target.region])

    def write(self, run: Run[Any], target: Target, value: str) -> None:
        """Change a value by way of the gate, as a call to AWS would."""
        call = Call("tiny", "Write", target.region, True, parameters={"value": value})
        run.calls.admit(call)
        self.before_act(run)
        self.acts.append((target.region, value))
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is None or self.lost:
            self.answers = [self.values[target.region]] * self.late
            self.values[target.region] = value
        run.calls.note(call, type(trouble).__name__ if trouble else "OK")
        if trouble:
            raise trouble


def is_good(run: Run[Any], target: Target, seen: Seen) -> Check:
    return yes("it is good") if seen.value == "good" else no(f"it is {seen.value}")


def mend(
    things: Things, title: str = "Mend", *, within: float = 30, hold: float = 0, **changes: Any
) -> Step[Nothing, Seen]:
    """A step that makes every value good, and can bring back what was there."""
    fields: dict[str, Any] = {
        "name": StepName(title.lower(), title, "T.1"),
        "changes": "every value becomes good",
        "look": things.look,
        "expect": is_good,
        "act": lambda run, target, seen: things.write(run, target, "good"),
        "undo": lambda run, target, before: things.write(run, target, before.value),
        "targets": lambda run: [Target(region) for region in REGIONS],
        "patience": Patience(within=within, every=5, hold=hold),
    }
    return Step(**(fields | changes))


def plan_of(*steps: Step[Any, Any], goal: Step[Any, Any] | None = None, id_: str = "t") -> Plan[Any]:
    return Plan(
        id=id_,
        title="Tiny",
        notebook="none.ipynb",
        steps=steps,
        goal=goal or steps[-1],
        facts=Nothing,
        incident=Nothing,
        faults=(),
        rto=lambda run: None,
    )


def open_run(
    folder: Path,
    plan: Plan[Any],
    *,
    mode: Mode = Mode.REHEARSE,
    door: InProcess | None = None,
    keyboard: Callable[[str], str | None] = lambda prompt: None,
    clock: ManualClock | None = None,
    **changes: object,
) -> Runbook:
    """Open a run, the first time or again. With a door its calls to AWS are answered; it is not preflighted."""
    folder.mkdir(exist_ok=True, parents=True)
    if not (folder / "parameters.json").exists():
        RunParameters(folder.name, plan.id, mode, service(clock=None, **changes), {}, {}).write(folder)
    run = Runbook(plan, RunParameters.read(folder), folder, keyboard=keyboard, clock=clock or ManualClock())
    if door:
        core = botocore.session.Session()
        core.register_component("data_loader", LOADER)  # reads the models of the services once, not once a run
        run.run.aws.session = door.attach(boto3.Session(ADMINISTRATOR_KEY, "-", botocore_session=core))
    return run


def outcomes(result: StepResult) -> list[Outcome]:
    return [each.outcome for each in result.targets]


def events(run: Runbook, *kinds: str) -> list[tuple[str, str]]:
    """The journal's lines of some kinds about the steps of a test, with their targets."""
    return [
        (line["event"], line.get("target", "").removeprefix("in "))
        for line in run.record.events
        if line["event"] in kinds and line.get("step") not in ("Take the lock", "Give the lock back")
    ]
