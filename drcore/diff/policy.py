"""What a difference means: corrupted, legitimate, a conflict, deleted, added.

Policy, not physics: who wrote the live item last, and whether it says itself that it was modified after the recovery
point. A faulty writer that is not noted on the item, and leaves the time of modification alone, is caught by the time:
an item that has changed since the recovery point and says that it has not is corrupted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from drcore.clock import iso
from drcore.diff.items import Item, equal, number
from drcore.errors import BadInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SKEW = timedelta(minutes=5)  # by which the clock that an item was stamped with may be ahead of ours
# In which unit a number is: each begins where the one before it would be the year 5138, and in itself is the year 1973.
_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
TTL_LOOKS_BACK = timedelta(days=5 * 365)  # an item that expired before is not removed
_NANOSECONDS = 1000  # in a microsecond; every larger number is in these
_LAST = 253_402_300_800_000_000  # the year 10000, in microseconds
_ONLY_DIGITS = re.compile(r"\d{9,20}(\.\d+)?", re.ASCII)
_iso = lru_cache(maxsize=4)(iso)  # of the recovery point, for each item that differs
_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60(?=\D|$)")


class Class(StrEnum):
    """What became of an item between the good state and the live one."""

    UNCHANGED = "unchanged"
    CORRUPTED = "corrupted"
    LEGIT = "legit"
    CONFLICT = "conflict"
    DELETED = "deleted"
    EXPIRED = "expired"
    ADDED = "added"


class Cause(StrEnum):
    """The rule that decided; `Policy.reason` puts it into words."""

    SAME = "same"
    FAULTY = "faulty"  # a faulty writer was the last one
    SILENT = "silent"  # changed, and its own time of modification is not after the recovery point
    TIMELESS = "timeless"  # changed, and it has no time of modification that can be read
    BEFORE = "before"  # a faulty writer is among the earlier ones
    LATER = "later"  # changed by somebody else, after the recovery point
    GONE = "gone"
    EXPIRED = "expired"  # gone, and its time to live is over: DynamoDB removes such items itself
    NEW = "new"
    NEW_FAULTY = "new-faulty"

    @property
    def kind(self) -> Class:
        """The class that this rule puts an item into."""
        return _CLASSES[self]


_CLASSES = {
    Cause.SAME: Class.UNCHANGED,
    Cause.FAULTY: Class.CORRUPTED,
    Cause.SILENT: Class.CORRUPTED,
    Cause.TIMELESS: Class.CORRUPTED,
    Cause.BEFORE: Class.CONFLICT,
    Cause.LATER: Class.LEGIT,
    Cause.GONE: Class.DELETED,
    Cause.EXPIRED: Class.EXPIRED,
    Cause.NEW: Class.ADDED,
    Cause.NEW_FAULTY: Class.ADDED,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as corrupted.

    `modified` names the attribute with the time of the last modification (S in ISO 8601 or RFC 3339 with a zone, or a
    number in seconds, milliseconds, microseconds or nanoseconds since 1970); `writer` the one with the last writer (S),
    or the last writers, oldest first (L of S). Without a recovery point or without `modified` the time decides nothing;
    without `faulty` or `writer` no writer does. `now`: when the live state is read; an item that says that it was
    modified later is not believed (None: every time is). `ttl` names the attribute by which DynamoDB removes items
    itself (N, seconds since 1970; those of more than five years ago it leaves alone); empty, or without `now`: none
    counts as removed by it.
    """

    recovery_point: datetime | None = None
    faulty: tuple[str, ...] = ()
    modified: str = ""
    writer: str = ""
    now: datetime | None = None
    ttl: str = ""

    def __post_init__(self) -> None:
        if self.recovery_point is not None and self.recovery_point.tzinfo is None:
            raise BadInput(f"recovery point: expected a time with a zone, seen {self.recovery_point.isoformat()}")

    @property
    def point(self) -> int | None:
        """The recovery point in microseconds, None when time decides nothing."""
        return micros(self.recovery_point) if self.recovery_point and self.modified else None

    @property
    def latest(self) -> int | None:
        """The latest time of modification that is believed, in microseconds; None when every time is."""
        return None if self.now is None else micros(self.now + SKEW)

    def gone(self, restored: Item) -> Cause:
        """Why an item is not in the live state: its time to live was over, or it was deleted."""
        expires = expires_at(restored, self.ttl)
        if expires is None or self.now is None:
            return Cause.GONE
        return Cause.EXPIRED if self.now - TTL_LOOKS_BACK <= expires <= self.now else Cause.GONE

    def reason(self, cause: Cause, live: Item | None) -> str:
        """Why an item is of its class, in words."""
        if cause is Cause.SILENT:  # the most frequent one by far, and the writers do not matter
            point = _iso(self.recovery_point) if self.recovery_point else ""
            return f"changed, but {self.modified} is {_shown(live, self.modified)}, not after {point}"
        writers = writers_of(live, self.writer) if live else ()
        match cause:
            case Cause.SAME:
                return "equal"
            case Cause.FAULTY:
                return f"changed, last written by {writers[-1]}"
            case Cause.TIMELESS:
                readable = live and modified_of(live, self.modified) is not None
                why = f"later than {iso(self.now)}, when it was read" if readable and self.now else "no time"
                return f"changed, but {self.modified} is {_shown(live, self.modified)}, which is {why}"
            case Cause.BEFORE:
                earlier = [name for name in writers[:-1] if name in self.faulty]
                return f"changed by {writers[-1]} on top of a write by {earlier[-1]}"
            case Cause.LATER:
                return f"changed by {writers[-1]}" if writers else "changed, nothing speaks against it"
            case Cause.GONE:
                return "in the restored state, not in the live one"
            case Cause.EXPIRED:
                return f"not in the live state, and the time in {self.ttl} is over: DynamoDB removes such items itself"
            case Cause.NEW_FAULTY:
                return f"only in the live state, last written by {writers[-1]}"
            case Cause.NEW:
                return f"only in the live state, written by {writers[-1]}" if writers else "only in the live state"


