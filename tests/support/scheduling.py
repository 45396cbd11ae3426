"""Which tests run in one process, one after the other: those that share what it takes long to make."""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Tests over all plans, of which each file keeps something a plan: a plan's part of a file is a unit. These look at the
# same drills as others do.
_OVER_PLANS = "tests/plans/family/"
_TOGETHER = {
    "test_rehearsals.py": "test_drills.py",
    "test_permissions.py": "test_drills.py",
    "test_only_tells.py": "test_drills.py",
    "test_busy.py": "test_faults.py",
}
_PLAN = re.compile(r"[\[-]([a-z])[-\]]")
# The longest first, so that no process is left alone with one of them at the end.
_LONGEST = tuple(f"{_OVER_PLANS}test_{name}.py" for name in ("kills", "faults", "drills", "rehearsals", "consents"))


def by_what_they_share(config: pytest.Config, log: Any) -> Any:
    """A scheduler of xdist that gives each unit to one process."""
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = unit_of
    return scheduler


def unit_of(nodeid: str) -> str:
    """A test's file, of tests over all plans a plan's part of it: all tests of a unit run in one process."""
    path, _, name = nodeid.partition("::")
    if not path.startswith(_OVER_PLANS):
        return path
    file = path.removeprefix(_OVER_PLANS)
    plan = _PLAN.search(name.partition("[")[1] + name.partition("[")[2])
    return f"{_OVER_PLANS}{_TOGETHER.get(file, file)}{f' {plan[1]}' if plan else ''}"


def place_of(nodeid: str) -> int:
    """Where in the order a test's file stands: the longest first, then all over plans, then the others as they are."""
    path = nodeid.partition("::")[0]
    if path in _LONGEST:
        return _LONGEST.index(path)
    return len(_LONGEST) + (not path.startswith(_OVER_PLANS))
