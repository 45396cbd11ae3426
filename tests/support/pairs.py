"""Two exports of a table of configurations, between which a known share differs in known ways."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.support import exports

POINT = datetime(2026, 1, 5, 9, tzinfo=UTC)
FAULTY, GOOD = "worker/2026.01.2", "api/2026.01.1"
PARTNERS = ("apple", "coros", "fitbit", "garmin", "oura", "polar", "strava", "suunto", "wahoo", "withings")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PER_FILE = 50_000
TRUTH = "truth.json"
# Of each thousand: what is corrupted (half of it silently), legit, deleted, added; what only looks different.
SHARES = (("corrupted", 20), ("legit", 5), ("deleted", 1), ("added", 1), ("sets", 10), ("order", 5), ("number", 0.5))


def generate(folder: Path, pairs: int, seed: int = 1, *, turned: bool = False, per_file: int = PER_FILE) -> None:
    """Two full exports of so many pairs, in different files and another order, with what is true about them.

    `turned`: the attributes of every live item stand in another order, so that no two lines are equal as text.
    """
    chance = random.Random(seed)  # noqa: S311  # no secret: the same seed, the same files
    kinds = [kind for kind, _ in SHARES]
    weights = [share for _, share in SHARES]
    fates = {
        number: chance.choices(kinds, weights)[0]
        for number in chance.sample(range(pairs), int(pairs * sum(weights) / 1000))
    }
    truth = Counter(unchanged=pairs)
    for fate in fates.values():
        if fate in ("corrupted", "legit", "deleted", "added"):
            truth[fate] += 1
            truth["unchanged"] -= 1
    items = {"restored": 0, "live": 0}

    def lines(side: str) -> Iterator[bytes]:
        step = 7_368_787 if side == "live" else 1  # a prime: all numbers, in another order
        for index in range(pairs):
            number = index * step % pairs
            fate = fates.get(number, "")
            if fate != ("added" if side == "restored" else "deleted"):
                items[side] += 1
                yield line(number, fate if side == "live" else "", turned=turned and side == "live")

    for side in items:
        exports.write(folder / side, lines(side), per_file=per_file)
    (folder / TRUTH).write_text(json.dumps(truth))


def line(number: int, fate: str, *, turned: bool = False) -> bytes:
    """One configuration as a line, some 660 bytes; what it holds follows from its number."""
    mixed = number * 2_654_435_761 % 2**32
    partners = [PARTNERS[(mixed >> shift) % 10] for shift in (3, 9, 15)]
    sources = sorted({*partners, PARTNERS[mixed % 10]})
    days = [DAYS[(mixed >> 5) % 7], DAYS[(mixed >> 11) % 7], DAYS[(mixed >> 13) % 7]]
    every, owner, writers, updated = "15", f"{number:09d}", ["worker/2026.01.0", "api/2026.01.0", GOOD], "2026-01-04"
    if fate == "corrupted":
        owner = f"{number + 1:09d}"
        if number % 2:
            writers, updated = [*writers[1:], FAULTY], "2026-01-06"
    elif fate == "legit":
        every, updated = "30", "2026-01-06"
    elif fate == "sets":
        sources = sources[::-1]
    elif fate == "number":
        every = "15.0"
    parts = [
        f'"pk":{{"S":"USER#{number:09d}"}}',
        '"sk":{"S":"sync"}',
        f'"Owner":{{"S":"{owner}"}}',
        '"Enabled":{"BOOL":true}',
        f'"PreferredSource":{{"S":"{partners[0]}"}}',
        f'"Sources":{{"SS":{_json(sources)}}}',
        f'"Schedule":{{"M":{{"Every":{{"N":"{every}"}},"Days":{{"L":[{_texts(days)}]}}}}}}',
        f'"Priority":{{"L":[{_texts(partners)}]}}',
        f'"Revision":{{"N":"{mixed % 97}"}}',
        '"Region":{"S":"us-east-1"}',
        f'"UpdatedAt":{{"S":"{updated}T{mixed % 24:02d}:{mixed % 60:02d}:{mixed % 59:02d}.{mixed % 10**6:06d}Z"}}',
        f'"Writers":{{"L":[{_texts(writers)}]}}',
        f'"Token":{{"S":"{mixed:08x}{mixed * 40_503 % 2**32:08x}{mixed * 69_069 % 2**32:08x}"}}',
        '"Filters":{"M":{"MinimumDistance":{"N":"500"},"Types":{"L":[{"S":"run"},{"S":"ride"}]}}}',
    ]
    if fate == "order" or turned:
        parts = parts[::-1]
    return f'{{"Item":{{{",".join(parts)}}}}}'.encode()


def _json(texts: list[str]) -> str:
    return json.dumps(texts, separators=(",", ":"))


def _texts(texts: list[str]) -> str:
    return ",".join(f'{{"S":"{text}"}}' for text in texts)
