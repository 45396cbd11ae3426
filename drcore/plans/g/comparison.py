"""The restored table beside the one in use: how each item that differs is judged, what the record keeps of it.

The comparison is made once for a run. What a repair or a switch has to go by is its list of differences, which lies in
the record before anything is changed, and is bound into the journal.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from weakref import WeakKeyDictionary

from drcore.clock import iso, parse_time
from drcore.diff import Class, Difference, TableSource, compare
from drcore.diff.in_place_repair import restorable
from drcore.diff.keys import KeySchema, key_bytes
from drcore.engine.labels import label
from drcore.errors import BadInput, RunnerFailed, Unknown
from drcore.plans.g import exported_changes, invariants, titles
from drcore.plans.g.decisions import recovery_point
from drcore.plans.g.exported_changes import ItemWrite, honest
from drcore.plans.g.facts import GRun
from drcore.plans.g.tables import recovery_region, restored_table, table
from drcore.record.events import Kind
from drcore.record.files import EVIDENCE, digest
from drcore.services.dynamodb import items as dynamodb_items
from drcore.services.dynamodb import recovery

FILE = "comparison.jsonl.gz"
AFFECTED = (
    Class.CORRUPTED,
    Class.DELETED,
    Class.CONFLICT,
)  # users with such an item are affected by the bad release
_SEGMENT = 250_000
"""Items that one reader of a table takes. A small table has one reader, and its calls come in the same order always."""
_READERS = 4


@dataclass(frozen=True, slots=True)
class Count:
    """How many items are of a class, how many users that is."""

    kind: Class = field(metadata=label("class"))
    items: int
    users: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of the comparison. `carried` are bad writes that the restored table has too; it should be none."""

    at: datetime
    counts: tuple[Count, ...]
    affected: int
    by_person: int
    carried: int
    carried_why: str = field(default="", compare=False)

    def describe(self) -> Mapping[str, object]:
        return {
            "recovery point": self.at,
            **{f"{each.kind} items": each.items for each in self.counts},
            "users affected": self.affected,
            "items for a person": self.by_person,
            "bad writes in the restored table": self.carried,
        }

    def items(self, *kinds: Class) -> int:
        return sum(each.items for each in self.counts if each.kind in kinds)

    @property
    def all_items(self) -> int:
        return sum(each.items for each in self.counts)


def compared(run: GRun) -> Compared:
    """The comparison of this run; it is made at the first call. Raises Unknown, Rejected."""
    return known(run) or _compare(run, recovery_point(run))


def known(run: GRun) -> Compared | None:
    """The comparison of this run; None where it has not been made yet, or only for another recovery point."""
    made = run.history.last(Kind.COMPARISON)
    if made is None or parse_time(made["at"]) != recovery_point(run):
        return None
    counts = tuple(Count(Class(kind), items, users) for kind, items, users in made["counts"])
    at = parse_time(made["at"])
    return Compared(at, counts, made["affected"], made["by_person"], made["carried"], made["carried_why"])


_loaded: WeakKeyDictionary[GRun, tuple[str, tuple[Difference, ...]]] = WeakKeyDictionary()
_restorable: WeakKeyDictionary[GRun, tuple[str, tuple[Difference, ...]]] = WeakKeyDictionary()


def differences(run: GRun, *kinds: Class) -> tuple[Difference, ...]:
    """The differences as the record keeps them, sorted by key. Raises Unknown where they are not what was bound."""
    sha256 = version(run)
    if _loaded.get(run, ("", ()))[0] != sha256:
        content = (run.folder / EVIDENCE / FILE).read_bytes()
        if digest(content) != sha256:
            raise Unknown(f"{FILE} is not what the journal has bound: see `drcore verify`. Nothing is done by it")
        _loaded[run] = sha256, tuple(map(_from_line, gzip.decompress(content).splitlines()))
    return tuple(each for each in _loaded[run][1] if not kinds or each.kind in kinds)


