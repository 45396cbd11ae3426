"""A step as data: what to look at, what to expect, what to do, how it is undone.

`loop.carry` carries it out. A plan is a tuple of steps, in the order in which they are done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import SimpleNamespace
from typing import Any, Generic, get_type_hints

from pydantic import TypeAdapter
from typing_extensions import TypeVar

from drcore.calls.gate import Waiver
from drcore.engine.consent import Consent
from drcore.engine.context import F, Run
from drcore.engine.outcome import EVERYWHERE, Check, StepName, StepResult, Target
from drcore.parameters import Model
from drcore.record.events import slug
from drcore.record.evidence import Exhibit

S = TypeVar("S", default=Any)  # the state of a step: a frozen dataclass


class Way(StrEnum):
    """Whether there is a way back from a step."""

    REVERSIBLE = "reversible"
    COMPENSABLE = "compensable"
    NO_RETURN = "past the point of no return"
    LOOKS = "looks only"


def regions(run: Run[Any]) -> list[Target]:
    """A target for each region of the environment."""
    return [Target(region) for region in run.service.regions]


def minutes(name: str) -> Callable[[Run[Any]], float]:
    """A fact that is given in minutes, as the seconds that a step waits or holds."""
    return lambda run: 60 * float(getattr(run.facts, name))


@dataclass(frozen=True)
class Step(Generic[F, S]):
    """One step of a plan.

    - `look(run, target)` reads the state; its return annotation is the state's type, a frozen dataclass. Fields with
      `compare=False` (revision ids, times) do not count when an undo is verified.
    - `expect(run, target, state)` is the check. It reads nothing.
    - `act(run, target, state)` does one thing, at most one write. None: the step only looks, or a person does it.
    - `undo(run, target, before)` brings `before` back. None: there is no way back, or nothing to bring back.
    - `no_return(run)`: why there is no way back any more since this step was done; empty: there still is. Where there
      is none, nothing of the run is undone: half of it would be worse than all or nothing.
    - `gate`: a step that is not a gate asks a question; the answer no is SKIPPED, and the plan goes on.
    - `one_is_enough`: a step that only looks waits until one target is as expected, not all of them.
    - `within`, `every`, `hold`: seconds (or read from the run): how long to wait for `expect`, how often to look,
      how long it must last.
    - `repeat`: the act does one bounded batch, and is done again until `expect` holds.
    - `shows(run, states)`: the tables and charts that an engineer would ask for.
    - `moment`: the name of a moment in the incident that this step settles (detected, decided, healthy), read by `at`.
    - `lost(run, result)`: the seconds of data that may be lost, where this step measures it: the run's RPO.
    - `waiver`: why this step may call the region that has failed, or a control plane that stands in us-east-1 only.
    - `back_out(run, target, state)`: one write that makes it safe again when `expect` did not come to hold after the
      act. It needs no consent of its own, and the step has failed all the same.
    - `permissions`: the IAM actions that the act needs.
    """

    name: StepName | None = None
    _: KW_ONLY
    title: str = ""
    plan: str = ""
    changes: str
    look: Callable[[Run[F], Target], S]
    expect: Callable[[Run[F], Target, S], Check]
    act: Callable[[Run[F], Target, S], object] | None = None
    undo: Callable[[Run[F], Target, S], object] | None = None
    no_return: Callable[[Run[F]], str] | None = None
    targets: Callable[[Run[F]], Iterable[Target]] = lambda run: EVERYWHERE
    needs: tuple[StepName | str, ...] = ()
    consent: Consent = Consent.NONE
    phrase: Callable[[Run[F], Mapping[Target, S]], str] | None = None
    way: Way = Way.LOOKS
    gate: bool = True
    one_is_enough: bool = False
    within: float | Callable[[Run[F]], float] = 60
    every: float = 10
    hold: float | Callable[[Run[F]], float] = 0
    repeat: bool = False
    shows: Callable[[Run[F], Mapping[Target, S]], Iterable[Exhibit]] | None = None
    moment: str = ""
    at: Callable[[StepResult], datetime | None] = lambda result: result.since
    lost: Callable[[Run[F], StepResult], float | None] | None = None
    waiver: Waiver | None = None
    back_out: Callable[[Run[F], Target, S], object] | None = None
    permissions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        name = self.name or StepName(slug(self.title), self.title, self.plan)
        for field, value in (("name", name), ("title", name.title), ("plan", name.plan)):
            object.__setattr__(self, field, value)

    @property
    def named(self) -> StepName:
        """Which step this is."""
        assert self.name
        return self.name

    @property
    def key(self) -> str:
        """A name for files and JSON, which does not change with the title."""
        return self.named.key

    def to_json(self, state: S | None) -> Any:
        """A state as plain data for the journal."""
        return None if state is None else _adapter(self.look).dump_python(state, mode="json")

    def from_json(self, data: object) -> S:
        """A state back from the journal: how an undo finds what was there before, after any restart."""
        state: S = _adapter(self.look).validate_python(data)
        return state

    @property
    def fingerprint(self) -> str:
        """What must be the same for a run to go on: the key, and the shape of the state as the journal keeps it."""
        shape = json.dumps(_without_words(_adapter(self.look).json_schema(mode="serialization")), sort_keys=True)
        return hashlib.sha256(f"{self.key} {shape}".encode()).hexdigest()[:16]

    def seconds(self, run: Run[F], name: str) -> float:
        """`within` or `hold` for this run."""
        value: float | Callable[[Run[F]], float] = getattr(self, name)
        return value(run) if callable(value) else value


@dataclass(frozen=True, kw_only=True)
class Plan(Generic[F]):
    """One plan: when to use it, its steps in order, the facts that it needs.

    `facts` is the model of `<plan>.yaml`; `incident` the model of what only the incident knows (the notebook's
    parameters cell). `goal` is the step that says that users are well again. `rto` and `rpo` give the targets in
    seconds, None where the plan has none. `faults` are what it is drilled against, each with the options that such a
    drill takes (`NAME[:key=value,…]`); a drill that names none takes the first. `must_exist` gives the plan's own
    findings for the preflight, each with whether it stops the run where it is not so (left out: it does).
    """

    id: str
    title: str
    notebook: str
    steps: tuple[Step[F, Any], ...]
    goal: Step[F, Any]
    facts: type[Model]
    incident: type[Model]
    faults: tuple[str, ...]
    rto: Callable[[Run[F]], float | None]
    rpo: Callable[[Run[F]], float | None] = lambda run: None
    must_exist: Callable[[Run[F]], Iterable[tuple[str, Check] | tuple[str, Check, bool]]] = lambda run: ()

    @property
    def permissions(self) -> tuple[str, ...]:
        """The IAM actions that the acts of all steps need, sorted."""
        return tuple(sorted({action for step in self.steps for action in step.permissions}))

    def fingerprints(self) -> dict[str, str]:
        """Which plan this is to a run that was begun with it: its steps in order, by key."""
        return {step.key: step.fingerprint for step in self.steps}

    def step(self, key: str) -> Step[F, Any]:
        """A step by its key. Raises KeyError."""
        return {step.key: step for step in self.steps}[key]


@cache
def _adapter(look: Callable[..., Any]) -> TypeAdapter[Any]:
    # Only what is returned counts: the other annotations may be known to type checkers alone.
    returned = SimpleNamespace(__annotations__={"return": look.__annotations__["return"]})
    return TypeAdapter(get_type_hints(returned, globalns=look.__globals__)["return"])


def _without_words(schema: object) -> object:
    """A JSON schema without what may change freely: titles, descriptions."""
    if isinstance(schema, dict):
        kept = {
            name: value
            for name, value in schema.items()
            if name not in ("title", "description") or isinstance(value, dict)
        }
        return {name: _without_words(value) for name, value in kept.items()}
    return [_without_words(each) for each in schema] if isinstance(schema, list) else schema
