"""The name of a shared step, also where a plan still gives its title by itself."""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.record.events import slug


def name_of(name: StepName | str, plan: str) -> StepName:
    """The name as it is given; of a title, with the key that the engine makes of it."""
    if isinstance(name, StepName):
        return name
    return StepName(slug(name), name, plan)
