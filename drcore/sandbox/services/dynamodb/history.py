"""DynamoDB: one table's items with all that was ever written to them, so that any moment can be told again."""

from bisect import bisect_right, insort
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from drcore.sandbox.services.dynamodb.items import Attributes, Key, Stamp, Stored, stored


@dataclass(slots=True, eq=False)
class LoggedWrite:
    """One write as it happened to a table: `before` or `after` None is no item."""

    at: datetime
    key: Key
    before: Stored | None
    after: Stored | None
    stamp: Stamp
    by: str | None
    """The role that wrote, None where nobody asked who."""
    replicated: bool


_AT = attrgetter("at")


class TableHistory:
    """What was there from the beginning (`base`), each write since, and what is there now.

    A write may be told late: it takes its place in time, and loses to a later one that is there already.
    """

    def __init__(self) -> None:
        self.base: dict[Key, Stored] = {}
        self.now: dict[Key, Stored] = {}
        self.entries: list[LoggedWrite] = []
        self.keys_changed = 0
        """Grows with each key that comes or goes."""
        self._size: int | None = None
        self._counted = (-1, 0)
        self._opened: Stamp | None = None
        self._stamps: dict[Key, Stamp] = {}
        self._by_key: dict[Key, list[LoggedWrite]] = {}

    def begin(self, key: Key, item: Attributes, stamp: Stamp) -> None:
        """An item that is there since long ago."""
        self.base[key] = self.now[key] = Stored(item) if not isinstance(item, Stored) else item
        self._stamps[key] = stamp
        self._size = None
        self.keys_changed += 1

    def open_with(self, items: dict[Key, Stored], stamp: Stamp) -> None:
        """Begin with the items of another table, all of them written at once; the items are shared, not copied."""
        self.base, self.now, self._opened = items, dict(items), stamp
        self._size = None
        self.keys_changed += 1

    @property
    def size(self) -> int:
        """Bytes of all items that are there now; kept up with each write, as every look at the table asks for it."""
        if self._size is None:
            self._size = sum(item.size for item in self.now.values())
        return self._size

    def stamp(self, key: Key) -> Stamp | None:
        """When and where the item was last written; None if it never was."""
        mine = self._by_key.get(key)
        return mine[-1].stamp if mine else self._first(key)

    def _first(self, key: Key) -> Stamp | None:
        return self._stamps.get(key) or (self._opened if key in self.base else None)

    def record(
        self,
        at: datetime,
        key: Key,
        item: Attributes | None,
        stamp: Stamp,
        by: str | None = None,
        *,
        replicated: bool = False,
    ) -> LoggedWrite | None:
        """Write an item, or delete it with None; None is returned for a replicated write that loses."""
        mine = self._by_key.setdefault(key, [])
        place = len(mine) if not mine or mine[-1].at <= at else bisect_right(mine, at, key=_AT)
        known = mine[place - 1].stamp if place else None  # what was there from the beginning loses to any write
        if replicated and known is not None and known > stamp:
            return None
        before = mine[place - 1].after if place else self.base.get(key)
        entry = LoggedWrite(at, key, before, stored(item), stamp, by, replicated)
        while place < len(mine) and mine[place].replicated and mine[place].stamp < stamp:
            self.entries.remove(mine.pop(place))  # it came later and is older: it would have lost
        mine.insert(place, entry)
        if not self.entries or self.entries[-1].at <= at:
            self.entries.append(entry)
        else:
            insort(self.entries, entry, key=_AT)
        if place + 1 < len(mine):
            mine[place + 1].before = entry.after
        else:
            self._set(key, entry.after)
        return entry

    def image(self, key: Key, moment: datetime) -> Stored | None:
        """One item at a moment."""
        mine = self._by_key.get(key) or []
        place = bisect_right(mine, moment, key=_AT)
        return mine[place - 1].after if place else self.base.get(key)

    def at(self, moment: datetime) -> dict[Key, Stored]:
        """The items at a moment: with every write whose time is not after it."""
        items = dict(self.base)
        for entry in self.entries[: bisect_right(self.entries, moment, key=_AT)]:
            if entry.after is None:
                items.pop(entry.key, None)
            else:
                items[entry.key] = entry.after
        return items

    def count_at(self, moment: datetime) -> int:
        """How many items there were at a moment."""
        place = bisect_right(self.entries, moment, key=_AT)
        if self._counted[0] != place:  # asked at each look at the table
            written = self.entries[:place]
            count = len(self.base) + sum((each.before is None) - (each.after is None) for each in written)
            self._counted = place, count
        return self._counted[1]

    def forget(self, since: datetime) -> list[LoggedWrite]:
        """Let nothing have been written after `since`; returns what was."""
        place = bisect_right(self.entries, since, key=_AT)
        dropped, self.now, self._counted = self.entries[place:], self.at(since), (-1, 0)
        del self.entries[place:]
        for key in {entry.key for entry in dropped}:
            mine = self._by_key[key]
            del mine[bisect_right(mine, since, key=_AT) :]
        self._size = None
        self.keys_changed += 1
        return dropped

    def _set(self, key: Key, item: Stored | None) -> None:
        if (item is None) == (key in self.now):
            self.keys_changed += 1
        if self._size is not None:
            before = self.now.get(key)
            self._size += (item.size if item else 0) - (before.size if before else 0)
        if item is None:
            self.now.pop(key, None)
        else:
            self.now[key] = item
