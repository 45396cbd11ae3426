"""What the users of SyncWell meant, beside what the faulty job made of it: the truth about each configuration.

Kept from the moment at which the fault begins, as nobody can be wrong about an item before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.life.configurations import Item, Key, content


@dataclass(frozen=True, slots=True)
class BadWrite:
    """One write of the faulty job. `silent`: it left the books of the item as they were."""

    at: datetime
    key: Key
    kind: str
    silent: bool
    before: Item
    after: Item | None


@dataclass(frozen=True, slots=True)
class Edit:
    """A user's last edit of an item: what it set, and what its owner means the item to be since."""

    at: datetime
    region: str
    key: Key
    change: Item
    meant: Item


class IntendedData:
    """Corrupted items, edits and meanings by key; empty until a fault begins."""

    def __init__(self, _: World) -> None:
        self.began: datetime | None = None
        self.bad_writes: dict[Key, BadWrite] = {}
        self.last: dict[Key, Edit] = {}
        self.edits = 0
        self._base: Mapping[Key, Item] = {}
        self._meant: dict[Key, list[Item]] = {}
        self._known: dict[Key, tuple[Item | None, bool]] = {}

    def begin(self, at: datetime, base: Mapping[Key, Item]) -> None:
        """Take down everything from `at` on, when everybody had what he meant: `base`."""
        self.began, self._base = at, base

    def corrupted(self, bad_write: BadWrite) -> None:
        """The faulty job has written."""
        self.bad_writes[bad_write.key] = bad_write
        self._known.pop(bad_write.key, None)

    def edited(self, region: str, at: datetime, key: Key, change: Item, before: Item | None, written: Item) -> None:
        """A user has set the attributes of `change`: the table had `before` and got `written`."""
        if self.began is None:
            return
        known = self.meant(key)
        meant = written if known is None or self.sound(key, before) else {**known, **change}
        self.edits += 1
        self.last[key] = Edit(at, region, key, change, meant)
        self._meant.setdefault(key, []).append(meant)
        self._known.pop(key, None)

    def meant(self, key: Key) -> Item | None:
        """What the owner of an item means it to be; None if he never had one."""
        mine = self._meant.get(key)
        return mine[-1] if mine else self._base.get(key)

    def sound(self, key: Key, item: Item | None) -> bool:
        """Whether an item says what its owner meant it to say, now or at any time before."""
        known = self._known.get(key)
        if known is None or known[0] is not item:
            known = self._known[key] = (item, self._sound(key, item))
        return known[1]

    def bad_write_in(self, key: Key, item: Item | None) -> BadWrite | None:
        """The bad write that an item still suffers from."""
        bad_write = self.bad_writes.get(key)
        return None if bad_write is None or self.sound(key, item) else bad_write

    def edited_on_top(self, key: Key, item: Item | None) -> bool:
        """Whether a corrupted item has its owner's edit on top: what he saw of the damage he has put right."""
        edit, bad_write = self.last.get(key), self.bad_writes.get(key)
        return edit is not None and bad_write is not None and edit.at > bad_write.at and not lacks(item, edit)

    def known(self) -> Iterator[Key]:
        """The keys of which something is known."""
        yield from self._base
        yield from (key for key in self._meant if key not in self._base)

    def _sound(self, key: Key, item: Item | None) -> bool:
        base = self._base.get(key)
        if item is None:
            return base is None
        actual = content(item)
        return any(actual == content(meant) for meant in (base, *self._meant.get(key, ())))


def lacks(item: Item | None, edit: Edit) -> bool:
    """Whether an item is without what an edit has set."""
    return item is None or any(item.get(name) != value for name, value in edit.change.items())
