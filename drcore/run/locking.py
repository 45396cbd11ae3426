"""The lock of a plan is taken for this process of a run."""

from __future__ import annotations

from typing import Any

from drcore.engine import lock
from drcore.engine.context import Run
from drcore.engine.loop import run_step
from drcore.engine.outcome import AS_EXPECTED, Outcome
from drcore.errors import Refused


def take_the_lock(run: Run[Any, Any]) -> str:
    """Take it, from another copy of this record only where somebody types it. Returns its token. Raises Refused."""
    taken = run_step(run, lock.TAKE)
    holders: lock.Holders | None = next(iter(taken.states.values()), None)
    if taken.outcome is Outcome.FAILED and holders and lock.is_elsewhere(run, holders):
        taken = run_step(run, lock.TAKE_OVER)
    if taken.outcome not in AS_EXPECTED:
        raise Refused(taken.why)
    return run.process
