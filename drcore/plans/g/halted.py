"""What this run of plan G has halted, has resumed since, would bring back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drcore.engine.outcome import Check, Target, yes
from drcore.engine.step import Step
from drcore.plans.g.decisions import before, intended

if TYPE_CHECKING:
    from drcore.engine.context import Run


def to_bring_back(run: Run, halted: Step, target: Target, seen: Any) -> Any:
    """What a thing was before this run halted it; None: this run has not halted it.

    A rehearsal has halted nothing: what it sees now is what would be brought back.
    """
    known = before(run, halted, target)
    if known is not None or not run.rehearsing:
        return known
    result = run.results.get(halted.title)
    return seen if result and result.outcome == "WOULD" else None


def resumed(run: Run, title: str, target: Target) -> Check | None:
    """What was halted, and has been resumed since by this run, is not halted again when the run is opened anew."""
    return yes("this run had halted it, and has resumed it") if intended(run, title, target) else None
