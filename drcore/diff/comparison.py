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
from itertools import islice
from pathlib import Path

import duckdb
import orjson
from isal import igzip

from drcore.clock import WallClock
from drcore.diff.agreed_key import agreed, key_of, without_key
from drcore.diff.agreement import check
from drcore.diff.duckdb_join import Relations, Wanted
from drcore.diff.equal_lines import EqualLines, Tier, looked_up
from drcore.diff.exact_check import AT_ONCE, Differing, ExactCheck, item_of
from drcore.diff.fingerprint import RowReader
from drcore.diff.keys import KeySchema
from drcore.diff.matching import Matching
from drcore.diff.opening import open_source
from drcore.diff.ordering import Ordered
from drcore.diff.policy import Cause, Class, Policy
from drcore.diff.report import DETAILS, SUMMARY, Report
from drcore.diff.source import Opened, Progress, Role, Source
from drcore.diff.spilled import Spilled
from drcore.diff.workers import JobPool
from drcore.errors import BadInput, RunnerFailed

_WORK = "drcore-diff-"  # what the folder is called that is away again at the end
_NOT_IN_NAMES = {"duckdb": "\\", "spark": "\\*?['"}
"""Of the folder: DuckDB takes a backslash for a slash; what it reads back from Spark is a pattern in quotes."""
_KEPT = 4096  # images whose places are noted at once
_BUFFER = 1 << 20  # bytes of images that are written at once

_ENOUGH = 16 << 20  # bytes of exports: below, to start processes takes longer than it saves


def carry_out(
    restored: Source,
    live: Source,
    policy: Policy,
    out: Path,
    engine: str,
    shared: str,
    allow_unmatched: bool,
    jobs: int,
    workers: JobPool,
    progress: Progress | None,
) -> Report:
    """As `drcore.diff.compare` says."""
    clock, cpu = WallClock(), _cpu()
    began = clock.now()
    _emptied(out, engine)
    say = progress or (lambda doing, done, total: None)
    try:
        with tempfile.TemporaryDirectory(prefix=_WORK, dir=out) as name:
            folder = Path(name)
            with Relations(folder) as relations, workers:
                given = {Role.RESTORED: restored, Role.LIVE: live}
                sides = {role: open_source(source, role, folder, workers) for role, source in given.items()}
                remarks = check(sides, policy)
                workers.jobs = jobs or _jobs(sides)
                comparison = _Comparison(sides, policy, relations, workers, _engine(engine, shared), folder, say)
                result = comparison.carry_out()
                remarks += _remarks(result, policy, allow_unmatched)
            (folder / DETAILS).replace(out / DETAILS)  # whole, or not there
    except (OSError, duckdb.Error) as error:
        raise RunnerFailed(f"not completed, nothing was concluded: {type(error).__name__}: {error}") from error
    seconds = (clock.now() - began).total_seconds()
    counts = {kind: result.counts[kind] for kind in Class}
    report = Report(counts, seconds, _cpu() - cpu, _peak(workers.jobs), out, tuple(remarks), result.lines)
    (out / SUMMARY).write_bytes(orjson.dumps(report.as_data(), option=orjson.OPT_INDENT_2))
    return report


