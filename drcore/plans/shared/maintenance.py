"""Maintenance mode, as users are told of it on the status page.

What is paused each plan says for itself: plan G halts writer by writer, plan E has servers refuse writes by a flag. It
is lifted for users by `status_page.resolved`, which sets the components right again.
"""

from __future__ import annotations

from drcore.engine.context import F
from drcore.engine.outcome import StepName
from drcore.engine.step import Step
from drcore.plans.shared.status_page import Words, investigating
from drcore.services.statuspage import PublicIncident


def announce_maintenance(
    name: StepName, words: Words[F], *, what: str, needs: tuple[StepName, ...]
) -> Step[F, PublicIncident]:
    """Open this run's incident with the components under maintenance. `what` is what users cannot do meanwhile."""
    headline, components = f"Maintenance mode: {what}", "under_maintenance"
    return investigating(name, words, needs=needs, headline=headline, components=components)
