"""The plans, one module each; the name of the module is the letter of the plan."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from drcore.engine.step import Plan
from drcore.errors import BadInput


def ids() -> tuple[str, ...]:
    """The letters of all plans that there are, in order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if len(module.name) == 1))


def find(name: str) -> Plan[Any]:
    """A plan by its letter. Raises BadInput."""
    if name.lower() not in ids():
        raise BadInput(f"plan: expected one of {', '.join(ids())}, seen {name!r}")
    plan: Plan[Any] = importlib.import_module(f"{__name__}.{name.lower()}").PLAN
    return plan
