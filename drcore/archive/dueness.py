"""When an exercise is to be done again: one rule for whoever asks.

Days are those of UTC, so that a scheduler that fires a few seconds earlier than yesterday finds the same as yesterday.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum


class DueState(StrEnum):
    """How an exercise stands, the first the worst. What was never done well is overdue."""

    OVERDUE = "OVERDUE"
    DUE = "due"
    CHANGED = "due: changed"  # what it stood on is not what it would stand on now
    UP_TO_DATE = "up to date"


def due_on(last_good: datetime | None, every: timedelta, now: datetime) -> date:
    """The day on which it is next to be done; today, where it was never done well."""
    return last_good.date() + every if last_good else now.date()


def due_state(last_good: datetime | None, every: timedelta, now: datetime, *, changed: bool) -> DueState:
    """How it stands now. `changed`: whether what the last good one stood on is another now."""
    late = (now.date() - due_on(last_good, every, now)).days
    if last_good is None or late > 0:
        return DueState.OVERDUE
    if late == 0:
        return DueState.DUE
    return DueState.CHANGED if changed else DueState.UP_TO_DATE
