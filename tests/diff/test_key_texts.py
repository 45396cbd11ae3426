"""A key among equal lines is found by its text, or its line is parsed; it is never missed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drcore.diff import Class, ExportSource, Policy, compare, equal_lines
from drcore.diff.key_texts import KeyTexts, hashed, key_texts, met
from drcore.diff.keys import KeySchema
from drcore.errors import BadInput
from tests.support import exports
from tests.support.diff_cases import PK, Item, item
from tests.support.exhaustive import EXHAUSTIVE

PAIR = KeySchema(("pk", "sk"))
SAME = range(100, 120)


def text(line: Item) -> bytes:
    return exports.compact({"Item": line})


def escaped(line: Item) -> bytes:
    return text(line).replace(b"USER", b"\\u0055SER")


def blanks(line: Item) -> bytes:
    return json.dumps({"Item": line}).encode()


def beside_a_blank_one(line: Item) -> bytes:
    """In white space where the key is, without where its name is met again."""
    nested = exports.compact({"M": {"pk": {"S": "another"}}})
    return b'{"Item":{"pk" : {"S":"%s"},"m":%s}}' % (line["pk"]["S"].encode(), nested)


# How lines that both sides have may be written, so that the key is in them somewhere and somehow.
FORMS: dict[str, Callable[[int], bytes]] = {
    "as usual": lambda number: text(item(number)),
    "last": lambda number: text(dict(reversed(item(number).items()))),
    "below too": lambda number: text(item(number, m={"M": {"pk": {"S": "x"}}})),
    "below first": lambda number: text({"m": {"M": {"pk": {"S": "x"}}}, **item(number)}),
    "below, of another type": lambda number: text({"m": {"M": {"pk": {"N": "1"}}}, **item(number)}),
    "as the end of another name": lambda number: text({"backpk": {"S": "x"}, **item(number)}),
    "as a value": lambda number: text(item(number, of={"S": "pk"})),
    "escaped": lambda number: escaped(item(number)),
    "its name escaped": lambda number: text(item(number)).replace(b'"pk"', b'"\\u0070k"'),
    "in white space": lambda number: blanks(item(number)),
    "in white space, and below without": lambda number: beside_a_blank_one(item(number)),
    "in every second line escaped": lambda number: (escaped if number % 2 else text)(item(number)),
}


def compared(folder: Path, restored: list[bytes], live: list[bytes], key: KeySchema = PK) -> Any:
    a, b = (exports.write(folder / name, side, per_file=30) for name, side in (("a", restored), ("b", live)))
    return compare(ExportSource(a, key=key), ExportSource(b), Policy(), out=folder / "out")


@pytest.mark.parametrize("side", "ab" if EXHAUSTIVE else "a")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_key_of_an_equal_line_that_a_rest_has_too_should_be_refused(
    form: Callable[[int], bytes], side: str, tmp_path: Path
) -> None:
    same = [form(number) for number in SAME]
    again = [*same, text(item(107, Owner={"S": "twice"}))]
    sides = (again, same) if side == "a" else (same, again)
    with pytest.raises(BadInput, match=f"/{side}/.*expected each key once, seen twice: .*USER#107'"):
        compared(tmp_path, *sides)


@pytest.mark.parametrize("form", FORMS if EXHAUSTIVE else ["as usual", "below too"])
def test_other_keys_should_be_compared_however_equal_lines_are_written(form: str, tmp_path: Path) -> None:
    same = [FORMS[form](number) for number in SAME]
    report = compared(tmp_path, [*same, text(item(1))], [text(item(1, Owner={"S": "x"})), *same, text(item(2))])
    assert {kind: count for kind, count in report.counts.items() if count} == {
        Class.UNCHANGED: 20,
        Class.LEGIT: 1,
        Class.ADDED: 1,
    }


def test_a_value_that_an_escape_stands_for_should_be_the_same_key(tmp_path: Path) -> None:
    same = [text(item(number)) for number in SAME]
    with pytest.raises(BadInput, match="expected each key once, seen twice"):
        compared(tmp_path, same, [*same, escaped(item(107, Owner={"S": "twice"}))])


@pytest.mark.parametrize("of_a_partition", [1, 2, 10], ids="{} items a partition".format)
def test_items_of_one_partition_should_be_told_apart(of_a_partition: int, tmp_path: Path) -> None:
    """Some equal, some not; what the text alone cannot tell is read."""
    lines = [item(n // of_a_partition, sk={"S": str(n % of_a_partition)}) for n in range(40)]
    live = [each | {"Owner": {"S": "x"}} if n % 13 == 5 else each for n, each in enumerate(lines)]
    one, other = [text(each) for each in lines], [text(each) for each in live]
    assert compared(tmp_path / "once", one, other, PAIR).differs == 3
    with pytest.raises(BadInput, match="expected each key once, seen twice"):
        compared(tmp_path / "twice", one, [*other, text(lines[7] | {"Owner": {"S": "twice"}})], PAIR)


def test_an_item_whose_neighbour_in_its_partition_differs_should_be_no_key_twice(tmp_path: Path) -> None:
    same = [text(item(number, sk={"S": "a"})) for number in SAME]
    beside = [text(item(107, sk={"S": "b"}, Owner={"S": owner})) for owner in ("one", "other")]
    report = compared(tmp_path, [*same, beside[0]], [*same, beside[1]], PAIR)
    assert (report.counts[Class.UNCHANGED], report.differs) == (20, 1)


def test_equal_lines_should_not_be_parsed_for_their_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(equal_lines, "_keys", parse)
    same = [text(item(number, Devicepk={"S": "x"}, sk={"S": "sync"})) for number in SAME]
    report = compared(tmp_path, [*same, text(item(1, sk={"S": "sync"}))], same, PAIR)
    assert report.counts[Class.DELETED] == 1


NAMES = st.sampled_from(["pk", "xpk", "k", 'p"k'])
VALUES = st.recursive(
    st.builds(lambda value: {"S": value}, st.text(st.sampled_from('apk":{}S\\é '), max_size=6)),
    lambda inner: st.builds(lambda value: {"M": value}, st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=3,
)
LINES = st.tuples(
    st.text(st.sampled_from("apk:é\\"), min_size=1, max_size=3), st.dictionaries(NAMES, VALUES, max_size=3)
)


@settings(max_examples=3000 if EXHAUSTIVE else 200, derandomize=True, deadline=None)
@given(
    lines=st.lists(st.tuples(LINES, st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=4),
    opening=st.sampled_from([b"", b'"']),
)
def test_the_text_of_lines_should_hold_every_key_or_be_given_up(lines: list[Any], opening: bytes) -> None:
    written, keys = [], []
    for (key, more), first, ascii_only, wide in lines:
        document = {"pk": {"S": key}, **more, "pk": {"S": key}} if first else {**more, "pk": {"S": key}}  # noqa: F601
        separators = (", ", ": ") if wide else (",", ":")
        written.append(json.dumps({"Item": document}, ensure_ascii=ascii_only, separators=separators).encode())
        keys.append(key.encode())
    hashes = KeyTexts("pk", opening).hashes(b"\n".join(written) + b"\n", len(written))
    assert hashes is None or set(hashed(keys).tolist()) <= set(hashes.tolist())


def test_the_attribute_that_tells_most_lines_apart_should_be_chosen() -> None:
    key = KeySchema(("pk", "sk"), ("S", "S"))

    def chosen(lines: list[Item], key: KeySchema = key) -> KeyTexts | None:
        return key_texts(key, b"\n".join(map(text, lines)), len(lines))

    assert chosen([item(n, sk={"S": "sync"}) for n in range(20)]) == KeyTexts("pk", b"")
    assert chosen([item(1, sk={"S": str(n)}) for n in range(20)]) == KeyTexts("sk", b"")
    assert chosen([item(n, xpk={"S": "x"}) for n in range(20)], KeySchema(("pk",), ("S",))) == KeyTexts("pk", b'"')
    assert chosen([item(n % 4, sk={"S": str(n % 5)}) for n in range(20)]) is None
    assert chosen([{"pk": {"N": str(n)}} for n in range(20)], KeySchema(("pk",), ("N",))) is None


def test_all_that_are_met_should_be_counted() -> None:
    some = [hashed(str(n).encode() for n in part) for part in (range(50), range(40, 90), range(0))]
    assert met(some, np.unique(hashed(str(n).encode() for n in (*range(45, 55), 1000)))) == 5 + 10
    assert met(some, np.unique(hashed([]))) == 0
