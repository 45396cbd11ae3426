"""A step as data: what to look at, what to expect, what to do, how it is undone.

`loop.carry` carries it out. A plan is a tuple of steps, in the order in which they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import TypeAdapter

from drcore.calls.gate import Call, Waiver
from drcore.engine.consent import Consent, Given
from drcore.parameters import Model
from drcore.record.evidence import Exhibit

if TYPE_CHECKING:
    from drcore.engine.context import Run


class Outcome(StrEnum):
    """How a step ended. The order is from best to worst: a step's outcome is the worst of its targets'."""

    ALREADY = "ALREADY"
    DONE = "DONE"
    SKIPPED = "SKIPPED"
    WOULD = "WOULD"
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"


class Way(StrEnum):
    """Whether there is a way back from a step."""

    REVERSIBLE = "reversible"
    COMPENSABLE = "compensable"
    NO_RETURN = "past the point of no return"
    LOOKS = "looks only"


class Answer(StrEnum):
    """What a check can say. UNKNOWN is never a yes; NEVER means that no act of this step can make it one."""

    YES = "yes"
    NO = "no"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """An answer with its reason, in words for the card."""

    answer: Answer
    why: str


def yes(why: str) -> Check:
    """It is as expected."""
    return Check(Answer.YES, why)


def no(why: str) -> Check:
    """It is not (yet)."""
    return Check(Answer.NO, why)


def never(why: str) -> Check:
    """It is not, and this step must not try: the plan stops here."""
    return Check(Answer.NEVER, why)


def unknown(why: str) -> Check:
    """It cannot be told."""
    return Check(Answer.UNKNOWN, why)


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What one act is about: a region, and a thing in it. Both may be empty where they mean nothing."""

    region: str = ""
    thing: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.thing, f"in {self.region}" if self.region else "") if part) or "all"


EVERYWHERE = (Target(),)


def regions(run: Run) -> list[Target]:
    """A target for each region of the environment."""
    return [Target(region) for region in run.service.regions]


def minutes(name: str) -> Callable[[Run], float]:
    """A fact that is given in minutes, as the seconds that a step waits or holds."""
    return lambda run: 60 * float(getattr(run.facts, name))


State = Any  # each step has its own frozen dataclass: what its `look` returns


@dataclass(frozen=True, kw_only=True)
class Step:
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

    title: str
    plan: str
    changes: str
    look: Callable[[Run, Target], State]
    expect: Callable[[Run, Target, State], Check]
    act: Callable[[Run, Target, State], object] | None = None
    undo: Callable[[Run, Target, State], object] | None = None
    no_return: Callable[[Run], str] | None = None
    targets: Callable[[Run], Iterable[Target]] = lambda run: EVERYWHERE
    needs: tuple[str, ...] = ()
    consent: Consent = Consent.NONE
    phrase: Callable[[Run, Mapping[Target, State]], str] | None = None
    way: Way = Way.LOOKS
    gate: bool = True
    one_is_enough: bool = False
    within: float | Callable[[Run], float] = 60
    every: float = 10
    hold: float | Callable[[Run], float] = 0
    repeat: bool = False
    shows: Callable[[Run, Mapping[Target, State]], Iterable[Exhibit]] | None = None
    moment: str = ""
    at: Callable[[StepResult], datetime | None] = lambda result: result.since
    lost: Callable[[Run, StepResult], float | None] | None = None
    waiver: Waiver | None = None
    back_out: Callable[[Run, Target, State], object] | None = None
    permissions: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """A name for files and JSON: the title in lower case, joined by hyphens."""
        return "-".join("".join(c if c.isalnum() else " " for c in self.title.lower()).split())

    def to_json(self, state: State | None) -> Any:
        """A state as plain data for the journal."""
        return None if state is None else _adapter(self.look).dump_python(state, mode="json")

    def from_json(self, data: object) -> State:
        """A state back from the journal: how an undo finds what was there before, after any restart."""
        return _adapter(self.look).validate_python(data)

    def seconds(self, run: Run, name: str) -> float:
        """`within` or `hold` for this run."""
        value: float | Callable[[Run], float] = getattr(self, name)
        return value(run) if callable(value) else value


@dataclass(frozen=True, slots=True)
class TargetResult:
    """How it went for one target: what was seen before and after, why it counts as that, what was called."""

    target: Target
    outcome: Outcome
    why: str
    before: State | None = None
    after: State | None = None
    since: datetime | None = None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Seconds:
    """Where the time of a step went. Human is waiting for consent, cloud is waiting for AWS, the rest is machine."""

    machine: float = 0
    human: float = 0
    cloud: float = 0

    @property
    def total(self) -> float:
        return self.machine + self.human + self.cloud


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step went: the worst of its targets (the best, where one is enough), all of them shown."""

    step: Step
    targets: tuple[TargetResult, ...]
    began: datetime
    ended: datetime
    seconds: Seconds = Seconds()
    given: Given | None = None
    calls: tuple[Call, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()

    @property
    def outcome(self) -> Outcome:
        outcomes = sorted((result.outcome for result in self.targets), key=list(Outcome).index)
        if not outcomes:
            return Outcome.SKIPPED
        enough = self.step.one_is_enough and outcomes[0] in (Outcome.ALREADY, Outcome.DONE)
        return outcomes[0 if enough else -1]

    @property
    def since(self) -> datetime | None:
        """Since when all targets have been as expected (one, where that is enough); None while it is not so."""
        known = [result.since for result in self.targets if result.since]
        if self.step.one_is_enough:
            return min(known, default=None)
        return max(known) if known and len(known) == len(self.targets) else None

    @property
    def states(self) -> dict[Target, State]:
        """The last state seen of each target that could be seen."""
        seen = {result.target: result.after or result.before for result in self.targets}
        return {target: state for target, state in seen.items() if state is not None}

    @property
    def why(self) -> str:
        """Why the outcome is what it is, in one line."""
        worst = [result for result in self.targets if result.outcome is self.outcome]
        return "; ".join(
            f"{result.target}: {result.why}" if result.target != Target() else result.why for result in worst
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
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
    steps: tuple[Step, ...]
    goal: Step
    facts: type[Model]
    incident: type[Model]
    faults: tuple[str, ...]
    rto: Callable[[Run], float | None]
    rpo: Callable[[Run], float | None] = lambda run: None
    must_exist: Callable[[Run], Iterable[tuple[str, Check] | tuple[str, Check, bool]]] = lambda run: ()

    @property
    def permissions(self) -> tuple[str, ...]:
        """The IAM actions that the acts of all steps need, sorted."""
        return tuple(sorted({action for step in self.steps for action in step.permissions}))

    def step(self, title: str) -> Step:
        """A step by its title. Raises KeyError."""
        return {step.title: step for step in self.steps}[title]


@cache
def _adapter(look: Callable[..., State]) -> TypeAdapter[Any]:
    # `Run` is imported for type checkers only; the annotation that counts is the returned one.
    return TypeAdapter(get_type_hints(look, localns={"Run": object})["return"])
