"""How many items a table has lost: how many it holds now, beside how many it held when they were counted last.

Who was deleted cannot be drawn into a sample of what there is. AWS counts a table's items about every six hours, and a
full export says how many it has written: both are of before, mostly, and cost nothing to ask.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from drcore.clock import iso
from drcore.diff import Class
from drcore.engine.labels import label
from drcore.plans.g import comparison
from drcore.plans.g.facts import GRun
from drcore.plans.g.invariants import Sample
from drcore.plans.g.tables import table, table_arn
from drcore.services.dynamodb import exports, items

_DOUBT = 4  # standard deviations by which the items of one range of the keys' hash may differ from their share


@dataclass(frozen=True, slots=True)
class Headcount:
    """How many items there were, by which count; how many are gone, at least. `before` None: nobody has counted."""

    before: int | None = field(default=None, metadata=label("items before"))
    by: str = field(default="", metadata=label("counted by"))
    missing: int = field(default=0, metadata=label("items gone, at least"))

    @property
    def percent(self) -> float:
        """The share that is gone, in percent; 0 where nobody has counted, which proves nothing."""
        return 100 * self.missing / self.before if self.before else 0.0

    def describe(self) -> Mapping[str, object]:
        return {"items gone, at least": "nobody has counted before" if self.before is None else str(self)}

    def __str__(self) -> str:
        if self.before is None:
            return "how many items there were is not known"
        return f"{self.missing} of {self.before} items are gone, by {self.by}"


def before_the_incident(run: GRun, sample: Sample) -> Headcount:
    """What is gone by AWS's own count and by the last full export, whichever shows more. Raises Unknown, Rejected."""
    region, counts = run.service.runner_region, []
    counted = items.count(run.aws, region, table(run))
    if counted:
        counts.append(beside(sample, counted, "AWS's own count, up to six hours old"))
    full = exports.last_full(run.aws, region, table_arn(run, region))
    if full:
        counts.append(beside(sample, full.items, f"the full export of {iso(full.at)}"))
    return max(counts, key=lambda count: count.missing, default=Headcount())


def since_the_comparison(run: GRun, sample: Sample) -> Headcount:
    """What is gone beside what was restored, but for what is left to a person. Raises Unknown, Rejected."""
    compared = comparison.known(run) if not run.rehearsing else None
    if compared is None:
        return Headcount()
    left = sum(each.live is None for each in comparison.left_for_a_person(run))
    restored = compared.all_items - compared.items(Class.ADDED, Class.EXPIRED) - left
    return beside(sample, restored, "the comparison with the restored table")


def beside(sample: Sample, before: int, by: str) -> Headcount:
    """The items that a sample has counted beside a count of all; of a part less is believed, as chance has a hand."""
    expected = before / sample.parts
    doubt = _DOUBT * math.sqrt(expected) if sample.parts > 1 else 0.0
    return Headcount(before, by, max(0, int((expected - sample.there - doubt) * sample.parts)))
