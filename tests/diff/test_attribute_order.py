"""Exports that write attributes in different orders are told by some lines; no guess is made where nothing is sure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drcore.diff import ExportSource, Policy, compare, equal_lines
from drcore.diff.attribute_order import likeness
from drcore.diff.gzip_lines import DataFile, FileLines
from tests.support import exports
from tests.support.diff_cases import PK, Item, item

SAME = [item(number) for number in range(20)]
OTHERS = [item(number, Device={"S": "x"}) for number in range(20)]


def turned(items: list[Item]) -> list[Item]:
    return [dict(reversed(line.items())) for line in items]


def mixed(items: list[Item], first: int) -> list[Item]:
    """No two in the same order, as if it were none at all."""
    shifts = [(first + number) % len(line) for number, line in enumerate(items)]
    return [dict([*line.items()][at:] + [*line.items()][:at]) for at, line in zip(shifts, items, strict=True)]


def lines(folder: Path, items: list[Item]) -> FileLines:
    base = exports.full(folder, items, per_file=7)
    return FileLines([DataFile(path) for path in sorted((base / "data").iterdir())])


CASES: dict[str, tuple[list[Item], list[Item], float]] = {
    "the same": (SAME, SAME[::-1], 1),
    "the other way round": (SAME, turned(SAME), 0),
    "one in four the other way round": (SAME, [*SAME[:15], *turned(SAME[15:])], 0.75),
    "two kinds of items, both turned": ([*SAME, *OTHERS], turned([*OTHERS, *SAME]), 0),
    "items that the other side's lines show nothing of": (SAME, turned(OTHERS), 1),
    "no order": ([line for at in range(5) for line in mixed(SAME[at : at + 1], at)], turned(SAME), 1),
    "nothing on one side": (SAME, [], 1),
    "nothing on the other": ([], SAME, 1),
    "no items": ([], [], 1),
}


@pytest.mark.parametrize(("restored", "live", "share"), CASES.values(), ids=CASES)
def test_the_share_should_be_of_items_whose_order_is_known(
    restored: list[Item], live: list[Item], share: float, tmp_path: Path
) -> None:
    assert likeness(lines(tmp_path / "a", restored), lines(tmp_path / "b", live)).order == share


@pytest.mark.parametrize("line", [b'{"Item":[{}]}', b'{"Item":"pk"}', b'{"Item":null}', b"[]", b"no JSON"])
def test_a_line_that_is_no_item_should_be_left_to_those_who_read_it(line: bytes, tmp_path: Path) -> None:
    sides = []
    for name in "ab":
        base = exports.write(tmp_path / name, [line] * 3)
        sides.append(FileLines([DataFile(path) for path in (base / "data").iterdir()]))
    assert likeness(*sides) == (1, True)


MAPS = [item(number, Schedule={"M": {"Every": {"N": "15"}, "Days": {"L": []}}}) for number in range(120)]


def inside_turned(line: Item) -> Item:
    return line | {"Schedule": {"M": dict(reversed(line["Schedule"]["M"].items()))}}


@pytest.mark.parametrize(
    ("live", "alike"),
    [
        ([exports.compact({"Item": line}) for line in turned(MAPS)], True),
        ([exports.compact({"Item": inside_turned(line)}) for line in turned(MAPS)], False),
        ([json.dumps({"Item": line}).encode() for line in turned(MAPS)], False),
        ([exports.compact({"Item": line}).replace(b"#", b"\\u0023") for line in turned(MAPS)], False),
    ],
    ids=["alike", "the names of a map the other way round", "blanks", "a needless escape"],
)
def test_what_attributes_hold_should_be_alike_where_it_is_written_in_one_way(
    live: list[bytes], alike: bool, tmp_path: Path
) -> None:
    base = exports.write(tmp_path / "b", live)
    sides = lines(tmp_path / "a", MAPS), FileLines([DataFile(path) for path in (base / "data").iterdir()])
    assert likeness(*sides) == (0, alike)


@pytest.mark.parametrize("last", [0, 60], ids=["in the sample", "behind the sample"])
def test_maps_of_another_order_should_be_equal_whether_the_sample_shows_it_or_not(last: int, tmp_path: Path) -> None:
    live = [*turned(MAPS[:last]), *map(inside_turned, turned(MAPS[last:]))]
    live[-1] |= {"Owner": {"S": "somebody else"}}
    a, b = (exports.full(tmp_path / name, side) for name, side in (("a", MAPS), ("b", live)))
    report = compare(ExportSource(a, key=PK), ExportSource(b), Policy(), out=tmp_path / "out")
    assert report.lines == "most differ as text (0.0% are equal), each was parsed"
    assert [each.key for each in report.differences()] == [{"pk": {"S": "USER#119"}}]


def test_where_the_order_differs_no_line_should_be_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hash_lines(*_: object) -> None:
        raise AssertionError("hashed")

    monkeypatch.setattr(equal_lines, "_hashed", hash_lines)
    a, b = (exports.full(tmp_path / name, side) for name, side in (("a", SAME), ("b", turned(SAME))))
    report = compare(ExportSource(a, key=PK), ExportSource(b), Policy(), out=tmp_path / "out")
    assert (report.lines, report.differs) == ("most differ as text (0.0% are equal), each was parsed", 0)
