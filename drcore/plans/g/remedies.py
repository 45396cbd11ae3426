"""The two remedies for corrupted data, beside each other: what each costs, what each loses."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.diff import Class
from drcore.plans.g.comparison import AFFECTED, Compared
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


def costs(run: GRun, compared: Compared) -> tuple[Cost, Cost]:
    """Repair in place, and restore and switch, by the numbers of the comparison."""
    bad = compared.items(Class.CORRUPTED, Class.DELETED)
    by_person = compared.by_person
    items = bad - (by_person - compared.items(Class.CONFLICT))
    batches = -(-items // MOST)
    regions, settings = len(run.service.regions), 6
    lost_s = max(0.0, ((halted_at(run) or compared.at) - compared.at).total_seconds())
    lost = compared.items(Class.LEGIT, Class.ADDED, Class.CONFLICT)
    copy = _REPLICA_MINUTES * (regions - 1) + regions * settings * _SETTING_S / 60
    return (
        Cost(Remedy.REPAIR, 0, by_person, items, 0, round(max(1, batches * _BATCH_S / 60), 1), 0.0),
        Cost(Remedy.SWITCH, lost, 0, 0, regions * settings, round(copy, 1), lost_s),
    )


def proposed(run: GRun, compared: Compared) -> Remedy:
    """Repair in place, as long as few are affected (aws-facts G.4): nobody else notices, nothing is lost."""
    percent = 100 * compared.items(*AFFECTED) / max(1, compared.all_items)
    return Remedy.REPAIR if percent <= run.facts.repair_percent else Remedy.SWITCH


def costs_table(run: GRun, compared: Compared) -> Table:
    """Both remedies beside each other, a row a number."""
    repair, switch = costs(run, compared)
    rows = (
        ("table in use afterwards", table(run), restored_table(run)),
        ("users' changes lost", repair.lost, switch.lost),
        ("minutes before the halt that are lost", round(repair.lost_s / 60, 1), round(switch.lost_s / 60, 1)),
        ("items left for a person", repair.by_person, switch.by_person),
        ("items to be written", repair.items, switch.items),
        ("table settings to be restored", repair.settings, switch.settings),
        ("estimated minutes", repair.minutes, switch.minutes),
        ("how it is undone", "inverse of every write", "old table's name, until writers resume"),
    )
    percent = 100 * compared.items(*AFFECTED) / max(1, compared.all_items)
    title = (
        f"{percent:.1f} % of all items are affected; repair in place is proposed up to {run.facts.repair_percent:g} %"
    )
    return Table("remedies", title, ("", "repair in place", "restore and switch"), rows)
