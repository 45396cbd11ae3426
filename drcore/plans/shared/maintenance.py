"""Maintenance mode, as users are told of it on the status page.

The service itself has no such mode yet: what is paused is halted by the plan, writer by writer. It is lifted for users
by `status_page.resolved`, which sets the components right again.
"""

from __future__ import annotations

from drcore.engine.step import Step
from drcore.plans.shared.status_page import Words, investigating


def announce_maintenance(title: str, words: Words, *, what: str, plan: str, needs: tuple[str, ...]) -> Step:
    """Open this run's incident with the components under maintenance. `what` is what users cannot do meanwhile."""
    name, components = f"Maintenance mode: {what}", "under_maintenance"
    return investigating(title, words, plan=plan, needs=needs, name=name, components=components)
