"""What a run of plan G has decided so far, by its journal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from drcore.engine.outcome import Check, Target, yes
from drcore.engine.step import Step
from drcore.plans.g.facts import Remedy
from drcore.plans.g.titles import CONFIRMING, DECIDING, HALTED
from drcore.record import history

if TYPE_CHECKING:
    from drcore.engine.context import Run


def halted_at(run: Run) -> datetime | None:
    """Since when nothing writes, as was proved; None before that."""
    return run.moments.get(HALTED)


def remedy(run: Run) -> Remedy | None:
    """The remedy that was decided; a rehearsal takes the one of the parameters. None: not decided."""
    made = [line for line in run.record.events if line["event"] == "decision" and line["step"] == DECIDING]
    if made:
        return Remedy.SWITCH if made[-1]["choice"].startswith(Remedy.SWITCH) else Remedy.REPAIR
    return Remedy(run.incident.remedy) if run.rehearsing and run.incident.remedy else None


def not_the_remedy(run: Run, mine: Remedy) -> Check | None:
    """A step of the remedy that was not decided has nothing to do."""
    decided = remedy(run)
    return yes(f"not needed: the remedy that was decided is to {decided}") if decided not in (None, mine) else None


def before(run: Run, step: Step, target: Target) -> Any:
    """What this run saw before its first act of a step, None where it has not acted, or has undone it.

    From the journal, so that what was halted comes back as it was, after any restart.
    """
    act = history.act_of(run.record.events, step.title, target)
    return step.from_json(act.first["before"]) if act else None


def intended(run: Run, title: str, target: Target) -> bool:
    """Whether this run has set out to do a step, named by its title, and has not undone it."""
    return history.intended(run.record.events, title, target)


def decided_release(run: Run) -> str:
    """The release that was confirmed to have corrupted the data; before that the one of the parameters, or empty."""
    confirmed = history.last(run.record.events, "intent", CONFIRMING)
    told: str = confirmed["before"]["faulty"] if confirmed else run.incident.faulty_release
    return told


def faulty_release(run: Run) -> str:
    """The release that corrupts: as confirmed, or named, or as this rehearsal has seen it. Empty: not known."""
    return decided_release(run) or _seen_release(run)


def faulty_writers(run: Run) -> tuple[str, ...]:
    """The names under which the faulty release writes into items."""
    release = faulty_release(run)
    return (run.facts.workers.writes_as.format(release=release),) if release else ()


def _seen_release(run: Run) -> str:
    """What this rehearsal has seen as the faulty release: nothing is decided in one."""
    seen = run.results.get(CONFIRMING)
    return next((state.faulty for state in seen.states.values()), "") if seen else ""
