"""The first tier of a comparison of two full exports: lines that both sides have are unchanged, unparsed.

Each line is hashed as it was read (128 bits, with a seed that nobody knows beforehand). A line of one side is equal to
one line of the other that has its hash; all others of a side are its rest, which is parsed, fingerprinted and judged
as if it were the whole. What is doubtful goes to the rest: a line that a side has again, hashes with the same half.

Why no wrong answer is possible. A key has lines among the equal ones, in a rest, or in both.

- Only in a rest: all its lines are there, so it is judged as without this tier; that it is twice is found there too.
- Only among the equal ones: both sides have the same lines of it, so it is unchanged. (Where it has two different
  lines, it is twice on both sides. That is not looked for, as nothing that is said of it would be wrong.)
- In both: the side of that rest has it twice, as its equal line is on that side too. Nothing can be said of such a
  side, and it is refused. So that none is missed, the keys of the equal lines are read from one side, which stands for
  both, and each key of a rest is looked up among them. With no line in either rest there is nothing to look up. Where
  the text of the equal lines alone shows that no such key is there (drcore/diff/key_texts.py), none is parsed.

What an equal line holds does not matter then. Where it is parsed for its key, or its key is missing, a line that is no
item is refused as ever. What is left is two different lines with the same 128 bits: one chance in 10^24 for 20 million.
An incremental export has no such tier: its lines hold the image before and the image after, of which each side is one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import simdjson
import xxhash

from drcore.diff.attribute_order import likeness
from drcore.diff.fingerprint import RowReader, parsed, whole_items
from drcore.diff.gzip_lines import FILE, FileLines, blocks, lines_at, texts, texts_with_ends
from drcore.diff.key_texts import KeyTexts, key_texts, met
from drcore.diff.keys import KeySchema
from drcore.diff.known_hashes import NONE, KnownHashes
from drcore.diff.ordering import Ordered
from drcore.diff.policy import Policy
from drcore.diff.rest_lines import Rest, RestLines, RestWriter
from drcore.diff.source import Role
from drcore.diff.spilled import Array, Spilled, bits_for
from drcore.diff.workers import JobPool
from drcore.errors import BadInput

PAYS = 0.5  # of the lines must be equal; about where what is saved is what the tier itself takes
_SAMPLED = 16  # files of the sample, a block of each
_SEARCHED = 6_000_000  # lines of the restored side: their hashes, 16 bytes each, are then searched in memory
_BLOCKS = 8  # of lines are looked up at once: for each line alone, numpy's calls would take longer than the search
_LOOKED_FOR = 2_000_000  # lines of both rests: the hashes of their keys, 8 bytes each, are then looked for in memory

NO_ROWS: Array = np.empty((0, 3), dtype=np.uint64)
Tell = Callable[[Role, int], None]  # of which side so many lines are read


@dataclass(slots=True)
class Tier:
    """What the tier has found: equal lines, what is left of either side, the keys of the equal lines.

    `share`: how many of the lines are equal, of a sample where it was left then. `pays`: whether it was carried out.
    `ordered`: where it was not, how lines are hashed that equal items may have written in different ways.
    """

    share: float
    pays: bool
    ordered: Ordered = Ordered.NOT
    equal: int = 0
    rest: dict[Role, RestLines] | None = None
    keys: Spilled | None = None


class EqualLines:
    """The tier for two sides, in a folder that has room for a sixth of what the exports hold."""

    def __init__(self, sides: dict[Role, FileLines], workers: JobPool, folder: Path, tell: Tell) -> None:
        self.sides, self.workers, self.tell = sides, workers, tell
        self.parts = {role: lines.parts() for role, lines in sides.items()}  # once: each file is asked for its size
        self.folder = folder / "equal"
        self.folder.mkdir()
        self.seed = secrets.randbits(64)
        self.bits = bits_for(max(lines.count for lines in sides.values()))

    def find(self, key: KeySchema | None) -> Tier:
        """Carry it out. Without a key nothing is looked up: then only an empty rest is an answer."""
        restored, live = self.sides.values()
        alike = likeness(restored, live)
        if alike.order < PAYS:
            return Tier(alike.order, pays=False, ordered=Ordered.ATTRIBUTES if alike.values else Ordered.THROUGHOUT)
        one = Spilled(self.folder / "restored", self.bits)
        self._hash(Role.RESTORED, one)
        share = self._sampled(live, one)
        if share < PAYS:
            return Tier(share, pays=False, ordered=Ordered.THROUGHOUT)
        searched = self._searched(one, live) if restored.count <= _SEARCHED else None
        equal, left = searched or self._paired(one, live)
        count = int(np.count_nonzero(equal))
        total = restored.count + live.count
        share = 2 * count / total if total else 1.0
        if share < PAYS:
            return Tier(share, pays=False, ordered=Ordered.THROUGHOUT)
        asked = key if total > 2 * count else None
        by_text = self._key_texts(restored, asked) if total - 2 * count <= _LOOKED_FOR else None
        split = self._split(Role.RESTORED, restored, equal, asked, by_text)
        rest = {Role.RESTORED: split.rest, Role.LIVE: left}
        if by_text and self._met(by_text, split, rest) > split.plain:
            split = self._split(Role.RESTORED, restored, equal, asked, None)
        return Tier(share, pays=True, equal=count, rest=rest, keys=split.keys)

    def _searched(self, one: Spilled, live: FileLines) -> tuple[Array, RestLines] | None:
        """Which lines of the restored side are equal, the rest of the live side, which is read once for it.

        None when the live side has a line of those twice: which of them are then equal is told by reading it again.
        """
        known = KnownHashes(self.folder, one, self.workers)
        parts = [_Searched(part, known, self.folder / f"searched-{n}") for n, part in enumerate(self.parts[Role.LIVE])]
        hit = np.zeros(known.count, dtype=np.bool_)
        hits, rests, done = 0, [], 0
        for rest, places in self.workers.each(partial(_searched, seed=self.seed), parts):
            hit[places] = True
            hits += len(places)
            rests.append(rest)
            done += len(places) + rest.count
            self.tell(Role.LIVE, done)
        if np.count_nonzero(hit) < hits:
            return None
        equal = np.zeros(self.sides[Role.RESTORED].count, dtype=np.bool_)
        equal[known.places()[hit]] = True
        return equal, RestLines(live, rests)

    def _paired(self, one: Spilled, live: FileLines) -> tuple[Array, RestLines]:
        """The same where the hashes do not fit into memory: part by part, then the live side is read again."""
        other = Spilled(self.folder / "live", self.bits)
        self._hash(Role.LIVE, other)
        equal = {role: np.zeros(lines.count, dtype=np.bool_) for role, lines in self.sides.items()}
        for part in range(1 << self.bits):
            _pair(one.part(part), other.part(part), equal)
        return equal[Role.RESTORED], self._split(Role.LIVE, live, equal[Role.LIVE], None, None).rest

    def _hash(self, role: Role, into: Spilled) -> None:
        done = 0
        parts = [_Hashed(part, self._lengths(role, number)) for number, part in enumerate(self.parts[role])]
        for hashes in self.workers.each(partial(_hashes, seed=self.seed), parts):
            rows = np.empty((len(hashes), 3), dtype=np.uint64)
            rows[:, :2] = hashes
            rows[:, 2] = np.arange(done, done + len(hashes), dtype=np.uint64)
            into.add(rows)
            done += len(hashes)
            self.tell(role, done)

    def _lengths(self, role: Role, part: int) -> Path:
        """Where it stands how long each line of a part is."""
        return self.folder / f"{role}-{part}.lengths"

    def _sampled(self, live: FileLines, restored: Spilled) -> float:
        """Which share of some lines of the live side is on the restored one; of those that fall into one part."""
        step = max(1, len(live.files) // _SAMPLED)
        hashes = _hashed((lines for file in live.files[::step] for _, lines in islice(blocks(file), 1)), self.seed)
        if self.bits:
            hashes = hashes[hashes[:, 0] >> np.uint64(64 - self.bits) == 0]
        if not len(hashes):
            return 1.0
        return min(1.0, met([restored.part(0)[:, 0]], np.sort(hashes[:, 0])) / len(hashes))

    def _key_texts(self, lines: FileLines, key: KeySchema | None) -> KeyTexts | None:
        """How the keys of equal lines are told by their text, as seen in the first lines."""
        first = next((text for file in lines.files for text in texts(file)), b"")
        return key_texts(key, first, first.count(b"\n")) if key else None

    def _met(self, by_text: KeyTexts, split: _Split, rest: dict[Role, RestLines]) -> int:
        """How many lines have a key of either rest, as far as the texts tell."""
        parts = [part for lines in rest.values() for part in lines.parts()]
        hashes = list(self.workers.each(partial(_wanted, by_text=by_text), parts))
        return met(map(_read, split.hashes), np.unique(np.concatenate([NONE, *hashes])))

    def _split(
        self, role: Role, lines: FileLines, equal: Array, key: KeySchema | None, by_text: KeyTexts | None
    ) -> _Split:
        """Part equal lines from the others, and read the keys of the equal ones: by their text where that can be."""
        parts, at = [], 0
        for number, part in enumerate(self.parts[role]):
            last = at + part.count
            parts.append(_Part(part, equal[at:last], self._lengths(role, number), self.folder / f"{role}-{number}"))
            at = last
        name = f"keys-{role}{'-by-text' * (by_text is not None)}"
        keys, rests, hashes, plain = Spilled(self.folder / name, self.bits), [], [], 0
        for work, (rest, digests, count) in zip(
            parts, self.workers.each(partial(_left, key=key, by_text=by_text), parts), strict=True
        ):
            rests.append(rest)
            keys.add(digests)
            hashes.append(work.hashes)
            plain += count
        return _Split(RestLines(lines, rests), keys, hashes, plain)


class _Split(NamedTuple):
    """A side in two: its rest, keys of its equal lines that were parsed, files of hashes of all others.

    `plain`: how many lines of the rest there are among those of the hashes.
    """

    rest: RestLines
    keys: Spilled
    hashes: list[Path]
    plain: int


class _Hashed(NamedTuple):
    """A worker's part: the lines, where it puts how long each of them is."""

    lines: FileLines
    lengths: Path