class ItemFacts(NamedTuple):
    """What the rules ask of a live item: when it was modified (microseconds), who wrote it."""

    modified: int | None
    last_faulty: bool
    earlier_faulty: bool


def facts(live: Item, policy: Policy) -> ItemFacts:
    """What the rules ask of a live item."""
    writers = writers_of(live, policy.writer)
    faulty = [name in policy.faulty for name in writers]
    modified, latest = modified_of(live, policy.modified), policy.latest
    if modified is not None and latest is not None and modified > latest:
        modified = None
    return ItemFacts(modified, any(faulty[-1:]), any(faulty[:-1]))


def judge(restored: Item | None, live: Item | None, policy: Policy) -> tuple[Class, str]:
    """The class of one item with the reason in words; for a few items, where no engine is worth its start."""
    cause = _judged(restored, live, policy)
    return cause.kind, policy.reason(cause, live)


def _judged(restored: Item | None, live: Item | None, policy: Policy) -> Cause:
    if live is None:
        return Cause.SAME if restored is None else policy.gone(restored)
    seen = facts(live, policy)
    if restored is None:
        return Cause.NEW_FAULTY if seen.last_faulty else Cause.NEW
    if equal(restored, live):
        return Cause.SAME
    if seen.last_faulty:
        return Cause.FAULTY
    if policy.point is not None and seen.modified is None:
        return Cause.TIMELESS
    if policy.point is not None and seen.modified is not None and seen.modified <= policy.point:
        return Cause.SILENT
    return Cause.BEFORE if seen.earlier_faulty else Cause.LATER


def writers_of(item: Item, attribute: str) -> tuple[str, ...]:
    """The writers that an item names, oldest first; empty when it names none."""
    match item.get(attribute) if attribute else None:
        case {"S": str(name)}:
            return (name,)
        case {"L": list(names)}:
            return tuple([each["S"] for each in names if isinstance(each, dict) and isinstance(each.get("S"), str)])
    return ()


def modified_of(item: Item, attribute: str) -> int | None:
    """When an item says that it was modified, in microseconds; None when it does not, or not readably."""
    match item.get(attribute) if attribute else None:
        case {"S": str(text)}:
            return micros_of_text(text)
        case {"N": str(text)}:
            return micros_of_number(text)
    return None


def expires_at(item: Item, ttl: str) -> datetime | None:
    """When an item's time to live is over, as DynamoDB reads it: whole seconds as N; None where it never is."""
    match item.get(ttl) if ttl else None:
        case {"N": str(text)}:
            try:
                seconds = number(text)
            except BadInput:
                return None
            return EPOCH + timedelta(seconds=int(seconds)) if 0 <= seconds < _LAST / 1_000_000 else None
    return None


def micros_of_text(text: str) -> int | None:
    """A time as microseconds: ISO 8601, RFC 3339 (which allows t, z and second 60), a number; None when it is none."""
    try:
        return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND
    except TypeError:  # without a zone
        return None
    except ValueError:
        pass
    if _ONLY_DIGITS.fullmatch(text):
        return micros_of_number(text)
    spelled, leaped = _LEAP_SECOND.subn(r"\1:59", text.upper())
    try:
        return (datetime.fromisoformat(spelled) - EPOCH) // MICROSECOND + leaped * 1_000_000
    except (ValueError, TypeError):
        return None


def micros_of_number(text: str) -> int | None:
    """A number since 1970 as microseconds, its unit by its size; None when it is none, or before 1970 or after 9999."""
    try:
        value = number(text)
    except BadInput:
        return None
    if not 0 <= value < _LAST * _NANOSECONDS:
        return None
    factor = next((factor for end, factor in _UNITS if value < end), None)
    moment = int(value * factor) if factor else int(value) // _NANOSECONDS
    return moment if moment < _LAST else None


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def _shown(item: Item | None, attribute: str) -> str:
    value = (item or {}).get(attribute)
    return str(next(iter(value.values()))) if value else "missing"
