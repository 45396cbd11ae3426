"""What a card calls a field is said by the plan, so that its name in code and record is nobody's interface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest

from drcore import plans
from drcore.engine.labels import Described


def states(of: Any, known: set[type]) -> Iterator[type]:
    """The types of states within a type whose fields a card shows one by one."""
    for inner in get_args(of):
        yield from states(inner, known)
    if not isinstance(of, type) or not is_dataclass(of) or of in known or issubclass(of, Described):
        return
    known.add(of)
    yield of
    hints = get_type_hints(of)
    for each in fields(of):
        if each.compare:  # a card leaves the others out
            yield from states(hints[each.name], known)


@pytest.mark.parametrize("plan", plans.ids())
def test_each_field_that_a_card_shows_has_a_label(plan: str) -> None:
    """What a service's module has read keeps the service's own names."""
    known: set[type] = set()
    for step in plans.find(plan).steps:
        for state in states(get_type_hints(step.look)["return"], known):
            if state.__module__.startswith("drcore.plans."):
                shown = [each for each in fields(state) if each.compare]
                assert [each.name for each in shown if "label" not in each.metadata] == [], state
    assert known
