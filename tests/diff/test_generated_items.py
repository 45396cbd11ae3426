"""A hundred thousand generated items are classed as by the plain comparison."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drcore.diff import ExportSource, compare
from drcore.diff.keys import KeySchema
from tests.support import exports, plain_diff
from tests.support.diff_cases import (
    AFTER,
    BAD,
    BEFORE,
    GOOD,
    POINT,
    POLICY,
    Item,
    writers,
)


def test_100000_generated_items_should_be_classed_as_the_plain_comparison_does(tmp_path: Path) -> None:
    names = ("pk", "sk")
    restored, live = generated(100_000)
    wanted = plain_diff.classes(restored, live, names, POINT, {BAD})
    a = exports.full(tmp_path / "a", restored, per_file=30_000)
    b = exports.full(tmp_path / "b", live, per_file=17_000)
    report = compare(ExportSource(a, key=KeySchema(names)), ExportSource(b), POLICY, out=tmp_path / "out")
    told = {plain_diff.key_of(each.key, names): str(each.kind) for each in report.differences()}
    assert told == {each: kind for each, kind in wanted.items() if kind != "unchanged"}
    assert {str(kind): count for kind, count in report.counts.items() if count} == Counter(wanted.values())
    assert len(set(wanted.values())) == 6, "every class is there"


def generated(count: int) -> tuple[list[Item], list[Item]]:
    chance = random.Random(20260105)  # noqa: S311
    pool = [value(chance, 2) for _ in range(1000)]  # to choose from is ten times quicker than to make
    restored = [thing(number, chance, pool) for number in range(count)]
    live = [each for each in (changed(each, chance, pool) for each in restored) if each]
    live += [thing(number, chance, pool) for number in range(count, count + count // 500)]
    chance.shuffle(live)
    return restored, live


def thing(number: int, chance: random.Random, pool: list[Item]) -> Item:
    return {
        "pk": {"S": f"USER#{number // 3}"},
        "sk": {"N": str(number % 3 * 10)},
        "UpdatedAt": {"S": BEFORE},
        "Writers": writers(GOOD),
        chance.choice("abcdef"): chance.choice(pool),
        chance.choice("abcdef"): chance.choice(pool),
    }


def value(chance: random.Random, depth: int) -> Item:
    kind = chance.choice(["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + ["M", "L"] * (depth > 0))
    texts = chance.sample(["", "1", "é", 'a"b', "x/y", "\\"], 2)
    match kind:
        case "S":
            return {"S": texts[0]}
        case "N":
            return {"N": chance.choice(["0", "1", "50", "-0.5", "1234567890123456789012345678901234567.8"])}
        case "B":
            return {"B": base64.b64encode(texts[0].encode()).decode()}
        case "BOOL":
            return {"BOOL": chance.random() < 0.5}
        case "NULL":
            return {"NULL": True}
        case "NS":
            return {"NS": chance.sample(["0", "1", "50", "-0.5"], 2)}
        case "BS":
            return {"BS": [base64.b64encode(text.encode()).decode() for text in texts]}
        case "M":
            return {"M": {text: value(chance, depth - 1) for text in texts}}
        case "L":
            return {"L": [value(chance, depth - 1) for _ in texts]}
    return {"SS": texts}


def changed(old: Item, chance: random.Random, pool: list[Item]) -> Item | None:
    turn = chance.random()
    if turn < 0.7:
        return old
    if turn < 0.8:  # the same in another form and order
        names = chance.sample(list(old), len(old))
        return {name: otherwise(old[name]) for name in names}
    if turn < 0.81:
        return None
    new = old | {chance.choice("abcdef"): chance.choice(pool)}  # may be the same by chance
    new["UpdatedAt"] = {"S": chance.choice([BEFORE, AFTER, AFTER, AFTER, "2026-01-05T12:00:00", "?"])}
    new["Writers"] = writers(*chance.choice([(GOOD,), (GOOD, BAD), (BAD, GOOD), (BAD, GOOD, GOOD), ()]))
    return (
        new
        if chance.random() < 0.8
        else old | {name: new[name] for name in new if name not in ("UpdatedAt", "Writers")}
    )


def otherwise(old: Mapping[str, Any]) -> Item:
    ((kind, content),) = old.items()
    match kind:
        case "N":
            return {"N": f"{content}E0"}
        case "NS" | "SS" | "BS":
            return {kind: content[::-1]}
        case "M":
            return {"M": {name: otherwise(content[name]) for name in reversed(content)}}
    return dict(old)
