"""A user's sync configuration: what it holds, how its owner changes it, how the faulty job corrupts it.

Items are never changed in place: each function returns a new one, which may share parts with the old one.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from random import Random
from typing import Any, TypeVar

from drcore.sandbox.core.timestamps import precise

Item = dict[str, Any]
"""As the API has it."""

Key = tuple[str, str]
T = TypeVar("T")

CONTENT = ("Owner", "Enabled", "PreferredSource", "Sources", "Schedule", "Priority", "DeletedAt")
"""What a configuration says; the other attributes keep the books."""

KINDS = ("overwrite", "delete", "blank", "wrong-owner")
"""The ways in which the faulty job corrupts an item."""

_SOURCES = ("apple", "fitbit", "garmin", "polar", "strava", "suunto")
_SETS = tuple(list(chosen) for size in (1, 2, 3) for chosen in combinations(_SOURCES, size))
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS = tuple({"L": [{"S": day} for day in days]} for days in (_WEEK, _WEEK[:5], _WEEK[5:], _WEEK[::2]))
_SCHEDULES = tuple(
    {"M": {"Every": {"N": str(minutes)}, "Days": days}} for minutes in (5, 15, 30, 60, 240) for days in _DAYS
)
_ON, _OFF = {"BOOL": True}, {"BOOL": False}
_NOBODY: Item = {}


def key(number: int) -> Key:
    """The key of a user's configuration."""
    return f"USER#{number:05d}", "sync"


def user(key: Key) -> str:
    """The user id part of a key: `00042`."""
    return key[0].rpartition("#")[2]


def signed_up(number: int, region: str, at: datetime, writer: str, stream: Random) -> Item:
    """A whole configuration, as a user enters it for the first time, or again."""
    sources = _one(stream, _SETS)
    preferred = _one(stream, sources)
    return {
        "pk": {"S": f"USER#{number:05d}"},
        "sk": {"S": "sync"},
        "Owner": {"S": f"{number:05d}"},
        "Enabled": _ON,
        "PreferredSource": {"S": preferred},
        "Sources": {"SS": sources},
        "Schedule": _one(stream, _SCHEDULES),
        "Priority": {"L": [{"S": preferred}, *({"S": name} for name in sources if name != preferred)]},
        "Revision": {"N": "1"},
        "Region": {"S": region},
        "UpdatedAt": {"S": precise(at)},
        "Writers": {"L": [{"S": writer}]},
    }


def long_known(number: int, region: str, at: datetime, writer: str, stream: Random) -> Item:
    """The configuration of a user of long standing; one in fifty has left, as users leave: softly."""
    item = signed_up(number, region, at, writer, stream)
    item["Revision"] = {"N": str(1 + int(stream.random() * 9))}
    if stream.random() < 0.02:
        item |= {"Enabled": _OFF, "DeletedAt": item["UpdatedAt"]}
    return item


def entered_again(item: Item | None, fresh: Item) -> Item:
    """`fresh`, entered over what is there: the books go on."""
    return fresh if item is None else _booked(item, fresh, fresh)


def changed(item: Item, region: str, at: datetime, writer: str, stream: Random) -> tuple[Item, Item]:
    """(the item after one attribute was changed, the attributes that changed), as its owner changes it."""
    change = _change(item, at, stream)
    return booked(item, change, region, at, writer), change


def booked(item: Item, change: Item, region: str, at: datetime, writer: str) -> Item:
    """The item with some attributes set, and with who wrote it, where, when."""
    books = {"Region": {"S": region}, "UpdatedAt": {"S": precise(at)}, "Writers": {"L": [{"S": writer}]}}
    return _booked(item, item | change, books)


def corrupted(item: Item, kind: str, other: Item, stream: Random, users: int) -> Item | None:
    """What the faulty job makes of an item: its books untouched, None if it is gone.

    `other` is the configuration of somebody else, of as many `users` as there are.
    """
    match kind:
        case "delete":
            return None
        case "blank":
            kept = {name: value for name, value in item.items() if name not in ("Sources", "Schedule")}
            return kept | {"PreferredSource": {"S": ""}, "Priority": {"L": []}}
        case "wrong-owner":
            owner = (int(item["Owner"]["S"]) + 1 + int(stream.random() * (users * 4 // 5))) % users
            return item | {"Owner": {"S": f"{owner:05d}"}}
    taken = {name: other[name] for name in ("PreferredSource", "Sources", "Schedule", "Priority")}
    if taken["Sources"] == item["Sources"]:  # somebody else who wants the same: then of a source that nobody has
        legacy = {"S": "legacy"}
        taken |= {"PreferredSource": legacy, "Sources": {"SS": ["legacy"]}, "Priority": {"L": [legacy]}}
    return item | taken


def signed(item: Item, region: str, at: datetime, writer: str) -> Item:
    """The item with the faulty job in its books, as a writer that keeps them."""
    return booked(item, _NOBODY, region, at, writer)


def problem(item: Item | None, kind: str) -> str:
    """Why a sync with a corrupted configuration fails, as the API's log says it."""
    if item is None:
        return "settings-not-found"
    return {"blank": "no-sources", "wrong-owner": "owner-mismatch"}.get(kind, "source-not-connected")


def content(item: Item | None) -> Item | None:
    """What a configuration says, without its books."""
    return None if item is None else {name: item[name] for name in CONTENT if name in item}


def _booked(before: Item, item: Item, books: Item) -> Item:
    writers = (before.get("Writers", {"L": []})["L"] + books["Writers"]["L"])[-3:]
    revision = int(before.get("Revision", {"N": "0"})["N"]) + 1
    kept = {name: books[name] for name in ("Region", "UpdatedAt")}
    return item | kept | {"Revision": {"N": str(revision)}, "Writers": {"L": writers}}


def _change(item: Item, at: datetime, stream: Random) -> Item:
    """One attribute, set to something that it is not."""
    draw = stream.random()
    if draw < 0.05:
        if "DeletedAt" in item:
            return {"Enabled": _ON if item["Enabled"] == _OFF else _OFF}
        return {"Enabled": _OFF, "DeletedAt": {"S": precise(at)}}
    if draw < 0.4:
        return {"Schedule": _another(stream, _SCHEDULES, item.get("Schedule"))}
    if draw < 0.7:
        wishes = [{"S": name} for name in _SOURCES]
        return {"PreferredSource": _another(stream, wishes, item.get("PreferredSource"))}
    orders = [{"L": [{"S": name} for name in names]} for names in (_SOURCES[:2], _SOURCES[2:4], _SOURCES[::3])]
    return {"Priority": _another(stream, orders, item.get("Priority"))}


def _one(stream: Random, among: Sequence[T]) -> T:
    """One of them: the same as Random.choice, in a third of its time."""
    return among[int(stream.random() * len(among))]


def _another(stream: Random, among: Sequence[T], known: T | None) -> T:
    """One of them that is not the one that is there."""
    start = int(stream.random() * len(among))
    return next(each for each in (*among[start:], *among[:start]) if each != known)
