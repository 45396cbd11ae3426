"""The repair in place, against the sandbox's own truth: killed, gone on with, undone.

`drcore` cannot see that truth, and is compared with it at the end.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from drcore.diff import Class
from drcore.engine.outcome import Outcome
from drcore.plans.g import comparison, p08_repair
from drcore.plans.g.tables import restored_table, table
from drcore.record.files import EVIDENCE, JOURNAL, sync_folder
from drcore.run.runbook import Runbook
from drcore.run.undo import undo
from drcore.sandbox.core.world import USERS
from drcore.services.dynamodb.transactions import write_together
from tests.support.data_corruption import EAST, WEST, Items, corrupted, drilled_to, items, keys, truth
from tests.support.forgetful_disk import ForgetfulDisk
from tests.support.stage import Stage, carry_out, client, lines, proven, staged, targets

BATCH = 40


class Killed(BaseException):
    """The process is gone."""


def alike(one: Items, other: Items, but: set[str]) -> bool:
    return {k: v for k, v in one.items() if k not in but} == {k: v for k, v in other.items() if k not in but}


class Mended:
    """One repair: somebody else mends an item before; it is killed after its second batch, gone on with, undone."""

    def __init__(self, stage: Stage, patch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        patch.setattr(p08_repair, "MOST", BATCH)  # several batches for some two hundred items
        run = drilled_to(stage, p08_repair.INVERSE, remedy="repair")
        self.bad = comparison.repairable(run.run)
        self.conflicts = keys(comparison.differences(run.run, Class.CONFLICT))
        others = keys(comparison.differences(run.run, Class.LEGIT, Class.ADDED))
        self.others = {key for key in others if key.startswith("USER#")}
        corrupted_ones = [each.key for each in self.bad if each.kind is Class.CORRUPTED]
        self.meddled = mend_by_hand(run, corrupted_ones[0])
        self.before = items(run, WEST, table(run.run))
        self.lost_before = truth(stage)["legit_edits"]["lost"]
        self.good = items(run, WEST, restored_table(run.run))
        self.raced, self.on_disk = "", list[bool]()
        self._kill(run, patch, corrupted_ones[1:])
        run.record.close()
        self.halfway = items(run, WEST, table(run.run))
        self.run = stage.again(run)
        assert carry_out(self.run, until=p08_repair.REPAIR) is None
        self.after = items(run, WEST, table(run.run))
        run.run.clock.sleep(10)
        self.elsewhere = items(run, EAST, table(run.run))
        self.corrupted, self.lost = corrupted(stage), truth(stage)["legit_edits"]["lost"]
        self.left = keys(comparison.left_for_a_person(self.run.run))

    def _kill(self, run: Runbook, patch: pytest.MonkeyPatch, others: list[Any]) -> None:
        done: list[int] = []

        def killed(aws: Any, where: str, writes: Any, token: str) -> tuple[int, ...]:
            done.append(1)
            self.on_disk.append(token.encode() in disk.image()[JOURNAL])
            if len(done) == 1:  # somebody is quicker, by a second
                batch = [write["Key"] for operation, write in writes if operation == "Update"]
                self.raced = mend_by_hand(run, next(key for key in others if key in batch))
                self.before[self.raced] = items(run, WEST, table(run.run))[self.raced]
            refused = write_together(aws, where, writes, token)
            if len(done) == 3:
                raise Killed
            return refused

        with patch.context() as once:
            once.setattr(p08_repair, "write_together", killed)
            disk = ForgetfulDisk(run.folder, once)
            for folder in (run.folder, run.folder.parent):
                sync_folder(folder)
            with pytest.raises(Killed):
                run.step(p08_repair.REPAIR)


def mend_by_hand(run: Runbook, key: Any) -> str:
    """Somebody mends a corrupted item, after it was compared."""
    client(run, "dynamodb", WEST).update_item(
        TableName=table(run.run),
        Key=key,
        UpdateExpression="SET Enabled = :off, Note = :note",
        ExpressionAttributeValues={":off": {"BOOL": False}, ":note": {"S": "by hand"}},
    )
    return str(key["pk"]["S"])


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mended]:
    with pytest.MonkeyPatch.context() as patch, staged(tmp_path_factory.mktemp("mended"), users=USERS) as stage:
        yield Mended(stage, patch)


def test_a_repair_should_have_been_killed_in_its_middle(mended: Mended) -> None:
    differ = {
        key for key in mended.before.keys() | mended.halfway.keys() if mended.before.get(key) != mended.halfway.get(key)
    }
    assert 0 < len(differ) < len(mended.bad)


def test_a_killed_repair_should_end_as_if_it_had_not_been(mended: Mended) -> None:
    assert targets(mended.run, "Repair").popitem()[1] is Outcome.DONE
    for each in mended.bad:
        key = each.key["pk"]["S"]
        assert key in (mended.meddled, mended.raced) or mended.after[key] == mended.good[key]


def test_no_corrupted_item_should_be_left_but_those_for_a_person(mended: Mended) -> None:
    assert mended.corrupted - mended.left == set()
    assert mended.left == mended.conflicts | {mended.meddled, mended.raced}


def test_no_legitimate_change_should_be_lost_by_a_repair(mended: Mended) -> None:
    assert mended.lost == mended.lost_before
    assert {key: mended.after[key] for key in mended.others} == {key: mended.before[key] for key in mended.others}


def test_a_conflict_and_what_was_changed_meanwhile_should_be_left_alone(mended: Mended) -> None:
    for key in (*mended.conflicts, mended.meddled, mended.raced):
        assert mended.after.get(key) == mended.before.get(key)


def test_a_repair_should_reach_the_other_region(mended: Mended) -> None:
    assert alike(mended.elsewhere, mended.after, set())


def test_no_item_should_be_written_twice_by_a_repair(mended: Mended) -> None:
    meant = [key for line in lines(mended.run, "batch") for key in line["keys"]]
    refused = [line for line in lines(mended.run, "call") if line["answer"] == "TransactionCanceledException"]
    assert len(refused) == 1  # the batch with the item for which somebody else was quicker: nothing of it was written
    assert len(meant) - len(set(meant)) <= BATCH


def test_each_batch_should_be_on_disk_before_it_is_written(mended: Mended) -> None:
    """After a power cut the next process knows by it which items may have been written, and reads them again."""
    assert mended.on_disk == [True] * 3


def test_what_undoes_a_repair_should_lie_in_the_record_before_its_first_write(mended: Mended) -> None:
    content = gzip.decompress((mended.run.folder / EVIDENCE / p08_repair.INVERSE_FILE).read_bytes())
    assert len(content.splitlines()) == len(mended.bad)
    assert {tuple(json.loads(line)) for line in content.splitlines()} <= {("Update",), ("Delete",)}
    bound = next(
        n
        for n, line in enumerate(mended.run.record.events)
        if line.get("name") == f"{EVIDENCE}/{p08_repair.INVERSE_FILE}"
    )
    first = next(n for n, line in enumerate(mended.run.record.events) if line["event"] == "batch")
    assert bound < first


def test_a_repair_should_be_undone_but_for_what_was_changed_since(mended: Mended) -> None:
    run = mended.run
    others = {mended.meddled, mended.raced}
    victim = next(each.key for each in mended.bad if each.key["pk"]["S"] not in others)
    client(run, "dynamodb", WEST).update_item(
        TableName=table(run.run),
        Key=victim,
        UpdateExpression="SET Revision = :n",
        ExpressionAttributeValues={":n": {"N": "99"}},
    )
    result = undo(
        run.run, p08_repair.REPAIR, p08_repair.in_table(run.run)[0], p08_repair.Repairing(len(mended.bad), 0, 0, 0, ())
    )
    assert result.outcome is Outcome.DONE, result.why
    now = items(run, WEST, table(run.run))
    assert alike(now, mended.before, {victim["pk"]["S"]})
    assert now[victim["pk"]["S"]]["Revision"] == {"N": "99"}
    proven(run)
