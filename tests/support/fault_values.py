"""Which values of a fault's options a plan is drilled with: their ends and their middle, each choice, yes and no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drcore.engine.step import Plan
from drcore.launcher.request import parse_fault
from drcore.sandbox.core.faults import REGISTRY, Option
from tests.support.stage import PLANS

# Of options that are numbers or free text, by name; where plans or faults differ in them, with that in front.
_VALUES: Mapping[str, tuple[str, ...]] = {
    "a.duration": ("0", "6", "60"),
    "longer": ("0", "20", "60"),
    "period": ("20", "180", "1200"),
    "b.share": ("0.1", "0.6", "1"),
    "c.share": ("0.01", "0.2", "0.99"),
    "hours": ("1", "20", "48"),
    "review_minutes": ("0", "10", "300"),
    "update_hours": ("0.1", "6", "240"),
    "crashes": ("0.002", "0.012", "1"),
    "conflicts": ("0", "2", "20"),
    "loses": ("0.01", "0.03", "0.5"),
    "d.duration": ("0", "15", "60"),
    "second_longer": ("0", "20", "60"),
    "page_lag": ("0", "4", "60"),
    "unnoticed": ("0", "5", "60"),
    "d.silent": ("0", "0.5", "0.95"),
    "e.minutes": ("1", "25", "110"),
    "pipeline_again": ("0", "1", "3", "15"),
    "g.share": ("0.0002", "0.04", "0.5"),
    "g.minutes": ("2", "12", "60"),
    "g.silent": ("0", "0.5", "1"),
    "quiet": ("1", "5", "45"),
    "old_jobs": ("0", "3", "50"),
    "kinds": ("overwrite", "delete", "blank", "wrong-owner", "delete,blank"),
}


@dataclass(frozen=True)
class FaultValue:
    """One option of a fault with one value; the other options are the plan's own."""

    plan: Plan[Any]
    fault: str
    option: str
    value: str

    @property
    def name(self) -> str:
        """Its name, for the ids of tests."""
        return f"{self.plan.id}-{self.fault}:{self.option}={self.value or 'none'}"


def values_of(plan: Plan[Any], name: str, option: Option) -> tuple[str, ...]:
    """The values of one option; none where nobody has said which."""
    if option.choices:
        return option.choices
    if isinstance(option.default, bool):
        return "false", "true"
    return _VALUES.get(f"{plan.id}.{name}") or _VALUES.get(name, ())


def each_of(plan: Plan[Any]) -> Iterator[FaultValue]:
    """All that a plan is drilled with."""
    for fault, _ in dict(map(parse_fault, plan.faults)).items():
        for name, option in REGISTRY[fault].options.items():
            for value in values_of(plan, name, option):
                yield FaultValue(plan, fault, name, value)


FAULT_VALUES = tuple(each for plan in PLANS for each in each_of(plan))
