"""How one item that differs is judged: times at a border, times that cannot be, items that are new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drcore import show
from drcore.clock import iso
from drcore.diff import Class, Difference
from drcore.diff.keys import key_bytes
from drcore.engine.outcome import Target
from drcore.plans.g import comparison, exported_changes, p06_compare, p08_repair
from drcore.plans.g.exported_changes import ItemWrite
from drcore.plans.g.facts import GRun
from drcore.services.dynamodb.exports import Changed

SINCE = datetime(2026, 1, 5, 8, 21, tzinfo=UTC)
KEY: dict[str, Any] = {"pk": {"S": "USER#00042"}, "sk": {"S": "sync"}}
FAULTY = "worker/2026.01.2"


def item(modified: datetime, revision: int, *writers: str) -> dict[str, Any]:
    return {
        **KEY,
        "Owner": {"S": "00042"},
        "Enabled": {"BOOL": False},
        "Sources": {"SS": ["garmin"]},
        "PreferredSource": {"S": "garmin"},
        "Schedule": {"M": {"Every": {"N": "15"}}},
        "Priority": {"L": [{"S": "garmin"}]},
        "Revision": {"N": str(revision)},
        "UpdatedAt": {"S": iso(modified)},
        "Writers": {"L": [{"S": writer} for writer in writers or ("api/2026.01.1",)]},
    }


@pytest.mark.parametrize(
    ("modified", "bad"),
    [
        (SINCE - timedelta(milliseconds=864), 0),  # replication brought it 148 ms after the span's begin
        (SINCE - timedelta(minutes=20), 1),
        (SINCE + timedelta(days=20_000), 1),
    ],
)
def test_an_honest_edit_at_the_border_of_the_span_should_not_count_as_restored_damage(
    modified: datetime, bad: int, begun: GRun
) -> None:
    old, restored = item(SINCE - timedelta(hours=1), 1), item(modified, 2)
    at = SINCE + timedelta(milliseconds=148)
    write = ItemWrite(at, KEY, Class.LEGIT, "", Changed(KEY, old, restored, at))
    key = key_bytes(KEY)
    assert len([*exported_changes.carried(begun, {key: write}, {key: restored}, SINCE)]) == bad


def test_a_silent_write_should_be_seen_however_near_an_honest_one(begun: GRun) -> None:
    """Twelve seconds before the span a user has edited; ten seconds after its begin somebody overwrites that."""
    honest, at = item(SINCE - timedelta(seconds=12), 1), SINCE + timedelta(seconds=10)
    bad = honest | {"Owner": {"S": "00043"}}
    line = Changed(KEY, honest, bad, at)
    write = exported_changes._write(begun, exported_changes.policy(begun, at), line)
    assert write.kind is Class.CORRUPTED
    key = key_bytes(KEY)
    (seen,) = exported_changes.carried(begun, {key: write}, {key: bad}, SINCE)
    assert "UpdatedAt is what it was" in seen[1]
    again = item(SINCE + timedelta(seconds=9), 2)
    assert exported_changes._write(begun, exported_changes.policy(begun, at), Changed(KEY, honest, again, at)).kind is (
        Class.LEGIT
    )


def test_what_its_time_to_live_has_removed_should_be_no_bad_write(begun: GRun) -> None:
    attribute = begun.facts.settings.ttl
    for seconds, kind in ((-60, Class.EXPIRED), (60, Class.DELETED)):
        old = item(SINCE, 1) | {attribute: {"N": str(int((SINCE + timedelta(seconds=seconds)).timestamp()))}}
        rule = exported_changes.policy(begun, SINCE)
        assert exported_changes._write(begun, rule, Changed(KEY, old, None, SINCE)).kind is kind
    assert Class.EXPIRED not in comparison.AFFECTED


@pytest.mark.parametrize(
    ("before", "honest"), [(1, True), (29, True), (31, False), (-60, True), (-600, False), (-(10**9), False)]
)
def test_a_write_should_be_honest_only_where_it_names_about_the_time_it_was_made(
    before: int, honest: bool, begun: GRun
) -> None:
    """`before`: by how many seconds the item's own time is before that of the write."""
    assert exported_changes.honest(begun, item(SINCE - timedelta(seconds=before), 1), SINCE) is honest


def test_a_time_after_now_should_not_be_believed(begun: GRun) -> None:
    assert exported_changes.policy(begun, SINCE).latest is not None


@pytest.mark.parametrize(
    ("writers", "kind"),
    [
        (("api/2026.01.1", FAULTY), Class.CONFLICT),
        ((FAULTY, "api/2026.01.1"), Class.CONFLICT),
        (("api/2026.01.1",), Class.ADDED),
    ],
)
def test_a_new_item_of_a_faulty_writer_should_wait_for_a_person(
    writers: tuple[str, ...], kind: Class, begun: GRun
) -> None:
    new = Difference(Class.ADDED, KEY, "only in the live state", None, item(SINCE, 1, *writers))
    assert comparison.judged(begun, new, {}, (FAULTY,)).kind is kind
    assert kind is Class.ADDED or kind in comparison.AFFECTED


def test_a_batch_should_be_as_large_as_its_bytes(begun: GRun) -> None:
    """Letters of four bytes: one item of 380 KB has 95,000 of them."""
    good = item(SINCE, 1) | {"Note": {"S": "\N{GRINNING FACE}" * 95_000}}
    differences = {
        bytes([number]): Difference(Class.DELETED, KEY | {"pk": {"S": f"USER#{number}"}}, "", good, None)
        for number in range(20)
    }
    states = p08_repair._ItemStates("", differences, SINCE, {}, set())
    batch = p08_repair._batch(states, [*differences])
    assert sum(len(each.restored["Note"]["S"].encode()) for each in batch if each.restored) < p08_repair.LARGEST


def test_what_is_good_should_be_shown_as_what_comes_and_what_is_corrupted_as_what_goes(begun: GRun) -> None:
    account = p06_compare.Account("u1", "ticket", Class.CORRUPTED, "", "", (("layout", "wide", "????"),))
    checked = p06_compare.SpotCheck((account,))
    for table in p06_compare.show_accounts(begun, {Target("us-east-1"): checked}):
        _, text = show.table(table)
        assert "+ wide" in text and "- ????" in text