def version(run: GRun) -> str:
    """Which comparison this is: the digest of its list. Raises Unknown where there is none."""
    name = f"{EVIDENCE}/{FILE}"
    bound = [line["sha256"] for line in run.history.lines(Kind.FILE) if line["name"] == name]
    if not bound:
        raise Unknown("the tables have not been compared")
    return str(bound[-1])


def schema(run: GRun) -> KeySchema:
    """The table's key."""
    return exported_changes.schema(run)


def repairable(run: GRun) -> tuple[Difference, ...]:
    """What may be put back without asking."""
    sha256 = version(run)
    if _restorable.get(run, ("", ()))[0] != sha256:
        bad = differences(run, Class.CORRUPTED, Class.DELETED)
        _restorable[run] = sha256, tuple(each for each in bad if restorable(each))
    return _restorable[run][1]


def for_a_person(run: GRun) -> tuple[Difference, ...]:
    """What nobody but a person can decide."""
    bad = differences(run, *AFFECTED)
    repaired = set(map(id, repairable(run)))  # the same objects: differences are read once
    return tuple(each for each in bad if id(each) not in repaired)


def left_for_a_person(run: GRun) -> tuple[Difference, ...]:
    """Conflicts, what cannot be guarded by a condition, what was changed while it was repaired.

    As it was seen before users might write again: what they change from then on is theirs, however often this run is
    opened again and looks.
    """
    allowed = next(run.history.lines(Kind.INTENT, step=titles.ALLOW), None)
    looks = [
        line["state"]["left"]
        for line in run.history.lines(Kind.LOOK, step=titles.REPAIR)
        if line["state"] and not (allowed and allowed["n"] < line["n"])
    ]
    changed = set(looks[-1] if looks else ())
    return (*for_a_person(run), *(e for e in repairable(run) if name_of(e) in changed))


def judged(run: GRun, difference: Difference, last: Mapping[bytes, ItemWrite], faulty: tuple[str, ...]) -> Difference:
    """A difference, judged by when its item was written too.

    The comparison knows what an item says of itself. A change that was on its way at the recovery point says that it
    is older, and yet it is none of the bad release's; an item that was changed by its user, then overwritten in
    silence, says nothing of the second. The exports have the time of each item's last write in this region.
    """
    if not invariants.is_user(run, difference.key):
        own = difference.kind if difference.kind is Class.ADDED else Class.LEGIT
        return replace(difference, kind=own, reason="no user's item: the service's own")
    live = difference.live
    if live is not None and difference.kind is Class.ADDED and set(exported_changes.writers(run, live)) & set(faulty):
        # There is no good image to put back, and nobody but a person knows whether the new one is.
        return replace(difference, kind=Class.CONFLICT)
    if live is None or difference.kind not in (Class.CORRUPTED, Class.LEGIT):
        return difference
    write, writers = last.get(key_bytes(difference.key)), exported_changes.writers(run, live)
    in_time = write is not None and honest(run, live, write.at)
    if difference.kind is Class.CORRUPTED:
        if not in_time or set(writers[-1:]) & set(faulty):
            return difference
        kind = Class.CONFLICT if set(writers) & set(faulty) else Class.LEGIT
        why = "changed right before the recovery point, written to the table right after it"
        difference = replace(difference, kind=kind, reason=why)
    elif write is not None and not in_time:
        why = f"{difference.reason}, then written again at {iso(write.at)}, of which the item says nothing"
        return replace(difference, kind=Class.CONFLICT, reason=why)
    broken = "; ".join(invariants.broken(run, live))
    if broken and not (difference.restored and list(invariants.broken(run, difference.restored))):
        return replace(difference, kind=Class.CONFLICT, reason=f"{difference.reason}, but {broken}")
    return difference


