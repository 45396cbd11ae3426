"""What must be true of users' items: a sample of them, how many are not as they must be, what that means for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from drcore.diff import sample as sampling
from drcore.plans.g.facts import GRun, Invariant
from drcore.plans.g.tables import in_use
from drcore.plans.g.tables import table as corrupted
from drcore.record.evidence import Table
from drcore.services.dynamodb import items as dynamodb_items
from drcore.services.dynamodb.tables import Typed


@dataclass(frozen=True, slots=True, order=True)
class Defect:
    """One user's item that is not as it must be: what is wrong with it, who wrote it last (empty: it does not say)."""

    user: str
    what: str
    writer: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """How many of the users that were looked at have a defect, and between which shares of all that lies (95 %).

    A defect is what breaks an invariant. A wrong value that is well-formed breaks none, and who was deleted was not
    there to be chosen: `suspect` are those whose item was last written by a suspected writer, `there` is how many items
    the part of the table holds that the sample is from, one of `parts`.
    """

    size: int
    defects: tuple[Defect, ...]
    low_percent: float
    high_percent: float
    users: int = field(compare=False)
    suspect: tuple[str, ...] = field(default=(), compare=False)
    there: int = field(default=0, compare=False)
    parts: int = field(default=1, compare=False)

    def describe(self) -> Mapping[str, object]:
        share = f"{self.low_percent:.2g} to {self.high_percent:.2g} % of all users"
        return {"users looked at": self.size, "users with a defect": f"{len(self.defects)} ({share})"}

    def __str__(self) -> str:
        if not self.size:
            return "no user's item was found"
        share = f"{self.low_percent:.1f} % to {self.high_percent:.1f} % of all users"
        if not self.defects:
            share = f"fewer than {self.high_percent:.2f} % of all users"
        return f"{len(self.defects)} of {self.size} users have items that break an invariant: {share} (95 % confidence)"

    @property
    def of_all_users(self) -> tuple[int, int]:
        """How many of all users have corrupted items, at least and at most."""
        return int(self.users * self.low_percent / 100), -int(-self.users * self.high_percent // 100)


_SMALL = 20  # so many samples make up a table that is still read whole

# The keys of the sample, chosen once for a run and table: later looks see the same users, and miss none that is gone.
_chosen: WeakKeyDictionary[GRun, dict[str, list[Typed]]] = WeakKeyDictionary()


def take(run: GRun, region: str, table: str = "", suspects: tuple[str, ...] = ()) -> Sample:
    """Look at a random sample of users' items, as one region holds them. Raises Unknown, Rejected.

    `suspects` are the names under which a suspected release writes into items.
    """
    name = table or in_use(run)
    keys = chosen(run, region, name)
    there, items = _counted(run, region, name, keys)
    defects, suspect = [], []
    for user in (user_of(run, key) for key in keys):
        item = items.get(user)
        what = "deleted" if item is None else "; ".join(broken(run, item))
        writer = last_writer(run, item) if item else ""
        if what:
            defects.append(Defect(user, what, writer))
        elif writer in suspects:
            suspect.append(user)
    low, high = sampling.bound(len(defects), len(keys)) if keys else (0.0, 1.0)
    about = dynamodb_items.count(run.aws, region, corrupted(run))
    return Sample(
        len(keys),
        tuple(defects),
        round(100 * low, 3),
        round(100 * high, 3),
        max(about, len(keys)),
        tuple(suspect),
        there,
        _parts(run, region),
    )


def chosen(run: GRun, region: str, table: str) -> list[Typed]:
    """The keys of the sample: users by the hash of their key, the same for every look of this run."""
    known = _chosen.setdefault(run, {})
    if table not in known:
        keys = [_key(run, item) for item in _segment(run, region, table) if is_user(run, item)]
        known[table] = sampling.choose(keys, run.facts.sample, salt=table)
    return known[table]


def _segment(run: GRun, region: str, table: str) -> Iterator[Typed]:
    """Of a large table a part is read, a range of the hash of its keys; which one is left to chance."""
    parts = _parts(run, region)
    return dynamodb_items.segment(run.aws, region, table, int.from_bytes(run.id.encode()[-4:]) % parts, parts)


def _counted(run: GRun, region: str, table: str, keys: list[Typed]) -> tuple[int, dict[str, Typed]]:
    """How many items the part holds that is read, whosever they are; and the items of some users, by user."""
    partition, there, by_user = run.facts.key.partition, 0, {}
    wanted = {key[partition]["S"]: user_of(run, key) for key in keys}
    for item in _segment(run, region, table):
        there += 1
        user = wanted.get(item.get(partition, {}).get("S"))
        if user is not None and is_user(run, item):
            by_user[user] = item
    if _parts(run, region) > 1:  # a region's segments need not be those of another
        by_user = {user_of(run, item): item for item in dynamodb_items.some(run.aws, region, table, keys)}
    return there, by_user


def _parts(run: GRun, region: str) -> int:
    """In how many parts a table is read, each large enough to choose from; a restored one is not counted yet."""
    small: int = _SMALL * run.facts.sample
    return max(1, dynamodb_items.count(run.aws, region, corrupted(run)) // small)


def is_user(run: GRun, item: Typed) -> bool:
    """Whether an item is a user's configuration."""
    key, users = run.facts.key, run.facts.users
    pk, sk = item.get(key.partition, {}).get("S", ""), item.get(key.sort, {}).get("S", "")
    return bool(pk.startswith(users.prefix) and sk == users.sort)


def user_of(run: GRun, item: Typed) -> str:
    """The user that an item's key names."""
    return str(item[run.facts.key.partition]["S"]).removeprefix(run.facts.users.prefix)


def last_writer(run: GRun, item: Typed) -> str:
    """Who wrote an item last, by what it says itself; a faulty writer need not have said so."""
    kind, value = next(iter(item.get(run.facts.attributes.writer, {"": ""}).items()))
    if kind == "L":
        value = value[-1].get("S", "") if value else ""
    return str(value)


def broken(run: GRun, item: Typed) -> Iterator[str]:
    """The invariants that an item breaks, each in words."""
    for invariant in run.facts.invariants:
        what = _breaks(run, item, invariant)
        if what:
            yield f"{invariant.attribute} {what}"


def _breaks(run: GRun, item: Typed, invariant: Invariant) -> str:
    value: Any = item.get(invariant.attribute)
    if value is None:
        return "is missing"
    if invariant.kind not in value:
        return f"is {next(iter(value))}, not {invariant.kind}"
    inner = value[invariant.kind]
    if invariant.must != "exist" and inner in ("", [], {}):
        return "is empty"
    if invariant.must == "user" and inner != user_of(run, item):
        return f"is {inner}"
    if invariant.must == "among" and inner not in _members(item.get(invariant.of, {})):
        return f"is {inner}, which is not in {invariant.of}"
    return ""


def _members(value: Mapping[str, Any]) -> list[Any]:
    kind, inner = next(iter(value.items()), ("", []))
    return [next(iter(each.values())) for each in inner] if kind == "L" else list(inner)


def _key(run: GRun, item: Typed) -> dict[str, Mapping[str, Any]]:
    names = (run.facts.key.partition, run.facts.key.sort)
    return {name: item[name] for name in names}


def defects_table(name: str, sample: Sample) -> Table:
    """The users of the sample that have corrupted items, with what is wrong."""
    rows = tuple((each.user, each.what, each.writer) for each in sample.defects)
    return Table(name, f"Sample: {sample}", ("user", "what is wrong", "last writer, by the item itself"), rows)


def reasons_table(run: GRun, name: str, sample: Sample) -> Table:
    """The invariants, why each must hold, how many of the sample break it."""
    rows = tuple(
        (each.attribute, each.must, each.reason, sum(_names(defect, each.attribute) for defect in sample.defects))
        for each in run.facts.invariants
    )
    return Table(
        name,
        "What must be true of every user's item",
        ("attribute", "must", "why", "users of the sample that break it"),
        rows,
    )


def _names(defect: Defect, attribute: str) -> bool:
    return any(part.startswith(f"{attribute} ") for part in defect.what.split("; "))