class _Part(NamedTuple):
    """A worker's part: the lines, which of them are equal, how long each is, where it puts the others."""

    lines: FileLines
    equal: Array
    lengths: Path
    path: Path

    @property
    def hashes(self) -> Path:
        """Where it puts the hashes of keys."""
        return self.path.with_suffix(".keys")


class _Searched(NamedTuple):
    """A worker's part: the lines, what they are looked up in, where it puts those that are not there."""

    lines: FileLines
    known: KnownHashes
    path: Path


def _hashed(lines: Iterable[list[bytes]], seed: int) -> Array:
    """The hashes of some blocks of lines, a row each, in halves."""
    digest, again = xxhash.xxh3_128_digest, repeat(seed)  # as a keyword it would take longer than the hash
    hashes = [b"".join(map(digest, block, again)) for block in lines]
    return np.frombuffer(b"".join(hashes), dtype=np.uint64).reshape(-1, 2)


def _hashes(part: _Hashed, seed: int) -> Array:
    """The hashes of a part's lines; how long they are is on disk then, so that to find one again needs no search."""
    lengths: list[bytes] = []

    def lines() -> Iterator[list[bytes]]:
        for file in part.lines.files:
            for _, block in blocks(file):
                yield block
                lengths.append(np.fromiter(map(len, block), dtype=np.uint32, count=len(block)).tobytes())

    hashes = _hashed(lines(), seed)
    part.lengths.write_bytes(b"".join(lengths))
    return hashes


