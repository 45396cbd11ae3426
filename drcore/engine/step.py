"""A step as data: what to look at, what to expect, what to do, how it is undone.

`loop.run_step` carries it out. A plan is a tuple of steps, in the order in which they are done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import TypeAdapter

from drcore.calls.gate import Waiver
from drcore.engine.by_hand import HandCard
from drcore.engine.consent import Choice, Consent
from drcore.engine.context import F, Run
from drcore.engine.outcome import EVERYWHERE, Between, Check, StepName, StepResult, Target
from drcore.engine.permissions import OF_EVERY_RUN, Permission, Place, RoleElsewhere
from drcore.engine.standing import StandsStill
from drcore.parameters import Model
from drcore.record.evidence import Exhibit

S = TypeVar("S")  # the state of a step: a frozen dataclass


class Reversibility(StrEnum):
    """Whether what a step does can be undone."""

    REVERSIBLE = "reversible"
    COMPENSABLE = "compensable"
    NO_RETURN = "past the point of no return"
    LOOKS = "looks only"


def regions(run: Run[Any]) -> list[Target]:
    """A target for each region of the environment."""
    return [Target(region) for region in run.service.regions]


@dataclass(frozen=True, slots=True)
class Patience(Generic[F]):
    """How long to wait for what is expected (`within`), how often to look, how long it must last (`hold`): seconds.

    `within` and `hold` may be read from the run.
    """

    within: float | Callable[[Run[F]], float] = 60
    every: float = 10
    hold: float | Callable[[Run[F]], float] = 0

    def within_s(self, run: Run[F]) -> float:
        """`within` for this run."""
        return self.within(run) if callable(self.within) else self.within

    def hold_s(self, run: Run[F]) -> float:
        """`hold` for this run."""
        return self.hold(run) if callable(self.hold) else self.hold


@dataclass(frozen=True, slots=True)
class Settles(Generic[F]):
    """What a step settles for the whole run.

    `moment` is the name of a moment of the incident (detected, decided, healthy), which `at` reads from how the step
    went, within bounds where what dates it is coarse; `harm` is when users began to suffer, by evidence; `lost` are the
    seconds of data that may be lost, where this step measures it: the run's RPO.
    """

    moment: str = ""
    at: Callable[[StepResult], datetime | Between | None] = lambda result: result.settled
    lost: Callable[[Run[F], StepResult], float | None] | None = None
    harm: Callable[[StepResult], datetime | None] | None = None


@dataclass(frozen=True, slots=True)
class Unanswered(Generic[F]):
    """What is done where nobody consents to a step that only tells: `step`, once, from the moment `due` on.

    It comes before whatever the plan does next then, and at the end of a run where users are not well yet, whatever
    the time, as nobody would look any more. `due` is None where it is not, or not any more, to be done. Without a step
    nothing is done: that nobody has answered is the result, SKIPPED.
    """

    step: Step[F, Any] | None = None
    due: Callable[[Run[F]], datetime | None] = lambda run: None


@dataclass(frozen=True)
class Step(Generic[F, S]):
    """One step of a plan.

    - `look(run, target)` reads the state; its return annotation is the state's type, a frozen dataclass. Fields with
      `compare=False` (revision ids, times) do not count when an undo is verified.
    - `expect(run, target, state)` is the check. It reads nothing.
    - `act(run, target, state)` does one thing, at most one write. None: the step only looks, or a person does it.
    - `supposed(run, target, state)` is what a rehearsal names of a target that needs no act now, where the act cannot
      be prepared from what is there: it makes the call, or returns it, with `<name>` for what is known when it is due.
    - `undo(run, target, before)` brings `before` back. None: there is no way back, or nothing to bring back.
    - `no_return(run)`: why there is no way back any more since this step was done; empty: there still is. Where there
      is none, nothing of the run is undone: half of it would be worse than all or nothing.
    - `gate`: a step that is not a gate asks a question; the answer no is SKIPPED, and the plan goes on.
    - `goes_on`: one lever of several. Where it fails the next ones are tried all the same, and the plan ends at the
      first step that needs it.
    - `one_is_enough`: a step that only looks waits until one target is as expected, not all of them.
    - `begins`: the steps that follow from its consent. Once it is done their acts are begun in this order, and none
      waits for another; each is waited for, proved, shown in its own turn.
    - `depends_on(run, target)`: the targets of this step that must be as expected before this one is acted on; left
      out: each target stands for itself, and one that fails keeps no other from being tried.
    - `only_tells`: the recovery does not need it (a page, a status message, a read that only says who did it). What
      fails, is refused, answers oddly or not at all is tried for as long as the step has patience; then the plan goes
      on without it, and it is kept as still to be told. `words(run)` is what it tells, for whoever must do it by hand.
    - `choices(run, states)`: the answers that its question has, where it has several; one of them is typed.
    - `unanswered`: what is done where nobody consents. The plan goes on then, where it would else be refused.
    - `patience`: how long it is waited for.
    - `repeat`: the act does one bounded batch, and is done again until `expect` holds. Where a batch is several writes
      the state names them all, so that the intent does.
    - `shows(run, states)`: the tables and charts that an engineer would ask for.
    - `remembers(state)`: what of each look's state is kept in memory for those charts; left out: all of it.
    - `settles`: the moment of the incident that this step dates, the data lost that it measures.
    - `remark(run, result)`: what the verdict says of how it went, in a line; empty: nothing.
    - `waiver`: why this step may call the region that has failed, or a control plane that stands in us-east-1 only.
    - `back_out(run, target, state)`: one write that makes it safe again when `expect` did not come to hold after the
      act. It needs no consent of its own, and the step has failed all the same.
    - `permissions`: the IAM actions that its act, its undoing or its look need and that AWS's `ReadOnlyAccess` has not,
      with their ARNs; what AWS asks for behind a call too. The lines of the printed policy, and all that a session has
      in which its act is carried out.
    - `whole_role`: why its act is carried out with all that the role may do all the same; empty: it is not.
    """

    name: StepName
    _: KW_ONLY
    changes: str
    look: Callable[[Run[F], Target], S]
    expect: Callable[[Run[F], Target, S], Check]
    act: Callable[[Run[F], Target, S], object] | None = None
    supposed: Callable[[Run[F], Target, S], object] | None = None
    undo: Callable[[Run[F], Target, S], object] | None = None
    no_return: Callable[[Run[F]], str] | None = None
    targets: Callable[[Run[F]], Iterable[Target]] = lambda run: EVERYWHERE
    needs: tuple[StepName, ...] = ()
    consent: Consent = Consent.NONE
    phrase: Callable[[Run[F], Mapping[Target, S]], str] | None = None
    choices: Callable[[Run[F], Mapping[Target, S]], Sequence[Choice]] | None = None
    reversibility: Reversibility = Reversibility.LOOKS
    gate: bool = True
    goes_on: bool = False
    one_is_enough: bool = False
    begins: tuple[StepName, ...] = ()
    depends_on: Callable[[Run[F], Target], Iterable[Target]] | None = None
    only_tells: bool = False
    words: Callable[[Run[F]], str] | None = None
    unanswered: Unanswered[F] | None = None
    patience: Patience[F] = Patience()
    repeat: bool = False
    shows: Callable[[Run[F], Mapping[Target, S]], Iterable[Exhibit]] | None = None
    remembers: Callable[[S], S] = lambda seen: seen
    settles: Settles[F] = Settles()
    remark: Callable[[Run[F], StepResult], str] | None = None
    waiver: Waiver | None = None
    back_out: Callable[[Run[F], Target, S], object] | None = None
    permissions: tuple[Permission, ...] = ()
    whole_role: str = ""

    @property
    def key(self) -> str:
        """What is stored: a name for files, journal and JSON that does not change with the title."""
        return self.name.key

    @property
    def title(self) -> str:
        """What is shown."""
        return self.name.title

    @property
    def plan(self) -> str:
        """The place in the plan's text."""
        return self.name.plan

    def asks(self, run: Run[F], states: Mapping[Target, S]) -> str:
        """The phrase that is typed to consent to it: the blast radius, as seen now."""
        return self.phrase(run, states) if self.phrase else f"{self.title.upper()}: {', '.join(map(str, states))}"

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
        return hashlib.sha256(f"{self.key} {_shape(self.look)}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Round(Generic[F]):
    """A part of a plan, from its `first` step to its `last`, that is carried out once more while `again` says so."""

    first: StepName
    last: StepName
    again: Callable[[Run[F]], bool]


@dataclass(frozen=True, kw_only=True)
class Plan(Generic[F]):
    """One plan: when to use it, its steps in order, the facts that it needs.

    `facts` is the model of `<plan>.yaml`; `incident` the model of what only the incident knows (the notebook's
    parameters cell). `goal` is the step that says that users are well again. `rto` and `rpo` give the targets in
    seconds, None where the plan has none. `faults` are what it is drilled against, each with the options that such a
    drill takes (`NAME[:key=value,…]`); a drill that names none takes the first. `short_of_goal` are those at which a
    drill rightly ends before its goal: what cannot be told from chance, what only a person can do. `stands` are what
    its steps leave standing until others are done, `rounds` the parts of it that may be carried out more than once, as
    where two things are mended one after the other. `must_exist` gives the plan's own findings for the preflight, each
    with whether it stops the run where it is not so (left out: it does). `by_hand` is the plan for a shell and a
    person; None: there is none yet.
    """

    id: str
    title: str
    notebook: str
    steps: tuple[Step[F, Any], ...]
    goal: Step[F, Any]
    facts: type[Model]
    incident: type[Model]
    faults: tuple[str, ...]
    rto: Callable[[Run[F] | Place[F]], float | None]
    rpo: Callable[[Run[F] | Place[F]], float | None] = lambda run: None
    short_of_goal: tuple[str, ...] = ()
    stands: tuple[StandsStill, ...] = ()
    rounds: tuple[Round[F], ...] = ()
    must_exist: Callable[[Run[F]], Iterable[tuple[str, Check] | tuple[str, Check, bool]]] = lambda run: ()
    by_hand: Callable[[Place[F]], HandCard] | None = None
    elsewhere: Callable[[Place[F]], Iterable[RoleElsewhere]] = lambda at: ()

    @property
    def guarded(self) -> tuple[StepName, ...]:
        """The steps that are backed out of where they go wrong: one that is begun must not be left to itself."""
        return tuple(step.name for step in self.steps if step.back_out)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """All that a run of it needs beside reading: its steps, its record, its lock."""
        return (*OF_EVERY_RUN, *(each for step in self._all() for each in step.permissions))

    def _all(self) -> Iterator[Step[F, Any]]:
        """Its steps, and those that are carried out where nobody consents."""
        for step in self.steps:
            yield step
            if step.unanswered and step.unanswered.step:
                yield step.unanswered.step

    def fingerprints(self) -> dict[str, str]:
        """Which plan this is to a run that was begun with it: its steps in order, by key."""
        return {step.key: step.fingerprint for step in self.steps}

    def step(self, key: str) -> Step[F, Any]:
        """A step by its key. Raises KeyError."""
        return {step.key: step for step in self._all()}[key]


@cache
def _adapter(look: Callable[..., Any]) -> TypeAdapter[Any]:
    # Only what is returned counts: the other annotations may be known to type checkers alone.
    returned = SimpleNamespace(__annotations__={"return": look.__annotations__["return"]})
    return TypeAdapter(get_type_hints(returned, globalns=look.__globals__)["return"])


@cache
def _shape(look: Callable[..., Any]) -> str:
    """The JSON schema of what a look returns. Kept, as it takes pydantic some milliseconds, for each step of a plan."""
    return json.dumps(_without_words(_adapter(look).json_schema(mode="serialization")), sort_keys=True)


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
