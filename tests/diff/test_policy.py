"""Each item that differs gets its class with the reason for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drcore.diff import Class, ExportSource, Policy, compare, judge
from drcore.errors import BadInput
from tests.support import exports
from tests.support.diff_cases import (
    AFTER,
    BAD,
    BEFORE,
    GOOD,
    OTHER,
    PK,
    POLICY,
    Item,
    compared,
    found,
    item,
    writers,
)

CASES: dict[str, tuple[Item, str, str]] = {
    "written by a faulty writer": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": writers(GOOD, BAD)},
        "corrupted",
        f"changed, last written by {BAD}",
    ),
    "a single writer, and it is faulty": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": {"S": BAD}},
        "corrupted",
        f"changed, last written by {BAD}",
    ),
    "changed, its time untouched": (
        OTHER,
        "corrupted",
        f"changed, but UpdatedAt is {BEFORE}, not after 2026-01-05T09:00:00.000Z",
    ),
    "changed at the recovery point itself": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T09:00:00Z"}},
        "corrupted",
        "changed, but UpdatedAt is 2026-01-05T09:00:00Z, not after 2026-01-05T09:00:00.000Z",
    ),
    "changed a microsecond after it": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T09:00:00.000001Z"}},
        "legit",
        f"changed by {GOOD}",
    ),
    "changed after it, in another zone": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T10:30:00+01:00"}},
        "legit",
        f"changed by {GOOD}",
    ),
    "changed, its time no longer one": (
        OTHER | {"UpdatedAt": {"S": "yesterday"}},
        "corrupted",
        "changed, but UpdatedAt is yesterday, which is no time",
    ),
    "changed, its time without a zone": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T10:00:00"}},
        "corrupted",
        "changed, but UpdatedAt is 2026-01-05T10:00:00, which is no time",
    ),
    "changed, its time in seconds": (OTHER | {"UpdatedAt": {"N": "1767607201"}}, "legit", f"changed by {GOOD}"),
    "changed, its time in milliseconds": (
        OTHER | {"UpdatedAt": {"N": "1767603600000"}},
        "corrupted",
        "changed, but UpdatedAt is 1767603600000, not after 2026-01-05T09:00:00.000Z",
    ),
    "changed later by somebody else": (OTHER | {"UpdatedAt": {"S": AFTER}}, "legit", f"changed by {GOOD}"),
    "changed on top of a faulty write": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": writers(BAD, GOOD)},
        "conflict",
        f"changed by {GOOD} on top of a write by {BAD}",
    ),
    "a writer whose name only begins alike": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": writers(f"{BAD}1")},
        "legit",
        f"changed by {BAD}1",
    ),
    "the name of a faulty writer in another attribute": (
        {"Owner": {"S": BAD}, "UpdatedAt": {"S": AFTER}},
        "legit",
        f"changed by {GOOD}",
    ),
    "nobody noted": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": {"L": []}},
        "legit",
        "changed, nothing speaks against it",
    ),
}


def test_each_item_should_get_its_class_and_its_reason(tmp_path: Path) -> None:
    restored = [item(number) for number in range(len(CASES))]
    live = [item(number, **change) for number, (change, _, _) in enumerate(CASES.values())]
    wanted = {f"USER#{number}": (kind, reason) for number, (_, kind, reason) in enumerate(CASES.values())}
    assert found(compared(tmp_path, restored, live)) == wanted
    for old, new, (kind, reason) in zip(restored, live, wanted.values(), strict=True):
        assert judge(old, new, POLICY) == (kind, reason)


def test_the_time_missing_altogether_should_be_corruption(tmp_path: Path) -> None:
    live = item(1, **OTHER)
    del live["UpdatedAt"]
    assert found(compared(tmp_path, [item(1)], [live])) == {
        "USER#1": ("corrupted", "changed, but UpdatedAt is missing, which is no time")
    }


def test_deleted_and_added_should_say_who_wrote(tmp_path: Path) -> None:
    report = compared(tmp_path, [item(1), item(2)], [item(2), item(3), item(4, Writers=writers(BAD))])
    assert found(report) == {
        "USER#1": ("deleted", "in the restored state, not in the live one"),
        "USER#3": ("added", f"only in the live state, written by {GOOD}"),
        "USER#4": ("added", f"only in the live state, last written by {BAD}"),
    }
    assert report.counts == dict.fromkeys(Class, 0) | {Class.UNCHANGED: 1, Class.DELETED: 1, Class.ADDED: 2}
    images = {each.kind: (each.restored, each.live) for each in report.differences(Class.DELETED)}
    assert images == {Class.DELETED: (item(1), None)}


@pytest.mark.parametrize(
    ("expires", "kind"),
    [
        ({"N": "1767600000"}, "expired"),  # on the day of the incident
        ({"N": "1.7676E9"}, "expired"),
        ({"S": "1767600000"}, "deleted"),  # DynamoDB reads numbers only
        ({"N": "1767600000000"}, "deleted"),  # milliseconds: never, to DynamoDB
        ({"N": "9" * 38}, "deleted"),
        ({"N": "-1"}, "deleted"),
        ({"N": "1000000000"}, "deleted"),  # of more than five years ago: left alone
        ({"NULL": True}, "deleted"),
        (None, "deleted"),
    ],
)
def test_an_item_whose_time_to_live_is_over_should_be_no_damage(
    expires: dict[str, Any] | None, kind: str, tmp_path: Path
) -> None:
    gone = item(1) | ({"ExpiresAt": expires} if expires else {})
    rule = replace(POLICY, ttl="ExpiresAt", now=datetime(2026, 1, 5, 11, tzinfo=UTC))
    report = compared(tmp_path, [gone, item(2)], [item(2)], rule)
    assert +Counter(report.counts) == {Class.UNCHANGED: 1, Class(kind): 1}
    assert [each.kind for each in report.differences()] == [judge(gone, None, rule)[0]] == [kind]
    assert judge(gone, None, replace(rule, ttl=""))[0] is Class.DELETED


def test_an_escaped_name_of_a_writer_should_be_found(tmp_path: Path) -> None:
    r"""JSON may write `/` as `\/`, and any letter as \\u….."""
    changed = item(1, Owner={"S": "x"}, UpdatedAt={"S": AFTER}, Writers=writers(BAD))
    line = exports.compact({"Item": changed}).replace(b"worker/", rb"w\u006frker\/")
    a, b = exports.full(tmp_path / "a", [item(1)]), exports.write(tmp_path / "b", [line])
    report = compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / "out")
    assert report.counts[Class.CORRUPTED] == 1


def test_without_rules_every_change_should_be_legit(tmp_path: Path) -> None:
    assert compared(tmp_path, [item(1)], [item(1, **OTHER)], Policy()).counts[Class.LEGIT] == 1


def test_a_naive_recovery_point_should_be_refused() -> None:
    with pytest.raises(BadInput, match="expected a time with a zone"):
        Policy(datetime(2026, 1, 5, 9), (), "UpdatedAt", "")  # noqa: DTZ001
