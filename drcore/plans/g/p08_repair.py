"""Plan G, phase 8: the repair in place, good images come back where the bad ones still stand.

Each write holds only as long as its item is still exactly the bad one, so that whatever anybody has written since
survives. What undoes it lies in the record before the first write; batch by batch the journal says which items were
meant, so that only those are undone.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from drcore.calls.gate import Call
from drcore.diff import Difference, equal
from drcore.diff.in_place_repair import inverse_for, write_for
from drcore.diff.keys import key_bytes
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Rejected
from drcore.plans.g import comparison, resources, titles
from drcore.plans.g.comparison import as_text, left_for_a_person, name_of
from drcore.plans.g.decisions import not_the_remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.p06_compare import differences_table
from drcore.plans.g.tables import recovery_region, table
from drcore.record.events import Kind
from drcore.record.evidence import Exhibit, Table
from drcore.services.dynamodb import items as dynamodb_items
from drcore.services.dynamodb.exports import Image
from drcore.services.dynamodb.transactions import LARGEST, MOST, Write, write_together

INVERSE_FILE, REPAIR_FILE = "inverse.jsonl.gz", "repair.jsonl.gz"
_FRESH = timedelta(minutes=10)  # after that what was read of an item is read again
_NAMED = 1000  # items left for a person are named in the journal up to here


def in_table(run: GRun) -> list[Target]:
    """The repair is made in one region; replication carries it to the others."""
    return [Target(recovery_region(run), table(run))]


# ── Write the inverse ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Inverse:
    """What is to be repaired, and whether all of what undoes it lies in the record."""

    items: int = field(metadata=label("items to be written"))
    kept: bool = field(metadata=label("inverse kept in the record"))


def see_inverse(run: GRun, target: Target) -> Inverse:
    if not_the_remedy(run, Remedy.REPAIR):
        return Inverse(0, False)
    repairable = comparison.repairable(run)
    kept = run.history.last(Kind.INVERSE, step=titles.INVERSE)
    return Inverse(len(repairable), bool(kept) and kept["of"] == comparison.version(run) if kept else False)


def is_kept(run: GRun, target: Target, seen: Inverse) -> Check:
    other = not_the_remedy(run, Remedy.REPAIR)
    if other:
        return other
    return (
        yes(f"the inverse of {seen.items} writes is kept")
        if seen.kept
        else no(f"the inverse of {seen.items} writes is to be kept")
    )


def keep_inverse(run: GRun, target: Target, seen: Inverse) -> None:
    """Put every write, and what undoes it, into the record: as TransactWriteItems takes them."""
    call = Call("drcore", "KeepInverse", "", True, parameters={"items": seen.items})
    run.calls.admit(call)
    repairable = comparison.repairable(run)
    for name, title, made in (
        (REPAIR_FILE, "What the repair writes, item by item", write_for),
        (INVERSE_FILE, "What undoes the repair, item by item", inverse_for),
    ):
        lines = (as_text(dict([made(each, target.thing)])) for each in repairable)
        run.record.add_evidence(
            name, gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0), title=title
        )
    run.record.append(Kind.INVERSE, step=titles.INVERSE, of=comparison.version(run), items=len(repairable))
    run.calls.note(call, "OK")


INVERSE = Step(
    titles.INVERSE,
    changes="the inverse of each write of the repair is put into the record, before the first of them",
    look=see_inverse,
    expect=is_kept,
    act=keep_inverse,
    supposed=lambda run, target, seen: Call(
        "drcore", "KeepInverse", "", True, parameters={"items": "<to be repaired>"}
    ),
    targets=in_table,
    needs=(titles.COMPARE, titles.DECIDE),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=10),
)


# ── Repair ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Repairing:
    """How many items are still bad, have their good image, were changed by somebody meanwhile.

    `refused`: how many writes of ours were refused: the item was no longer the bad one, or DynamoDB takes no such
    write. `left` names those that a person has to look at.
    """

    bad: int = field(compare=False)
    good: int = field(metadata=label("items with their good image"))
    changed: int = field(compare=False)
    refused: int = field(metadata=label("writes refused"))
    left: tuple[str, ...] = field(compare=False)


BAD, GOOD, CHANGED = "bad", "good", "changed"
NEVER_TAKEN = "ValidationException"


@dataclass
class _ItemStates:
    """What this process has read of each item, and when it read all of them."""

    version: str
    items: dict[bytes, Difference]
    at: datetime
    state: dict[bytes, str]
    refused: set[bytes]
    alone: set[bytes] = field(default_factory=set)
    """Of a batch that DynamoDB has refused as a whole: each is written alone, to find the one that it will not take."""


# A look after each batch reads what the batch may have touched, not all that there is: else a repair of many items
# would read for hours. A new process, or one that has waited, reads all of it again.
_known: WeakKeyDictionary[GRun, _ItemStates] = WeakKeyDictionary()


def _read(run: GRun) -> _ItemStates:
    known, now = _known.get(run), run.clock.now()
    version = comparison.version(run)
    if known is None or known.version != version or now - known.at > _FRESH:
        refused, alone = (known.refused, known.alone) if known and known.version == version else (set(), set())
        items = {key_bytes(each.key): each for each in comparison.repairable(run)}
        known = _known[run] = _ItemStates(version, items, now, {}, refused, alone)
    unread = [known.items[key] for key in known.items if key not in known.state]
    keys = [each.key for each in unread]
    items_now = dynamodb_items.some(run.aws, recovery_region(run), table(run), keys) if keys else ()
    schema = comparison.schema(run)
    images = {key_bytes(schema.of(item)): item for item in items_now}
    known.state |= {key_bytes(each.key): _state(each, images.get(key_bytes(each.key))) for each in unread}
    return known


def _state(difference: Difference, now: Image | None) -> str:
    if now is not None and difference.restored is not None and equal(now, difference.restored):
        return GOOD
    same = now is None if difference.live is None else now is not None and equal(now, difference.live)
    return BAD if same else CHANGED


def see_repair(run: GRun, target: Target) -> Repairing:
    if not_the_remedy(run, Remedy.REPAIR):
        return Repairing(0, 0, 0, 0, ())
    known = _read(run)
    # One that looks bad and whose write does not hold is none that can be repaired blindly.
    states = {key: CHANGED if key in known.refused and state == BAD else state for key, state in known.state.items()}
    count = Counter(states.values())
    left = [name_of(known.items[key]) for key, state in states.items() if state == CHANGED]
    return Repairing(count[BAD], count[GOOD], count[CHANGED], len(known.refused), tuple(sorted(left)[:_NAMED]))


def is_repaired(run: GRun, target: Target, seen: Repairing) -> Check:
    other = not_the_remedy(run, Remedy.REPAIR)
    if other:
        return other
    waiting = len(comparison.for_a_person(run)) + seen.changed
    repaired = f"{seen.good} of {seen.good + seen.bad + seen.changed} items have their good image"
    if seen.bad:
        return no(f"{repaired}, {seen.bad} are still bad")
    return yes(f"{repaired}; {waiting} are left for a person")


def repair_batch(run: GRun, target: Target, seen: Repairing) -> None:
    """One batch of items that are still bad."""
    known = _read(run)
    keys = [key for key, state in known.state.items() if state == BAD and key not in known.refused]
    batch = _batch(known, keys)
    for number in _write(run, target, batch, [write_for(each, target.thing) for each in batch], BAD):
        known.refused.add(key_bytes(batch[number].key))


def name_batch(run: GRun, target: Target, seen: Repairing) -> Call:
    """A batch before anything was compared."""
    put = {
        "TableName": target.thing,
        "Item": "<good image>",
        "ConditionExpression": "<the item is still the corrupted one>",
    }
    return Call("dynamodb", "TransactWriteItems", target.region, True, parameters={"TransactItems": [{"Put": put}]})


def undo_batch(run: GRun, target: Target, before: Repairing) -> None:
    """One batch of what this run has repaired, where nobody has changed it since."""
    known = _read(run)
    known.refused.clear()  # what the repair could not write says nothing of what undoes it
    ours = {
        bytes.fromhex(key)
        for line in run.history.lines(Kind.BATCH, step=titles.REPAIR)
        if line["they_are"] == BAD
        for key in line["keys"]
    }
    keys = [key for key, state in known.state.items() if state == GOOD and key in ours]
    batch = _batch(known, keys)
    _write(run, target, batch, [inverse_for(each, target.thing) for each in batch], GOOD)


def _batch(known: _ItemStates, keys: Sequence[bytes]) -> list[Difference]:
    """As many as fit into one transaction; one alone that may be why a batch was refused as a whole."""
    batch: list[Difference] = []
    size = 0
    together = [key for key in keys if key not in known.alone]
    for key in together[:MOST] or keys[:1]:
        difference = known.items[key]
        size += 2 * sum(len(as_text(image).encode()) for image in (difference.restored, difference.live) if image)
        if batch and size > LARGEST:
            break
        batch.append(difference)
    return batch


def _write(
    run: GRun, target: Target, batch: Sequence[Difference], writes: Sequence[Write], they_are: str
) -> tuple[int, ...]:
    if not batch:
        return ()
    known = _known[run]
    number = len([*run.history.lines(Kind.BATCH)])
    token = hashlib.sha256(f"{run.id} {number}".encode()).hexdigest()[:36]  # another one for each batch, and each try
    keys = [key_bytes(each.key) for each in batch]
    run.record.append(Kind.BATCH, step=titles.REPAIR, they_are=they_are, token=token, keys=[key.hex() for key in keys])
    for key in keys:
        known.state.pop(key, None)  # whatever becomes of the call, they are read again
    try:
        return write_together(run.aws, target.region, writes, token)
    except Rejected as error:
        if error.code != NEVER_TAKEN:
            raise
        if len(keys) > 1:
            known.alone.update(keys)
            return ()
        return (0,)  # too large for DynamoDB, say: it is for a person, and holds up no other item


def show_repair(run: GRun, states: Mapping[Target, Repairing]) -> Iterator[Exhibit]:
    if not_the_remedy(run, Remedy.REPAIR):
        return
    looks = [(time, seen) for time, _, seen in run.looks(titles.REPAIR) if seen]
    rows = tuple((time, seen.good, seen.bad, seen.changed) for time, seen in looks)
    yield Table("repair", "The repair after each batch", ("time", "good", "still bad", "changed meanwhile"), rows)
    yield differences_table(run, "for-a-person", "Left for a person", left_for_a_person(run))


def words_to_repair(run: GRun, states: Mapping[Target, Repairing]) -> str:
    return ", ".join(f"REPAIR {seen.bad} ITEMS OF {target.thing} IN {target.region}" for target, seen in states.items())


REPAIR = Step(
    titles.REPAIR,
    changes="items that are still exactly the corrupted ones get their good image back, up to 100 at a time",
    look=see_repair,
    expect=is_repaired,
    act=repair_batch,
    supposed=name_batch,
    undo=undo_batch,
    targets=in_table,
    needs=(titles.INVERSE,),
    consent=Consent.TYPED,
    phrase=words_to_repair,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=30, every=2),
    repeat=True,
    shows=show_repair,
    permissions=iam_actions(
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        on=resources.table,
    ),
)

STEPS = (INVERSE, REPAIR)
