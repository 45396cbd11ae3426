"""What is the same is unchanged however it is written, and every key finds its other side."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drcore.diff import Class, ExportSource, compare
from drcore.diff.keys import KeySchema
from drcore.errors import BadInput
from tests.support import exports
from tests.support.diff_cases import (
    OTHER,
    PK,
    POLICY,
    Item,
    compared,
    found,
    item,
)


def test_what_only_looks_different_should_be_unchanged(tmp_path: Path) -> None:
    old = item(1, Number={"N": "50"}, Data={"BS": ["AAE=", "/w=="]})
    new = dict(reversed(old.items())) | {
        "Sources": {"SS": ["garmin", "apple"]},
        "Number": {"N": "5E+1"},
        "Data": {"BS": ["/w==", "AAE="]},
    }
    report = compared(tmp_path, [old], [new])
    assert report.counts[Class.UNCHANGED] == 1
    assert list(report.differences()) == []


def test_the_key_of_a_nested_map_should_not_be_taken_for_the_items(tmp_path: Path) -> None:
    """A search for `"pk":{"S":"` would find the nested one first."""
    restored, live = (
        [{"Meta": {"M": {"pk": {"S": "same"}}}} | item(number, **more) for number in (1, 2)] for more in ({}, OTHER)
    )
    assert set(found(compared(tmp_path, restored, live))) == {"USER#1", "USER#2"}


def test_files_should_not_be_aligned_with_each_other(tmp_path: Path) -> None:
    restored = [item(number) for number in range(20)]
    assert compared(tmp_path, restored, restored[::-1]).differs == 0


def test_empty_sides_should_be_compared_too(tmp_path: Path) -> None:
    assert compared(tmp_path / "1", [], []).differs == 0
    assert compared(tmp_path / "2", [], [item(1)]).counts[Class.ADDED] == 1
    assert compared(tmp_path / "3", [item(1)], []).counts[Class.DELETED] == 1


@pytest.mark.parametrize(
    ("names", "keys", "respelled"),
    [
        (("pk",), [{"pk": {"S": "1"}}, {"pk": {"S": "1.0"}}, {"pk": {"S": "é"}}], []),
        (("pk",), [{"pk": {"N": "50"}}, {"pk": {"N": "5"}}], [{"pk": {"N": "5E+1"}}, {"pk": {"N": "5.0"}}]),
        (("pk",), [{"pk": {"B": "AAE="}}, {"pk": {"B": "AAEC"}}], []),
        (("pk", "sk"), [{"pk": {"S": "a"}, "sk": {"S": "bc"}}, {"pk": {"S": "ab"}, "sk": {"S": "c"}}], []),
        (
            ("pk", "sk"),
            [{"pk": {"S": "a"}, "sk": {"N": "1"}}, {"pk": {"S": "a"}, "sk": {"N": "-1"}}],
            [{"pk": {"S": "a"}, "sk": {"N": "1.0"}}, {"pk": {"S": "a"}, "sk": {"N": "-1E0"}}],
        ),
        (("pk", "sk"), [{"pk": {"B": "AAE="}, "sk": {"B": "AA=="}}, {"pk": {"B": "AA=="}, "sk": {"B": "AQA="}}], []),
        (("pk", "sk"), [{"pk": {"N": "1"}, "sk": {"S": "2"}}, {"pk": {"N": "12"}, "sk": {"S": ""}}], []),
    ],
)
def test_keys_of_all_types_should_find_their_items(
    names: tuple[str, ...], keys: list[Item], respelled: list[Item], tmp_path: Path
) -> None:
    restored = [key | {"a": {"N": str(number)}} for number, key in enumerate(keys)]
    same = [key | {"a": {"N": str(number)}} for number, key in enumerate(respelled or keys)]
    assert compared(tmp_path / "same", restored, same[::-1], key=KeySchema(names)).counts[Class.UNCHANGED] == len(keys)
    one = compared(tmp_path / "one", restored, [same[0] | {"a": {"N": "9"}}, *same[1:]], key=KeySchema(names))
    assert [each.restored for each in one.differences()] == [restored[0]]


def test_a_key_that_both_sides_have_twice_should_be_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected each key once, seen twice"):
        compared(tmp_path, [item(1), item(2), item(1)], [item(1), item(1), item(2)])


def test_key_schemas_that_differ_should_be_refused(tmp_path: Path) -> None:
    a = exports.full(tmp_path / "a", [{"pk": {"S": "1"}}])
    b = exports.full(tmp_path / "b", [{"pk": {"N": "1"}}])
    with pytest.raises(BadInput, match=r"expected an item with the key pk \(S\)"):
        compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / "out")
    with pytest.raises(BadInput, match="expected the same key on both sides, seen pk; id"):
        compare(ExportSource(a, key=PK), ExportSource(b, key=KeySchema(("id",))), POLICY, out=tmp_path / "out")
    with pytest.raises(BadInput, match="--key pk"):
        compare(ExportSource(a), ExportSource(b), POLICY, out=tmp_path / "out")


def test_progress_should_say_what_is_done_how_far_and_of_how_many(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    compared(tmp_path, [item(n) for n in range(7)], [item(1, **OTHER)], progress=lambda *told: seen.append(told))
    assert [(doing.split()[0], done, total) for doing, done, total in seen[-3:]] == [
        ("reading", 1, 1),
        ("comparing", 0, None),
        ("looking", 7, 7),
    ]
    assert (seen[0][1], seen[0][2]) == (7, 7)


def test_a_plan_that_only_names_the_comparison_should_not_import_what_it_needs() -> None:
    loaded = modules_after("import drcore.diff, drcore.diff.in_place_repair, drcore.diff.sample, drcore.cli")
    assert {"duckdb", "numpy", "simdjson", "msgspec", "isal", "xxhash", "pyspark"} & loaded == set()


def test_a_comparison_should_not_import_the_client_of_aws_before_it_asks_aws() -> None:
    loaded = modules_after("import drcore.diff.comparison")
    assert "duckdb" in loaded
    assert {"boto3", "botocore"} & loaded == set()


def modules_after(code: str) -> set[str]:
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