def judge_all(run: GRun, restored: str, live: str, where: str) -> tuple[list[Difference], Counter[Class]]:
    """Compare two tables in one region: every difference, sorted by key, and the counts. Raises Unknown, Rejected."""
    for name in (restored, live):
        must_be_there(run, where, name)
    readers = min(_READERS, 1 + dynamodb_items.count(run.aws, where, live) // _SEGMENT)
    sources = [TableSource(run.aws, where, name, readers) for name in (restored, live)]
    last = exported_changes.last_writes(run)
    try:
        with tempfile.TemporaryDirectory(dir=run.folder, prefix=".") as folder:
            policy = exported_changes.policy(run, recovery_point(run))
            report = compare(sources[0], sources[1], policy, out=Path(folder))
            judged_all = [judged(run, each, last, policy.faulty) for each in report.differences()]
    except (BadInput, RunnerFailed) as error:
        raise Unknown(f"{restored} and {live} in {where} could not be compared: {error}") from error
    counted = Counter({Class.UNCHANGED: report.counts[Class.UNCHANGED]}) + Counter(each.kind for each in judged_all)
    return sorted(judged_all, key=lambda item: key_bytes(item.key)), counted


def must_be_there(run: GRun, where: str, name: str) -> None:
    """Raises Unknown unless a table can be read in a region."""
    status = recovery.restored(run.aws, where, name).status
    if status not in ("ACTIVE", "UPDATING"):
        raise Unknown(f"{name} in {where} is {status or 'not there'}")


def _compare(run: GRun, at: datetime) -> Compared:
    differing, counted = judge_all(run, restored_table(run), table(run), recovery_region(run))
    carried = list(_carried(run))
    lines = b"".join(map(_line, differing))
    run.record.add_evidence(FILE, gzip.compress(lines, mtime=0), title="Every item that differs, with both images")
    users = {kind: {_user(run, each) for each in differing if each.kind is kind} for kind in Class}
    counts = [(str(kind), counted[kind], len(users[kind])) for kind in Class]
    run.record.append(
        Kind.COMPARISON,
        at=iso(at),
        restored=restored_table(run),
        live=table(run),
        region=recovery_region(run),
        counts=counts,
        affected=len(set().union(*(users[kind] for kind in AFFECTED))),
        by_person=len(for_a_person(run)),
        carried=len(carried),
        carried_why="; ".join(f"{_name(write.key)}: {why}" for write, why in carried[:3]),
    )
    again = known(run)
    assert again
    return again


def _carried(run: GRun) -> Iterator[tuple[ItemWrite, str]]:
    made, last = exported_changes.exports(run), exported_changes.last_writes(run)
    if not made:
        return
    keys = [write.key for write in last.values()]
    items = dynamodb_items.some(run.aws, recovery_region(run), restored_table(run), keys)
    key = exported_changes.schema(run)
    images = {key_bytes(key.of(item)): item for item in items}
    yield from exported_changes.carried(run, last, images, min(each.since for each in made))


def _user(run: GRun, difference: Difference) -> str:
    return str(difference.key[run.facts.key.partition].get("S", ""))


def name_of(difference: Difference) -> str:
    """An item's key as a person reads it."""
    return _name(difference.key)


def _name(key: Mapping[str, Mapping[str, object]]) -> str:
    return " ".join(str(next(iter(value.values()))) for value in key.values())


def _line(difference: Difference) -> bytes:
    fields: dict[str, object] = {"class": difference.kind, "key": difference.key, "reason": difference.reason}
    fields |= {"restored": difference.restored, "live": difference.live}
    return as_text(fields).encode() + b"\n"


def as_text(value: object) -> str:
    """Anything with items in it as one line of JSON; binary values in base64, as files have them."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_binary)


def _binary(value: object) -> str:
    assert isinstance(value, bytes)
    return b64encode(value).decode()


def _from_line(line: bytes) -> Difference:
    fields = json.loads(line)
    return Difference(Class(fields["class"]), fields["key"], fields["reason"], fields["restored"], fields["live"])


def users_of(run: GRun, differences: Iterable[Difference]) -> set[str]:
    """The users whose items these are."""
    return {_user(run, each) for each in differences}
