"""The plans, one module each; the name of the module is the letter of the plan."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from drcore.engine.step import Plan
from drcore.errors import BadInput

SPECIFIED = "abcdefg"  # the plans that SyncWell has; those without a folder here are not built yet


def ids() -> tuple[str, ...]:
    """The letters of all plans that there are, in order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if len(module.name) == 1))


def find(name: str) -> Plan[Any]:
    """A plan by its letter. Raises BadInput."""
    if name.lower() not in ids():
        missing = ", which is not built yet" if name.lower() in tuple(SPECIFIED) else ""
        raise BadInput(f"plan: expected one of {', '.join(ids())}, seen {name!r}{missing}")
    plan: Plan[Any] = importlib.import_module(f"{__name__}.{name.lower()}").PLAN
    return plan
