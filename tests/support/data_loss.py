"""What plan A says of the data that was lost, beside what the simulation knows."""

from __future__ import annotations

from typing import Any

from drcore.engine.context import Run


def loss_is_bounded(run: Run[Any, Any], truth: Any, region: str) -> None:
    """What is said to be lost is what was, to half a second; a user's write may have been slower than the canary."""
    measured, known = run.lost_s, truth["replication"]["rpo_seconds"][region]
    assert measured is not None and known - 0.9 <= measured <= known + 0.5
    assert measured < run.facts.rpo_s == 2
