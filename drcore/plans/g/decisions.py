"""What a run of plan G has decided so far, by its journal."""

from __future__ import annotations

from datetime import datetime

from drcore.clock import parse_time
from drcore.engine.outcome import Check, Target, not_this_way
from drcore.engine.step import S, Step
from drcore.errors import Unknown
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts, GRun, Remedy
from drcore.record.events import Kind

HALTED = "halted"  # the moment since when nothing writes, as was proved


def halted_at(run: GRun) -> datetime | None:
    """Since when nothing writes, as was proved; None before that."""
    return run.moments.get(HALTED)


def remedy(run: GRun) -> Remedy | None:
    """The remedy that was decided; a rehearsal takes the one of the parameters. None: not decided."""
    choice = run.decided(titles.DECIDE).choice
    if choice:
        return Remedy(choice)
    return Remedy(run.incident.remedy) if run.rehearsing and run.incident.remedy else None


def not_the_remedy(run: GRun, mine: Remedy) -> Check | None:
    """A step of the remedy that was not decided has nothing to do."""
    decided = remedy(run)
    return not_this_way(f"the remedy that was decided is to {decided}") if decided not in (None, mine) else None


def before(run: GRun, step: Step[Facts, S], target: Target) -> S | None:
    """What this run saw before its first act of a step, None where it has not acted, or has undone it.

    From the journal, so that what was halted comes back as it was, after any restart.
    """
    act = run.history.act(step.name, target)
    return step.from_json(act.first["before"]) if act else None


def decided_release(run: GRun) -> str:
    """The release that was confirmed to have corrupted the data; before that the one of the parameters, or empty."""
    confirmed = run.history.last(Kind.INTENT, step=titles.CONFIRM)
    return str(confirmed["before"]["faulty"]) if confirmed else run.incident.faulty_release


def faulty_release(run: GRun) -> str:
    """The release that corrupts: as confirmed, or named, or as this rehearsal has seen it. Empty: not known."""
    return decided_release(run) or _seen_release(run)


def faulty_writers(run: GRun) -> tuple[str, ...]:
    """The names under which the faulty release writes into items."""
    release = faulty_release(run)
    return (run.facts.workers.writes_as.format(release=release),) if release else ()


def _seen_release(run: GRun) -> str:
    """What this rehearsal has seen as the faulty release: nothing is decided in one."""
    result = run.result(titles.CONFIRM)
    return next((str(state.faulty) for state in result.states.values()), "") if result else ""


def recovery_point(run: GRun) -> datetime:
    """The moment that was confirmed; in a rehearsal the one that would be proposed. Raises Unknown."""
    decided = run.decided(titles.RECOVERY_POINT)
    if decided.choice:
        return parse_time(decided.choice)
    result = run.result(titles.RECOVERY_POINT)
    proposed: datetime | None = next((state.proposed for state in result.states.values()), None) if result else None
    if not run.rehearsing or proposed is None:
        raise Unknown("no recovery point has been confirmed")
    return proposed
