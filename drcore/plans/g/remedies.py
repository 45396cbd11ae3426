"""The two remedies for corrupted data, beside each other: what each costs, what each loses."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.diff import Class
from drcore.plans.g.comparison import HIT, Compared
from drcore.plans.g.decisions import halted_at
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.tables import restored_table, table
from drcore.record.evidence import Table
from drcore.services.dynamodb.transactions import MOST

_BATCH_S = 2  # seconds that one batch of a repair takes, with its look
_REPLICA_MINUTES, _SETTING_S = 10, 5  # a guess, until a drill has measured it: the copy takes minutes to hours


@dataclass(frozen=True, slots=True)
class Cost:
    """What a remedy costs: users' changes that are lost, items left for a person, items and settings to be written.

    `lost_s` are the seconds before the halt of which changes are lost, `minutes` an estimate.
    """

    remedy: Remedy
    lost: int
    by_person: int
    items: int
    settings: int
    minutes: float
    lost_s: float


def costs(run: GRun, seen: Compared) -> tuple[Cost, Cost]:
    """Repair in place, and restore and switch, by the numbers of the comparison."""
    to_mend = seen.items(Class.CORRUPTED, Class.DELETED)
    by_person = seen.by_person
    items = to_mend - (by_person - seen.items(Class.CONFLICT))
    batches = -(-items // MOST)
    regions, settings = len(run.service.regions), 6
    lost_s = max(0.0, ((halted_at(run) or seen.at) - seen.at).total_seconds())
    lost = seen.items(Class.LEGIT, Class.ADDED, Class.CONFLICT)
    copy = _REPLICA_MINUTES * (regions - 1) + regions * settings * _SETTING_S / 60
    return (
        Cost(Remedy.REPAIR, 0, by_person, items, 0, round(max(1, batches * _BATCH_S / 60), 1), 0.0),
        Cost(Remedy.SWITCH, lost, 0, 0, regions * settings, round(copy, 1), lost_s),
    )


def proposed(run: GRun, seen: Compared) -> Remedy:
    """Repair in place, as long as few are hit (aws-facts G.4): nobody else notices, nothing is lost."""
    hit = 100 * seen.items(*HIT) / max(1, seen.all_items)
    return Remedy.REPAIR if hit <= run.facts.repair_percent else Remedy.SWITCH


def costs_table(run: GRun, seen: Compared) -> Table:
    """Both remedies beside each other, a row a number."""
    one, other = costs(run, seen)
    rows = (
        ("table in use afterwards", table(run), restored_table(run)),
        ("users' changes that are lost", one.lost, other.lost),
        ("of the last minutes before the halt", round(one.lost_s / 60, 1), round(other.lost_s / 60, 1)),
        ("items left for a person", one.by_person, other.by_person),
        ("items to be written", one.items, other.items),
        ("settings to be set again", one.settings, other.settings),
        ("estimated minutes", one.minutes, other.minutes),
        ("how it is undone", "inverse of every write", "old table's name, until writers resume"),
    )
    hit = 100 * seen.items(*HIT) / max(1, seen.all_items)
    title = f"{hit:.1f} % of all items are corrupted; up to {run.facts.repair_percent:g} % repair in place is proposed"
    return Table("remedies", title, ("", "repair in place", "restore and switch"), rows)
