"""Plan G, phase 2: all writes are halted by one decision.

Every lever is begun at once when it is taken: the denial first, as it is the surest and the fastest, auto scaling
before the workers. Then each is waited for in its own step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.engine.labels import label
from drcore.engine.outcome import Answer, Check, Target, no, yes
from drcore.engine.step import Step
from drcore.errors import Rejected, Unknown
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts, GRun
from drcore.plans.g.p02_deny_writes import DENY
from drcore.plans.g.p02_halt_writers import FREEZE, RULES, SCALING, SOURCES, WORKERS
from drcore.plans.g.p02_stop_functions import FUNCTIONS
from drcore.plans.g.tables import table
from drcore.plans.shared.decision import decision, taken
from drcore.record.evidence import Exhibit, Table

LEVERS: tuple[Step[Facts, Any], ...] = (DENY, FREEZE, SCALING, RULES, WORKERS, SOURCES, FUNCTIONS)


@dataclass(frozen=True, slots=True)
class LeverPull:
    """What one lever does to one thing, as it would be now: what is there, whether anything is to be done."""

    step: str
    region: str
    thing: str
    seen: str
    due: bool  # also where it could not be read: it is tried all the same


@dataclass(frozen=True, slots=True)
class HaltProposal:
    """What the halt changes, and what has been decided of it (empty: nothing)."""

    pulls: tuple[LeverPull, ...] = field(compare=False)
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)

    @property
    def due(self) -> tuple[LeverPull, ...]:
        """Those that would be pulled now."""
        return tuple(each for each in self.pulls if each.due)

    @property
    def changes(self) -> Mapping[str, int]:
        """How many things each lever would change now; those without any are left out."""
        return Counter(each.step for each in self.due)

    def describe(self) -> Mapping[str, object]:
        return {**self.changes, **({"decision": self.choice} if self.choice else {})}


def see_halt(run: GRun, target: Target) -> HaltProposal:
    choice, by, reason = taken(run, titles.HALT)
    pulls = () if choice else tuple(pull for step in LEVERS for pull in _pulls(run, step))
    return HaltProposal(pulls, choice, by, reason)


def _pulls(run: GRun, step: Step[Facts, Any]) -> Iterator[LeverPull]:
    """What a lever would be pulled for. What cannot be read is due: to have seen is no condition of a halt."""
    try:
        targets = tuple(step.targets(run))
    except (Unknown, Rejected) as error:
        yield LeverPull(step.title, "", "", str(error), due=True)
        return
    for target in targets:
        try:
            check = step.expect(run, target, step.look(run, target))
            yield LeverPull(step.title, target.region, target.thing, check.why, check.answer is not Answer.YES)
        except (Unknown, Rejected) as error:
            yield LeverPull(step.title, target.region, target.thing, str(error), due=True)


def is_to_be_halted(run: GRun, target: Target, seen: HaltProposal) -> Check:
    if not seen.due:
        return yes("every lever is pulled already")
    return no(", ".join(f"{name}: {count}" for name, count in seen.changes.items()))


def words_to_halt(run: GRun, states: Mapping[Target, HaltProposal]) -> str:
    changes = sum(len(seen.due) for seen in states.values())
    where = ", ".join(run.service.regions)
    return f"HALT ALL WRITES TO {table(run)} IN {where}: {changes} CHANGES, USERS GET ERRORS"


def show_halt(run: GRun, states: Mapping[Target, HaltProposal]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple(
            (each.step, each.region, each.thing, "yes" if each.due else "no", each.seen) for each in seen.pulls
        )
        title = f"What the halt changes: {len(seen.due)} of {len(seen.pulls)}, in the order in which it is begun"
        yield Table("halt", title, ("lever", "region", "thing", "changed", "as it is"), rows)


HALT = decision(
    titles.HALT,
    changes="writes are denied, deployments, schedules and scaling stopped, workers and event sources halted, "
    "functions stopped; all is begun at once, and users get errors",
    look=see_halt,
    expect=is_to_be_halted,
    choice=lambda run, seen: f"all writes are halted: {len(seen.due)} changes",
    phrase=words_to_halt,
    needs=(titles.CONFIRM,),
    shows=show_halt,
    begins=tuple(each.name for each in LEVERS),
)

STEPS = (HALT,)