def _searched(part: _Searched, seed: int) -> tuple[Rest, Array]:
    """The lines that are not among those of the other side, on disk, and where the others stand among them."""
    writer, find, places = RestWriter(part.path), part.known.finder(), []
    read = part.lines.blocks()
    while some := list(islice(read, _BLOCKS)):
        there, where = find(_hashed((lines for _, lines in some), seed))
        places.append(where)
        first = 0
        for numbers, lines in some:
            left = np.flatnonzero(~there[first : first + len(lines)]).tolist()
            writer.add((numbers[place] for place in left), (lines[place] for place in left))
            first += len(lines)
    return writer.close(), np.concatenate(places) if places else NONE


def _pair(restored: Array, live: Array, equal: dict[Role, Array]) -> None:
    """Mark the lines whose hash stands once on either side."""
    both = np.concatenate((restored, live))
    if len(both) < 2:
        return
    is_live = np.arange(len(both)) >= len(restored)
    order = np.argsort(both[:, 0])
    sorted_ = both[order, 0]
    same = sorted_[1:] == sorted_[:-1]
    alone = same & np.concatenate(([True], ~same[:-1])) & np.concatenate((~same[1:], [True]))
    left, right = order[:-1][alone], order[1:][alone]
    fits = (both[left, 1] == both[right, 1]) & (is_live[left] != is_live[right])
    left, right = left[fits], right[fits]
    equal[Role.RESTORED][both[np.where(is_live[left], right, left), 2]] = True
    equal[Role.LIVE][both[np.where(is_live[left], left, right), 2]] = True


