"""What corrupted data has cost users by the remedy that was decided: changes lost, items left for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drcore.diff import Class
from drcore.errors import Unknown
from drcore.plans.g import comparison
from drcore.plans.g.comparison import AFFECTED, left_for_a_person
from drcore.plans.g.decisions import halted_at, remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.remedies import costs

_LOST_BY_A_SWITCH = (Class.LEGIT, Class.ADDED, Class.CONFLICT)


@dataclass(frozen=True, slots=True)
class UserImpact:
    """From when to when changes may be lost; users whose items were brought back; changes lost by the remedy decided.

    `conflicts` are the users left for a person, `other_remedy` the changes that the other remedy would have lost.
    """

    begins: datetime
    ends: datetime
    users: int
    changes: int
    conflicts: tuple[str, ...]
    other_remedy: int


def impact(run: GRun) -> UserImpact:
    """By what the record holds; nothing where nothing was compared yet, as in a rehearsal."""
    try:
        compared = comparison.known(run)
    except Unknown:
        compared = None
    ends = halted_at(run) or run.clock.now()
    if compared is None:
        return UserImpact(ends, ends, 0, 0, (), 0)
    repaired, switched = costs(run, compared)
    if remedy(run) is Remedy.SWITCH:
        return UserImpact(compared.at, ends, compared.affected, switched.lost, (), repaired.lost)
    repaired_users = comparison.users_of(run, comparison.repairable(run))
    left = comparison.users_of(run, left_for_a_person(run))
    return UserImpact(compared.at, ends, len(repaired_users - left), repaired.lost, _names(run, left), switched.lost)


def affected(run: GRun) -> tuple[tuple[str, str, str], ...]:
    """Every user who was affected, or loses a change by the remedy: user, class, why. Empty before the comparison."""
    kinds = {*AFFECTED, *(_LOST_BY_A_SWITCH if remedy(run) is Remedy.SWITCH else ())}
    try:
        differences = comparison.differences(run, *kinds)
    except Unknown:
        return ()
    users = ((*_names(run, comparison.users_of(run, [each])), str(each.kind), each.reason) for each in differences)
    return tuple(sorted((each[0], each[1], each[2]) for each in users))


def _names(run: GRun, users: set[str]) -> tuple[str, ...]:
    return tuple(sorted(user.removeprefix(run.facts.users.prefix) for user in users))
