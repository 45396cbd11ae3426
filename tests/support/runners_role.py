"""The runner's role in the emulated account: what an operator puts on it before a run."""

from __future__ import annotations

from typing import Any

from drcore.engine.permissions import Place, policy
from drcore.engine.step import Plan
from drcore.parameters import parse
from drcore.record.run_parameters import RunParameters
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.company import principals


def let(world: World, plan: Plan[Any], setting: RunParameters, *others: str) -> None:
    """Let the role have what a plan prints for the facts of a run, and what those other plans print; no more."""
    at = Place(setting.service, parse(dict(setting.facts), plan.facts, "facts"))
    principals.paste(world, plan.id, policy(plan.permissions, at))
    principals.grant(world, plan.id, *others)
