"""How a comparison is carried out, from opened sources to a report.

Two tiers. First a row for each item, and one SQL text over the rows of both sides: what has the same text is equal,
and that is nearly everything. Then only those that differ are read again and compared exactly, as the same item can be
written in many ways. What is known of an item lies on disk, never all of it in memory.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson
from isal import igzip

from drcore.clock import WallClock
from drcore.diff.agreement import check
from drcore.diff.duckdb_join import Relations, Wanted
from drcore.diff.fingerprint import RowReader
from drcore.diff.items import Item, equal
from drcore.diff.keys import KeySchema, key_bytes
from drcore.diff.matching import Matching
from drcore.diff.opening import open_source
from drcore.diff.policy import Cause, Class, Policy
from drcore.diff.report import DETAILS, SUMMARY, Report
from drcore.diff.source import Opened, Progress, Role, Source
from drcore.errors import BadInput, RunnerFailed

_WORK = "drcore-diff-"  # what the folder is called that is away again at the end
_KEPT = 4096  # images whose places are noted at once

Line = tuple[int, bytes]  # the number of an item, its line


def carry_out(
    restored: Source,
    live: Source,
    policy: Policy,
    out: Path,
    engine: str,
    shared: str,
    allow_unmatched: bool,
    progress: Progress | None,
) -> Report:
    """As `drcore.diff.compare` says."""
    clock, cpu = WallClock(), _cpu()
    began = clock.now()
    _emptied(out)
    say = progress or (lambda doing, done, total: None)
    try:
        with tempfile.TemporaryDirectory(prefix=_WORK, dir=out) as name:
            folder = Path(name)
            with Relations(folder) as relations:
                given = {Role.RESTORED: restored, Role.LIVE: live}
                sides = {role: open_source(source, role, folder) for role, source in given.items()}
                remarks = check(sides, policy)
                told = _compared(sides, policy, relations, _engine(engine, shared), folder / DETAILS, say)
                remarks += _said(told, policy, allow_unmatched)
            (folder / DETAILS).replace(out / DETAILS)  # whole, or not there
    except (OSError, duckdb.Error) as error:
        raise RunnerFailed(f"not completed, nothing was concluded: {type(error).__name__}: {error}") from error
    seconds = (clock.now() - began).total_seconds()
    counts = {kind: told.counts[kind] for kind in Class}
    report = Report(counts, seconds, _cpu() - cpu, _peak(), out, tuple(remarks))
    (out / SUMMARY).write_bytes(orjson.dumps(report.as_data(), option=orjson.OPT_INDENT_2))
    return report


def _emptied(out: Path) -> None:
    """What an earlier comparison left is no answer to this one, least of all when this one fails."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (DETAILS, SUMMARY):
            (out / name).unlink(missing_ok=True)
        for killed in out.glob(f"{_WORK}*"):
            shutil.rmtree(killed)
    except OSError as error:
        raise BadInput(f"--out: expected a folder that can be written to, seen {str(out)!r}") from error


@dataclass(slots=True)
class _Told:
    """What was found: the counts by class, the rules that decided, what the policy has met."""

    counts: Counter[Class]
    timeless: int
    matching: Matching


def _said(told: _Told, policy: Policy, allow_unmatched: bool) -> list[str]:
    """What is to be said about the rules. Raises BadInput for one that matches nothing, unless that is allowed."""
    unmatched = told.matching.unmatched()
    if unmatched and not allow_unmatched:
        raise BadInput(f"a rule matches nothing: {'; '.join(unmatched)}. If that is right: --allow-unmatched")
    said = [f"a rule matches nothing: {each}" for each in unmatched] + told.matching.remarks()
    if told.timeless:
        said.append(f"{told.timeless:,} changed items have no time in {policy.modified} that can be believed")
    return said


def _compared(
    sides: dict[Role, Opened],
    policy: Policy,
    relations: Relations,
    judge: Callable[[Relations], None],
    details: Path,
    say: Progress,
) -> _Told:
    matching = Matching(policy)
    key = _key(sides)
    if key is None:
        igzip.open(details, "wb").close()
        return _Told(Counter({Class.UNCHANGED: _without_key(sides)}), 0, matching)
    for role, side in sides.items():
        reader = RowReader(key, policy, live=role is Role.LIVE)
        done = 0
        for batch in side.rows(reader):
            relations.add(role, batch)
            done += len(batch["n"])
            say(f"reading {side.name}", done, side.expected)
        key = _agreed(key, reader.key, sides)
    partial = {role: side.partial for role, side in sides.items()}
    relations.rules(policy, restored_partial=partial[Role.RESTORED], live_partial=partial[Role.LIVE])
    say("comparing", 0, None)
    judge(relations)
    for role, side in sides.items():
        _no_duplicate_key(relations, role, side, key)
    if all(partial.values()) and (alone := relations.one_sided_keys()):
        raise BadInput(
            f"{alone} keys are in one of the two incremental exports only, and nothing says what the other side had: "
            "compare an incremental export with a full one, a table, or itself"
        )
    causes = relations.counts()
    counts: Counter[Class] = Counter()
    for cause, count in causes.items():
        counts[cause.kind] += count
    total = causes.total() - causes[Cause.SAME]
    timeless = 0
    with igzip.open(details, "wb", compresslevel=1) as file:
        for done, (cause, old, new) in enumerate(_looked_at(sides, relations, details.parent), 1):
            if done % 1000 == 0 or done == total:
                say("looking at what differs", done, total)
            one, other = _item(sides[Role.RESTORED], old), _item(sides[Role.LIVE], new)
            if one is not None and other is not None and _is_same(key, one, other, sides, (old, new)):
                counts[cause.kind] -= 1
                counts[Class.UNCHANGED] += 1
                continue
            matching.see(one, other)
            timeless += cause is Cause.TIMELESS
            file.write(_line(cause, key, one, other, policy))
    return _Told(counts, timeless, matching)


