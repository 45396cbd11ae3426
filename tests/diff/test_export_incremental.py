"""An incremental export stands for the state before its window, or after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcore.diff import Class, ExportSource, compare
from drcore.errors import BadInput
from tests.support import exports
from tests.support.diff_cases import (
    BAD,
    OTHER,
    POLICY,
    Item,
    found,
    item,
    writers,
)


def key(number: int) -> Item:
    return {"pk": {"S": f"USER#{number}"}}


@pytest.fixture
def window(tmp_path: Path) -> ExportSource:
    """1 was corrupted, 2 deleted, 3 added, 4 written without a change, 5 came and went."""
    bad = item(1, **OTHER, Writers=writers(BAD))
    rows = [(key(1), item(1), bad), (key(2), item(2), None), (key(3), None, item(3)), (key(4), item(4), item(4))]
    return ExportSource(exports.incremental(tmp_path / "window", [*rows, (key(5), None, None)]))


def test_an_incremental_export_with_itself_should_tell_what_happened_in_its_window(
    window: ExportSource, tmp_path: Path
) -> None:
    report = compare(window, window, POLICY, out=tmp_path / "out")
    assert {name: kind for name, (kind, _) in found(report).items()} == {
        "USER#1": "corrupted",
        "USER#2": "deleted",
        "USER#3": "added",
    }
    assert report.counts[Class.UNCHANGED] == 1


def test_what_an_incremental_export_did_not_touch_should_be_unchanged(window: ExportSource, tmp_path: Path) -> None:
    """As the live side it is the state after its window, as the restored side the state before it."""
    before = ExportSource(exports.full(tmp_path / "before", [item(number) for number in (1, 2, 4, 6, 7)]))
    report = compare(before, window, POLICY, out=tmp_path / "out")
    assert {name: kind for name, (kind, _) in found(report).items()} == {
        "USER#1": "corrupted",
        "USER#2": "deleted",
        "USER#3": "added",
    }
    assert report.counts[Class.UNCHANGED] == 3
    after = [item(1, **OTHER, Writers=writers(BAD)), item(3), item(4), item(6), item(8)]
    report = compare(window, ExportSource(exports.full(tmp_path / "after", after)), POLICY, out=tmp_path / "out")
    assert {name: kind for name, (kind, _) in found(report).items()} == {
        "USER#1": "corrupted",
        "USER#2": "deleted",
        "USER#3": "added",
    }
    assert report.counts[Class.UNCHANGED] == 3


def test_two_different_windows_should_be_refused_rather_than_guessed_at(window: ExportSource, tmp_path: Path) -> None:
    other = ExportSource(exports.incremental(tmp_path / "other", [(key(1), item(1), item(1)), (key(9), None, item(9))]))
    with pytest.raises(BadInput, match="5 keys are in one of the two incremental exports only"):
        compare(window, other, POLICY, out=tmp_path / "out")


def test_an_export_of_new_images_only_should_not_pass_for_the_state_before(tmp_path: Path) -> None:
    rows = [(key(1), None, item(1))]
    new = ExportSource(exports.incremental(tmp_path / "new", rows, outputView="NEW_IMAGE"))
    with pytest.raises(BadInput, match="expected old images too"):
        compare(new, new, POLICY, out=tmp_path / "out")