def _emptied(out: Path, engine: str) -> None:
    """What an earlier comparison left is no answer to this one, least of all when this one fails."""
    if odd := sorted(set(str(out)) & set(_NOT_IN_NAMES.get(engine, ""))):
        raise BadInput(f"--out: expected a folder whose name has no {' '.join(odd)}, seen {str(out)!r}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (DETAILS, SUMMARY):
            (out / name).unlink(missing_ok=True)
        for killed in out.glob(f"{_WORK}*"):
            shutil.rmtree(killed)
    except OSError as error:
        raise BadInput(f"--out: expected a folder that can be written to, seen {str(out)!r}") from error


@dataclass(slots=True)
class _Result:
    """What was found: the counts by class, the rules that decided, what the policy has met."""

    counts: Counter[Class]
    timeless: int
    matching: Matching
    lines: str = ""


def _remarks(result: _Result, policy: Policy, allow_unmatched: bool) -> list[str]:
    """What is to be said about the rules. Raises BadInput for one that matches nothing, unless that is allowed."""
    unmatched = result.matching.unmatched()
    if unmatched and not allow_unmatched:
        raise BadInput(f"a rule matches nothing: {'; '.join(unmatched)}. If that is right: --allow-unmatched")
    remarks = [f"a rule matches nothing: {each}" for each in unmatched] + result.matching.remarks()
    if result.timeless:
        remarks.append(f"{result.timeless:,} changed items have no time in {policy.modified} that can be believed")
    return remarks


class _Comparison:
    """One comparison on its way."""

    def __init__(
        self,
        sides: dict[Role, Opened],
        policy: Policy,
        relations: Relations,
        workers: JobPool,
        judge: Callable[[Relations], None],
        folder: Path,
        say: Progress,
    ) -> None:
        self.sides, self.policy, self.relations, self.workers = sides, policy, relations, workers
        self.judge, self.folder, self.say = judge, folder, say

    def carry_out(self) -> _Result:
        matching = Matching(self.policy)
        key = key_of(self.sides)
        if key is not None:
            key = self.sides[Role.RESTORED].typed(key)
        tables = sum(side.plain_lines is None and not side.partial for side in self.sides.values())
        tier = self._equal_lines(key)
        beside_a_table = Ordered.THROUGHOUT if tables == 1 else Ordered.NOT
        if key is None:
            (self.folder / DETAILS).write_bytes(igzip.compress(b""))
            nothing_left = tier is not None and tier.pays and not any(side.expected for side in self.sides.values())
            unchanged = tier.equal if tier and nothing_left else without_key(self.sides)
            return _Result(Counter({Class.UNCHANGED: unchanged}), 0, matching, _lines(tier))
        self._rows(key, tier.ordered if tier else beside_a_table)
        if tier and tier.keys:
            self._in_no_equal_line(tier.keys)
        counts = self._counted()
        total = counts.total() - counts[Cause.SAME]
        result = _Result(Counter(), 0, matching, _lines(tier))
        for cause, count in counts.items():
            result.counts[cause.kind] += count
        result.counts[Class.UNCHANGED] += tier.equal if tier else 0
        self._look(result, total)
        return result

    def _equal_lines(self, key: KeySchema | None) -> Tier | None:
        """The first tier, where both sides have lines of which equal ones are equal items."""
        lines = {role: side.plain_lines for role, side in self.sides.items()}
        plain = {role: each for role, each in lines.items() if each is not None}
        if len(plain) < len(lines):
            return None

        def tell(role: Role, done: int) -> None:
            self.say(f"reading {self.sides[role].name}", done, self.sides[role].expected)

        tier = EqualLines(plain, self.workers, self.folder, tell).find(key)
        if tier.rest:
            self.sides = {role: side.only(tier.rest[role]) for role, side in self.sides.items()}
        else:
            self.say(f"most lines differ as text ({tier.share:.0%} are equal): each is parsed", 0, None)
        return tier

    def _rows(self, key: KeySchema, ordered: Ordered) -> None:
        for role, side in self.sides.items():
            reader = RowReader(key, self.policy, live=role is Role.LIVE, ordered=ordered)
            done = 0
            for batch in side.rows(reader, self.workers):
                self.relations.add(role, batch)
                done += len(batch["n"])
                self.say(
                    f"parsing {side.name}" if side.plain_lines is None else f"reading {side.name}", done, side.expected
                )
            key = agreed(key, reader.key, self.sides)
        self.key = key

    def _in_no_equal_line(self, keys: Spilled) -> None:
        """No key of a rest may be that of an equal line: its side would have it twice."""
        for high, low in looked_up(keys, self.relations.keys):
            for role, side in self.sides.items():
                number = self.relations.row_of(role, high, low)
                if number is not None:
                    raise self._twice(side, number)

    def _counted(self) -> Counter[Cause]:
        partial = {role: side.partial for role, side in self.sides.items()}
        self.relations.rules(self.policy, restored_partial=partial[Role.RESTORED], live_partial=partial[Role.LIVE])
        self.say("comparing", 0, None)
        self.judge(self.relations)
        for role, side in self.sides.items():
            number = self.relations.duplicate_key(role)
            if number is not None:
                raise self._twice(side, number)
        if all(partial.values()) and (alone := self.relations.one_sided_keys()):
            raise BadInput(
                f"{alone} keys are in one of the two incremental exports only, and nothing says what the other side "
                "had: compare an incremental export with a full one, a table, or itself"
            )
        return self.relations.counts()

    def _twice(self, side: Opened, number: int) -> BadInput:
        (line,) = side.lines(iter([number]))
        item = item_of(line, side.member)
        shown = self.key.of(item) if item is not None else side.where(number)
        return BadInput(f"{side.name}: expected each key once, seen twice: {shown}")

    def _look(self, result: _Result, total: int) -> None:
        """The exact check of what differs; what is left of it goes into the details."""
        restored, live = self.sides.values()
        check = ExactCheck(self.key, self.policy, (restored.member, live.member))
        done = 0
        with (self.folder / DETAILS).open("wb") as file:
            file.write(igzip.compress(b""))  # so that it is a gzip file also where nothing is left
            waiting: deque[list[Differing]] = deque()
            for checked in self.workers.each(check, self._batches(waiting)):
                batch = waiting.popleft()
                if checked.odd:
                    place, odd = checked.odd
                    lines = zip((restored, live), batch[place][1:], strict=True)
                    places = " beside ".join(side.where(line[0]) for side, line in lines if line)
                    raise BadInput(f"{places}: {odd}")
                result.counts.subtract(rule.kind for rule, _, _ in batch)
                result.counts.update(checked.counts)
                result.matching.add(checked.matching)
                result.timeless += checked.timeless
                file.write(checked.details)
                done += len(batch)
                self.say("looking at what differs", done, total)

    def _batches(self, waiting: deque[list[Differing]]) -> Iterator[list[Differing]]:
        """What differs, some at once; each stands among the waiting until what the check found of it is there."""
        differing = _differing(self.sides, self.relations, self.folder)
        while batch := list(islice(differing, AT_ONCE)):
            waiting.append(batch)
            yield batch


def _lines(tier: Tier | None) -> str:
    """What the first tier has saved, in words."""
    if tier is None:
        return ""
    if not tier.rest:
        return f"most differ as text ({tier.share:.1%} are equal), each was parsed"
    left = " and ".join(f"{sum(rest.count for rest in lines.rests):,}" for lines in tier.rest.values())
    return f"{tier.equal:,} equal as text on both sides, {left} parsed"


def _jobs(sides: dict[Role, Opened]) -> int:
    """How many processes read, where it is not asked for: one a core where there is enough to read."""
    lines = [side.plain_lines for side in sides.values()]
    enough = sum(each.size for each in lines if each is not None) >= _ENOUGH
    return len(os.sched_getaffinity(0)) if enough and hasattr(os, "sched_getaffinity") else 1


def _differing(sides: dict[Role, Opened], relations: Relations, folder: Path) -> Iterator[Differing]:
    """Both lines of all that differs. Those of the restored side wait on disk for the other."""
    spill = folder / "images"
    with spill.open("wb", buffering=_BUFFER) as file:
        numbers: list[int] = []
        places: list[int] = []
        lengths: list[int] = []
        at = 0
        for (number, cause, _, _, _), line in _matched(sides[Role.RESTORED], relations.wanted(Role.RESTORED)):
            if cause is Cause.GONE:
                yield Differing(cause, (number, line), None)
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
            yield Differing(cause, old, (number, line))


def _matched(side: Opened, wanted: Iterator[Wanted]) -> Iterator[tuple[Wanted, bytes]]:
    waiting: deque[Wanted] = deque()

    def numbers() -> Iterator[int]:
        for row in wanted:
            waiting.append(row)
            yield row[0]

    for _, line in side.lines(numbers()):
        yield waiting.popleft(), line


def _engine(name: str, shared: str) -> Callable[[Relations], None]:
    if name == "duckdb":
        return Relations.judge
    from drcore.diff.spark import judge

    return lambda relations: judge(relations, shared)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak(jobs: int) -> float:
    """What was held at the most, in MB: of this process, and of each other one as much as of the largest."""
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + others * (jobs - 1)) / 1024
