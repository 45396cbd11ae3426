"""A rule that matches nothing is never applied in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drcore.diff import Class, Policy
from drcore.errors import BadInput
from tests.support.diff_cases import AFTER, BAD, BEFORE, GOOD, OTHER, POINT, compared, item, writers

RIGHT: dict[str, Any] = {"recovery_point": POINT, "faulty": (BAD,), "modified": "UpdatedAt", "writer": "Writers"}
WRONG = {
    "no such writer": ({"faulty": ("nobody",)}, "none of the 3 live items that differ was written by nobody"),
    "no such attribute of writers": ({"writer": "writers"}, "none of the 3 live items that differ names a writer"),
    "no such attribute of times": ({"modified": "updatedAt"}, "none of the 2 items that were changed has an attribute"),
}


@pytest.mark.parametrize(("rules", "words"), WRONG.values(), ids=WRONG)
def test_a_rule_that_matches_nothing_should_be_refused_or_said(
    rules: dict[str, Any], words: str, tmp_path: Path
) -> None:
    live = [item(1, **OTHER, Writers=writers(GOOD, BAD)), item(2, **OTHER, UpdatedAt={"S": AFTER}), item(3), item(9)]
    restored = [item(number) for number in (1, 2, 3)]
    policy = Policy(**RIGHT | rules)
    with pytest.raises(BadInput, match=f"a rule matches nothing: {words}.*--allow-unmatched"):
        compared(tmp_path / "refused", restored, live, policy, allow_unmatched=False)
    assert list((tmp_path / "refused" / "out").iterdir()) == [], "no answer is left"
    report = compared(tmp_path / "said", restored, live, policy)
    assert any(words in remark for remark in report.remarks)
    assert report.differs == 3


def test_a_rule_that_matches_should_say_nothing(tmp_path: Path) -> None:
    live = [item(1, **OTHER, Writers=writers(GOOD, BAD)), item(2, **OTHER)]
    report = compared(tmp_path, [item(1), item(2)], live, allow_unmatched=False)
    assert (report.counts[Class.CORRUPTED], report.remarks) == (2, ())


def test_where_nothing_differs_there_is_nothing_to_match(tmp_path: Path) -> None:
    policy = Policy(POINT, ("nobody",), "no", "such")
    assert compared(tmp_path / "1", [item(1)], [item(1)], policy, allow_unmatched=False).differs == 0
    assert compared(tmp_path / "2", [item(1)], [], policy, allow_unmatched=False).counts[Class.DELETED] == 1


def test_of_several_writers_the_one_that_is_met_nowhere_should_be_said(tmp_path: Path) -> None:
    policy = Policy(faulty=(BAD, "worker/0"), writer="Writers")
    live = [item(1, **OTHER, Writers=writers(BAD))]
    report = compared(tmp_path, [item(1)], live, policy, allow_unmatched=False)
    assert report.remarks == ("no live item that differs was written by worker/0",)


def test_changed_items_without_a_time_that_can_be_believed_should_be_counted(tmp_path: Path) -> None:
    live = [item(1, **OTHER, UpdatedAt={"S": "?"}), item(2, **OTHER, UpdatedAt={"S": BEFORE})]
    report = compared(tmp_path, [item(1), item(2)], live, Policy(POINT, (), "UpdatedAt"), allow_unmatched=False)
    assert report.remarks == ("1 changed items have no time in UpdatedAt that can be believed",)
