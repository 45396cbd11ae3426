"""What this run of plan G has halted, has resumed since, would bring back."""

from __future__ import annotations

from drcore.engine.outcome import Check, Outcome, StepName, Target, yes
from drcore.engine.step import S, Step
from drcore.plans.g.decisions import before
from drcore.plans.g.facts import Facts, GRun


def to_bring_back(run: GRun, halted: Step[Facts, S], target: Target, seen: S) -> S | None:
    """The state from before this run halted something; None: this run has not halted it.

    A rehearsal has halted nothing: what it sees now is what would be brought back.
    """
    known = before(run, halted, target)
    if known is not None or not run.rehearsing:
        return known
    result = run.result(halted.name)
    outcomes = [each.outcome for each in result.targets if each.target == target] if result else []
    return seen if outcomes == [Outcome.WOULD] else None


def resumed(run: GRun, step: StepName, target: Target) -> Check | None:
    """What was halted, and has been resumed since by this run, is not halted again when the run is opened anew."""
    return yes("this run had halted it, and has resumed it") if run.intended(step, target) else None