def _item(side: Opened, line: Line | None) -> Item | None:
    return None if line is None else side.item(line[1])


def _is_same(
    key: KeySchema, one: Item, other: Item, sides: dict[Role, Opened], lines: tuple[Line | None, Line | None]
) -> bool:
    """The exact check. Raises BadInput, with both places, for an item that holds what is no DynamoDB value."""
    _same_key(key, one, other)
    try:
        return equal(one, other)
    except BadInput as error:
        places = [side.where(line[0]) for side, line in zip(sides.values(), lines, strict=True) if line]
        raise BadInput(f"{' beside '.join(places)}: the item {key.of(one)}: {error}") from error


def _key(sides: dict[Role, Opened]) -> KeySchema | None:
    """The key that both sides have, None where nobody says it."""
    known = [side.key for side in sides.values() if side.key is not None]
    # Only where no side says it: whoever else knows it may lie in the region that has failed.
    known = known or [key for side in sides.values() if (key := side.ask_key()) is not None]
    if not known:
        return None
    first = next((key for key in known if key.types), known[0])
    for key in known:
        if set(key.names) != set(first.names) or (key.types and key.by_name != first.by_name and first.types):
            raise _differs(sides, known)
    return first


def _without_key(sides: dict[Role, Opened]) -> int:
    """How many items are unchanged, where that can be said without a key. Raises BadInput where it cannot.

    A side that knows only what was touched, and on which nothing was, leaves the other as it is.
    """
    restored, live = sides.values()
    if not live.expected and not restored.expected:
        empty, whole = restored, live
    else:
        empty, whole = (restored, live) if not restored.expected else (live, restored)
        if empty.expected or not empty.partial:
            raise BadInput(
                "key: neither side says which attributes are the key, name them: --key pk, or --key pk --key sk"
            )
    return sum(side.count() for side in (empty, whole))


def _agreed(key: KeySchema, seen: KeySchema, sides: dict[Role, Opened]) -> KeySchema:
    """The types that the first side turned out to have bind the second."""
    if key.types and seen.types and key.types != seen.types:
        raise _differs(sides, [key, seen])
    return seen if seen.types else key


def _differs(sides: dict[Role, Opened], keys: list[KeySchema]) -> BadInput:
    names = " and ".join(side.name for side in sides.values())
    return BadInput(f"{names}: expected the same key on both sides, seen {'; '.join(map(str, keys))}")


def _no_duplicate_key(relations: Relations, role: Role, side: Opened, key: KeySchema) -> None:
    number = relations.duplicate_key(role)
    if number is not None:
        ((_, line),) = side.lines(iter([number]))
        item = side.item(line)
        shown = key.of(item) if item is not None else f"at line {number}"
        raise BadInput(f"{side.name}: expected each key once, seen twice: {shown}")


def _looked_at(
    sides: dict[Role, Opened], relations: Relations, folder: Path
) -> Iterator[tuple[Cause, Line | None, Line | None]]:
    """Both lines of all that differs. Those of the restored side wait on disk for the other."""
    spill = folder / "images"
    with spill.open("wb") as file:
        numbers: list[int] = []
        places: list[int] = []
        lengths: list[int] = []
        at = 0
        for (number, cause, _, _, _), line in _matched(sides[Role.RESTORED], relations.wanted(Role.RESTORED)):
            if cause is Cause.GONE:
                yield cause, (number, line), None
                continue
            file.write(line)
            numbers.append(number)
            places.append(at)
            lengths.append(len(line))
            at += len(line)
            if len(numbers) == _KEPT:
                relations.keep(numbers, places, lengths)
                numbers, places, lengths = [], [], []
        relations.keep(numbers, places, lengths)
    with spill.open("rb") as file:
        for (number, cause, at, length, beside), line in _matched(sides[Role.LIVE], relations.wanted(Role.LIVE)):
            old = (beside, os.pread(file.fileno(), length, at)) if at >= 0 else None
            yield cause, old, (number, line)


def _matched(side: Opened, wanted: Iterator[Wanted]) -> Iterator[tuple[Wanted, bytes]]:
    waiting: deque[Wanted] = deque()

    def numbers() -> Iterator[int]:
        for row in wanted:
            waiting.append(row)
            yield row[0]

    for _, line in side.lines(numbers()):
        yield waiting.popleft(), line


def _same_key(key: KeySchema, one: Item, other: Item) -> None:
    if key_bytes(key.of(one)) != key_bytes(key.of(other)):
        raise RunnerFailed(f"two keys have the same hash of 128 bits: {key.of(one)}, {key.of(other)}; not completed")


def _line(cause: Cause, key: KeySchema, old: Item | None, new: Item | None, policy: Policy) -> bytes:
    fields = {
        "class": cause.kind,
        "reason": policy.reason(cause, new),
        "key": key.of(old if old is not None else new or {}),
        "restored": old,
        "live": new,
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _engine(name: str, shared: str) -> Callable[[Relations], None]:
    if name == "duckdb":
        return Relations.judge
    from drcore.diff.spark import judge

    return lambda relations: judge(relations, shared)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
