"""The two remedies for corrupted data, beside each other: what each costs, what each loses."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.diff import Class
from drcore.engine.consent import Choice
from drcore.plans.g import titles
from drcore.plans.g.comparison import AFFECTED, Compared
from drcore.plans.g.decisions import halted_at
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.tables import restored_table, table
from drcore.plans.shared.decision import choices_table
from drcore.record.evidence import Cell, Table
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


def answers(
    run: GRun, costs: tuple[Cost, Cost], recommended: Remedy, why: str, barred: str = ""
) -> tuple[Choice, Choice]:
    """Both remedies as the answers of a question: what is typed for each names what it writes, or loses.

    `barred`: why neither can be taken.
    """
    repair, switch = costs

    def choice(cost: Cost, phrase: str, numbers: dict[str, Cell]) -> Choice:
        fields: dict[str, Cell] = {
            "users' changes lost": cost.lost,
            "minutes before the halt that are lost": round(cost.lost_s / 60, 1),
            "items left for a person": cost.by_person,
            "items to be written": cost.items,
            "table settings to be restored": cost.settings,
            "estimated minutes": cost.minutes,
        }
        return Choice(cost.remedy, phrase, numbers | fields, why if cost.remedy is recommended else "", barred)

    return (
        choice(
            repair,
            f"REPAIR {repair.items} ITEMS OF {table(run)}, LEAVE {repair.by_person} FOR A PERSON",
            {"table in use afterwards": table(run), "how it is undone": "inverse of every write"},
        ),
        choice(
            switch,
            f"SWITCH TO {restored_table(run)}, LOSE {switch.lost} CHANGES",
            {
                "table in use afterwards": restored_table(run),
                "how it is undone": "old table's name, until writers resume",
            },
        ),
    )


def advice(run: GRun, compared: Compared) -> str:
    """Why the numbers propose what they propose."""
    percent = 100 * compared.items(*AFFECTED) / max(1, compared.all_items)
    return (
        f"{percent:.1f} % of all items are affected; repair in place is proposed up to {run.facts.repair_percent:g} %"
    )


def costs_table(run: GRun, compared: Compared) -> Table:
    """Both remedies beside each other, a row a number."""
    both = answers(run, costs(run, compared), proposed(run, compared), advice(run, compared))
    return choices_table(titles.DECIDE, both)
