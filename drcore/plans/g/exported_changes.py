"""What has changed in the table, by its exports: which writes were bad, since when.

An incremental export has one line an item: its image before the span, its image after, when it was written last. The
first bad write may so be hidden below a later one of the same item: a span that ends where the first one is seen shows
whether there was an earlier one.

A write is honest when the item says of itself that it was modified just then. It takes a moment from that to the table
of a region; a write that is later than that has left the time of modification alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

from drcore.clock import parse_time
from drcore.diff import Class, Policy, judge
from drcore.diff.keys import KeySchema, key_bytes
from drcore.diff.policy import SKEW, modified_of, writers_of
from drcore.plans.g import invariants
from drcore.plans.g.decisions import faulty_writers
from drcore.plans.g.facts import GRun
from drcore.plans.g.resources import EXPORTED
from drcore.plans.g.tables import recovery_region, table_arn
from drcore.record.events import Kind
from drcore.services.dynamodb import exports as dynamodb_exports
from drcore.services.dynamodb.exports import READY, RUNNING, Changed, Image, IncrementalExport

BAD = (Class.CORRUPTED, Class.DELETED, Class.CONFLICT)
ON_ITS_WAY = timedelta(seconds=30)  # from the time that a write says to the table of a region: retries, replication
_CLOCKS_DIFFER = timedelta(minutes=15)  # between the machine that wrote the journal and AWS: else it takes no call

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ItemWrite:
    """The last write of one item in a span, what kind it was, why it counts as that."""

    at: datetime
    key: Image
    kind: Class
    reason: str
    changed: Changed


# What an export says does not change, nor whose it is: it is asked for once in a run, and its files are read once.
_described: WeakKeyDictionary[GRun, dict[str, IncrementalExport]] = WeakKeyDictionary()
_read: WeakKeyDictionary[GRun, dict[str, tuple[ItemWrite, ...]]] = WeakKeyDictionary()


def prefix(run: GRun) -> str:
    """Where this run's exports lie in the bucket: by it they are recognized after a restart."""
    return f"{EXPORTED}{run.id}"


def exports(run: GRun) -> tuple[IncrementalExport, ...]:
    """The exports of this run, the one of the longest span first. Raises Unknown, Rejected."""
    region, opened = recovery_region(run), next(run.history.lines(Kind.OPENED))
    begun = parse_time(opened["time"]) - _CLOCKS_DIFFER
    known = _described.setdefault(run, {})
    for arn in dynamodb_exports.incremental(run.aws, region, table_arn(run, region), begun):
        if arn not in known or (known[arn].prefix == prefix(run) and known[arn].status == RUNNING):
            known[arn] = dynamodb_exports.export(run.aws, region, arn)
    own = (each for each in known.values() if each.prefix == prefix(run))
    return tuple(sorted(own, key=lambda export: (export.until, export.arn), reverse=True))


def writes(run: GRun, made: Iterable[IncrementalExport]) -> tuple[ItemWrite, ...]:
    """The last writes of users' items in some exports, oldest first. Raises Unknown, Rejected."""
    known = _read.setdefault(run, {})
    by_key: dict[tuple[bytes, datetime], ItemWrite] = {}
    for export in made:
        if export.status == READY:
            if export.arn not in known:
                lines = dynamodb_exports.changes(run.aws, recovery_region(run), export)
                rule = policy(run, export.until)
                known[export.arn] = tuple(
                    _write(run, rule, line) for line in lines if invariants.is_user(run, line.key)
                )
            by_key |= {(key_bytes(write.key), write.at): write for write in known[export.arn]}
    return tuple(sorted(by_key.values(), key=lambda write: (write.at, key_bytes(write.key))))


def last_writes(run: GRun) -> dict[bytes, ItemWrite]:
    """The last write of each item that changed, by its key, by all of this run's exports. Raises Unknown, Rejected."""
    return {key_bytes(write.key): write for write in writes(run, exports(run))}


def first_bad(made: Iterable[ItemWrite]) -> datetime | None:
    """When the first bad write that can be seen was made. Of a conflict it is the latest time that it may have been."""
    return min((write.at for write in made if write.kind in BAD), default=None)


def policy(run: GRun, point: datetime) -> Policy:
    """What counts as corrupted, against the state at a moment, for items that are read now."""
    names = run.facts.attributes
    return Policy(point, faulty_writers(run), names.modified, names.writer, run.clock.now(), run.facts.settings.ttl)


def schema(run: GRun) -> KeySchema:
    """The table's key."""
    return KeySchema((run.facts.key.partition, run.facts.key.sort))


def honest(run: GRun, item: Image, written: datetime) -> bool:
    """Whether an item says that it was modified when it was written."""
    micros = modified_of(item, run.facts.attributes.modified)
    return micros is not None and -SKEW <= written - (_EPOCH + timedelta(microseconds=micros)) <= ON_ITS_WAY


def writers(run: GRun, item: Image) -> tuple[str, ...]:
    """Who wrote an item, by what it says itself, oldest first."""
    return writers_of(item, run.facts.attributes.writer)


def carried(
    run: GRun, last: Mapping[bytes, ItemWrite], images: Mapping[bytes, Image], since: datetime
) -> Iterator[tuple[ItemWrite, str]]:
    """What a restored table has of bad writes: each with why. `images` are its items of those keys.

    The exports have each item as it was before their span, which began at `since`; what it became until the recovery
    point must be an honest change. One that was made right before the span may have come to this region within it; it
    says a later time than the image before it.
    """
    rule = policy(run, since - ON_ITS_WAY)
    for key, write in last.items():
        old, image = write.changed.old, images.get(key)
        if old is None and image is None:
            continue
        kind, reason = judge(old, image, rule)
        if kind is Class.LEGIT and (why := silent(run, old, image)):
            kind, reason = Class.CORRUPTED, why
        if kind in BAD:
            yield write, reason


def _write(run: GRun, rule: Policy, line: Changed) -> ItemWrite:
    """A line of an export, judged against what was right before it."""
    kind, why = judge(line.old, line.new, replace(rule, recovery_point=line.at - ON_ITS_WAY, now=line.at))
    if kind is Class.DELETED:
        why = "removed: users' items are switched off, never removed"
    if kind is Class.LEGIT and (same := silent(run, line.old, line.new)):
        kind, why = Class.CORRUPTED, same
    return ItemWrite(line.at, line.key, kind, why, line)


def silent(run: GRun, old: Image | None, new: Image | None) -> str:
    """Why a change is none that its writer owns up to: the item says the same time as before. Empty: it may be one.

    It holds however near a border in time the change was made, where times alone tell nothing.
    """
    name = run.facts.attributes.modified
    before, after = (modified_of(image, name) if image else None for image in (old, new))
    return f"changed, and {name} is what it was" if before is not None and before == after else ""


def was_broken(run: GRun, write: ItemWrite | None) -> bool:
    """Whether an item was no better before the incident: not changed since, or broken already then."""
    old = write.changed.old if write else None
    return write is None or (old is not None and any(invariants.broken(run, old)))


def by_minute(
    made: Iterable[ItemWrite], since: datetime, until: datetime
) -> tuple[tuple[datetime, ...], Counter[tuple[datetime, Class]]]:
    """The whole minutes of a span; how many last writes of each kind were made in each."""
    start, one = since.replace(second=0, microsecond=0), timedelta(minutes=1)
    times = tuple(start + number * one for number in range(int((until - start) / one) + 1))
    return times, Counter((write.at.replace(second=0, microsecond=0), write.kind) for write in made)