def _left(part: _Part, key: KeySchema | None, by_text: KeyTexts | None) -> tuple[Rest, Array, int]:
    """The lines that are not equal, on disk; with a key those of the equal ones, each with its line's number.

    Where the keys are told by their text, their hashes are on disk, and the last is how many lines of these are not
    equal.
    """
    part.path.unlink(missing_ok=True)
    writer = RestWriter(part.path)
    reader = None if key is None else RowReader(key, Policy(), live=False)
    parser, rows, hashes, plain, at = simdjson.Parser(), [NO_ROWS], [NONE], 0, 0
    lengths = np.fromfile(part.lengths, dtype=np.uint32)
    for index, file in enumerate(part.lines.files, part.lines.first):
        start, number = at, index << FILE
        at += file.count or 0
        if reader is None and part.equal[start:at].all():
            continue  # it was read to its end before, and has nothing that is left
        for text, ends in texts_with_ends(file, lengths[start:at]):
            is_equal = part.equal[start : start + len(ends)]
            left = np.flatnonzero(~is_equal)
            writer.add((left + number).tolist(), lines_at(text, ends, left))
            if reader:
                own = by_text.hashes(text, len(ends)) if by_text else None
                if own is None:
                    same = np.flatnonzero(is_equal)
                    numbers = (same + number).astype(np.uint64)
                    rows.append(_keys(parser, lines_at(text, ends, same), numbers, part.lines, reader))
                else:
                    hashes.append(own)
                    plain += len(left)
            start += len(ends)
            number += len(ends)
    part.hashes.write_bytes(np.concatenate(hashes).data)
    return writer.close(), np.concatenate(rows), plain


def _read(hashes: Path) -> Array:
    return np.fromfile(hashes, dtype=np.uint64)


def _wanted(rest: RestLines, by_text: KeyTexts) -> Array:
    """The hashes of the keys of a rest. What has no such key is refused when it is parsed for its row."""
    wanted, parser, reader = [NONE], simdjson.Parser(), RowReader(by_text.key, Policy(), live=False)
    for numbers, lines in rest.blocks():
        hashes = by_text.hashes(b"".join(lines), len(lines))
        if hashes is None:
            with suppress(BadInput):
                hashes = _keys(parser, lines, np.array(numbers, dtype=np.uint64), rest.files, reader)[:, 0]
        wanted.append(NONE if hashes is None else hashes)
    return np.concatenate(wanted)


def _keys(parser: simdjson.Parser, lines: list[bytes], numbers: Array, files: FileLines, reader: RowReader) -> Array:
    # A function of its own: the parser can be used again only when nothing of its last document is held.
    def at(index: int) -> str:
        return files.where(int(numbers[index]))

    rows = np.empty((len(lines), 3), dtype=np.uint64)
    if lines:
        images = whole_items(parsed(parser, lines, at), lines, at)
        digests = reader.digests(images.keys, lines, at)
        rows[:, :2] = np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2)
        rows[:, 2] = numbers
    return rows


def looked_up(keys: Spilled, wanted: Callable[[int, int], Array]) -> Iterator[tuple[int, int]]:
    """The keys of equal lines that a rest has too, as halves of a hash. `wanted` gives a rest's between two bounds."""
    for part in range(1 << keys.bits):
        size = 1 << (64 - keys.bits)
        asked = wanted(part * size, (part + 1) * size - 1)
        there = keys.part(part)
        if len(asked) and len(there):
            hits = there[np.isin(there[:, 0], asked[:, 0])]
            known = {(int(high), int(low)) for high, low in asked[np.isin(asked[:, 0], hits[:, 0])]}
            yield from ((int(high), int(low)) for high, low, _ in hits if (int(high), int(low)) in known)
