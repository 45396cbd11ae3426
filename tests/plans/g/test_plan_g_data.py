"""Plan G's care for data: the recovery point, the comparison, the repair, the switch, against the sandbox's own truth.

A world in this process; `drcore` cannot see its truth, and is compared with it at the end.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.clock import parse_time
from drcore.diff import Class, Difference
from drcore.engine.consent import GOING_BACK
from drcore.engine.context import Run
from drcore.engine.step import Outcome, Step
from drcore.errors import BadInput, RollbackFailed, StepFailed
from drcore.plans.g import comparison, p08_repair
from drcore.plans.g.exported_changes import region
from drcore.plans.g.p04_recovery_point import EXPORT, RECOVERY_POINT, recovery_point
from drcore.plans.g.p05_restore import RESTORE
from drcore.plans.g.p08_switch import consumed_table
from drcore.plans.g.tables import restored_table, table
from drcore.record.journal import EVIDENCE
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.truth.intended_data import Ledger
from drcore.services.dynamodb.transactions import write_together
from tests.support.stage import SHORT, Scene, Stage, carry_out, client, lines, proven, staged, targets

PLAN = plans.find("g")
CORRUPTED = Scene(PLAN, "data-corruption")
EAST, WEST = "us-east-1", "us-west-2"
BATCH = 40
Items = dict[str, dict[str, Any]]


class Killed(BaseException):
    """The process is gone."""


def step(title: str) -> Step:
    return PLAN.step(title)


def until(stage: Stage, title: str, options: dict[str, str] | None = None, **incident: object) -> Run:
    """A drill up to the end of one step."""
    run = stage.open(stage.prepare(CORRUPTED, options=options, facts=SHORT, incident=incident))
    assert carry_out(run, until=step(title)) is None
    return run


def items(run: Run, where: str, name: str) -> Items:
    """All users' items of a table in one region, past the gate."""
    found: Items = {}
    pages = client(run, "dynamodb", where).get_paginator("scan").paginate(TableName=name)
    for page in pages:
        found |= {item["pk"]["S"]: item for item in page["Items"] if item["pk"]["S"].startswith("USER#")}
    return found


def keys(found: tuple[Difference, ...]) -> set[str]:
    return {each.key["pk"]["S"] for each in found}


def truth(stage: Stage) -> Any:
    return stage.truth()["corruption"]


def corrupted(stage: Stage) -> set[str]:
    return {key.partition("/")[0] for key in truth(stage)["corrupted"]}


def alike(one: Items, other: Items, but: set[str]) -> bool:
    return {k: v for k, v in one.items() if k not in but} == {k: v for k, v in other.items() if k not in but}


# ── The recovery point ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Run]]:
    """A drill that has seen the bad writes, and is about to choose the recovery point."""
    with staged(tmp_path_factory.mktemp("exported")) as stage:
        yield stage, until(stage, EXPORT.title, incident="again")


def named(run: Run, told: str) -> None:
    """Let the parameters name a recovery point."""
    run.incident = run.incident.model_copy(update={"recovery_point": told})


@pytest.mark.parametrize("told", ["2026-01-05T08:48:00", "2026-01-05T09:48:00+01:00", "2026-01-05T08:48:00.5Z", "8:48"])
def test_a_recovery_point_that_is_no_second_in_utc_should_be_refused(told: str, exported: tuple[Stage, Run]) -> None:
    with pytest.raises(BadInput, match=r"recovery_point.*UTC"):
        exported[0].prepare(PLAN, incident={"recovery_point": told})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("2025-11-01T00:00:00Z", "cannot be restored"),
        ("2026-01-05T12:00:00Z", "cannot be restored"),
        ("2026-01-05T08:55:00Z", "not before the first bad write"),
    ],
)
def test_a_recovery_point_that_cannot_be_or_is_too_late_should_be_refused(
    told: str, why: str, exported: tuple[Stage, Run]
) -> None:
    _, run = exported
    named(run, told)
    with pytest.raises(StepFailed, match=why):
        run.step(RECOVERY_POINT)
    assert not [line for line in lines(run, "call") if line["call"] == "dynamodb:RestoreTableToPointInTime"]


def test_a_table_of_another_time_should_not_be_taken_for_the_restored_one(exported: tuple[Stage, Run]) -> None:
    _, run = exported
    named(run, "")
    run.step(RECOVERY_POINT)
    client(run, "dynamodb", region(run)).restore_table_to_point_in_time(
        SourceTableName=table(run),
        TargetTableName=restored_table(run),
        RestoreDateTime=recovery_point(run) - timedelta(seconds=1),
    )
    with pytest.raises(StepFailed, match="not what this run restores"):
        run.step(RESTORE)


@pytest.mark.parametrize(
    ("seed", "options"), [(2, {"region": WEST, "silent": "1"}), (3, {"share": "0.01", "minutes": "30"})]
)
def test_the_recovery_point_should_be_right_before_the_first_bad_write(
    seed: int, options: dict[str, str], tmp_path: Path
) -> None:
    with staged(tmp_path, seed) as stage:
        run = until(stage, RECOVERY_POINT.title, options)
        first = parse_time(truth(stage)["first_bad_write"])
        assert timedelta(0) < first - recovery_point(run) < timedelta(seconds=5)


# ── The repair ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Mended:
    """One repair: somebody else mends an item before; it is killed after its second batch, gone on with, undone."""

    def __init__(self, stage: Stage, patch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        patch.setattr(p08_repair, "MOST", BATCH)  # several batches for some two hundred items
        run = until(stage, "Write the inverse", way="repair")
        self.bad = comparison.repairable(run)
        self.conflicts = keys(comparison.differences(run, Class.CONFLICT))
        others = keys(comparison.differences(run, Class.LEGIT, Class.ADDED))
        self.others = {key for key in others if key.startswith("USER#")}
        corrupted_ones = [each.key for each in self.bad if each.kind is Class.CORRUPTED]
        self.meddled = mend_by_hand(run, corrupted_ones[0])
        self.before = items(run, WEST, table(run))
        self.lost_before = truth(stage)["legit_edits"]["lost"]
        self.good = items(run, WEST, restored_table(run))
        self.raced = ""
        self._kill(run, patch, corrupted_ones[1:])
        run.record.close()
        self.halfway = items(run, WEST, table(run))
        self.run = stage.again(run)
        assert carry_out(self.run, until=p08_repair.REPAIR) is None
        self.after = items(run, WEST, table(run))
        run.clock.sleep(10)
        self.elsewhere = items(run, EAST, table(run))
        self.corrupted, self.lost = corrupted(stage), truth(stage)["legit_edits"]["lost"]
        self.left = keys(p08_repair.left_for_a_person(self.run))

    def _kill(self, run: Run, patch: pytest.MonkeyPatch, others: list[Any]) -> None:
        done: list[int] = []

        def killed(aws: Any, where: str, writes: Any, token: str) -> tuple[int, ...]:
            done.append(1)
            if len(done) == 1:  # somebody is quicker, by a second
                batch = [write["Key"] for operation, write in writes if operation == "Update"]
                self.raced = mend_by_hand(run, next(key for key in others if key in batch))
                self.before[self.raced] = items(run, WEST, table(run))[self.raced]
            refused = write_together(aws, where, writes, token)
            if len(done) == 3:
                raise Killed
            return refused

        with patch.context() as once:
            once.setattr(p08_repair, "write_together", killed)
            with pytest.raises(Killed):
                run.step(p08_repair.REPAIR)


def mend_by_hand(run: Run, key: Any) -> str:
    """Somebody mends a corrupted item, after it was compared."""
    client(run, "dynamodb", WEST).update_item(
        TableName=table(run),
        Key=key,
        UpdateExpression="SET Enabled = :off, Note = :note",
        ExpressionAttributeValues={":off": {"BOOL": False}, ":note": {"S": "by hand"}},
    )
    return str(key["pk"]["S"])


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mended]:
    with pytest.MonkeyPatch.context() as patch, staged(tmp_path_factory.mktemp("mended")) as stage:
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
        TableName=table(run),
        Key=victim,
        UpdateExpression="SET Revision = :n",
        ExpressionAttributeValues={":n": {"N": "99"}},
    )
    result = run._undo(
        p08_repair.REPAIR, p08_repair.in_table(run)[0], p08_repair.Repairing(len(mended.bad), 0, 0, 0, ())
    )
    assert result.outcome is Outcome.DONE, result.why
    now = items(run, WEST, table(run))
    assert alike(now, mended.before, {victim["pk"]["S"]})
    assert now[victim["pk"]["S"]]["Revision"] == {"N": "99"}
    proven(run)


# ── The switch ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Switched:
    """One switch, with what the tables and the consumers were like after it; then gone back from."""

    def __init__(self, stage: Stage) -> None:
        self.run = run = until(stage, "Switch", way="switch")
        self.old, self.new = table(run), restored_table(run)
        self.told = {where: consumed_table(run, where) for where in (EAST, WEST)}
        ledger, tables = stage.door.world.shelf(Ledger), stage.door.world.shelf(Tables)
        self.spoiled = len(ledger.spoils)
        self.unsound = {
            key
            for key in ledger.spoils
            for where in self.told
            if not ledger.sound(key, tables[where, self.new].get(key))
        }
        self.items = {where: items(run, where, self.new) for where in (EAST, WEST)}
        self.policies = {where: self._policy(where) for where in (EAST, WEST)}
        run.step(step("Switch"))  # again: nothing is done twice
        self.again = targets(run, "Switch")
        self.described = {
            (where, name): self._described(where, name) for where in (EAST, WEST) for name in (self.old, self.new)
        }
        asked: list[str] = []

        def keyboard(prompt: str) -> str:
            asked.append(prompt)
            return f"GO BACK {run.id}" if GOING_BACK in prompt else "it was a drill"

        run.desk._keyboard = keyboard
        run.verify()
        try:
            run.go_back()
            self.trouble = ""
        except RollbackFailed as error:
            self.trouble = str(error)
        self.back = {where: consumed_table(run, where) for where in (EAST, WEST)}

    def _policy(self, where: str) -> str:
        arn = f"arn:aws:dynamodb:{where}:123456789012:table/{self.old}"
        return str(client(self.run, "dynamodb", where).get_resource_policy(ResourceArn=arn)["Policy"])

    def _described(self, where: str, name: str) -> dict[str, Any]:
        dynamodb = client(self.run, "dynamodb", where)
        found = dynamodb.describe_table(TableName=name)["Table"]
        ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]
        alarms = client(self.run, "cloudwatch", where).describe_alarms(AlarmNamePrefix=f"{name}-throttled")
        return {
            "stream": found["StreamSpecification"],
            "protected": found["DeletionProtectionEnabled"],
            "replicas": sorted(each["RegionName"] for each in found["Replicas"]),
            "ttl": ttl.get("AttributeName"),
            "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            "tags": {each["Key"]: each["Value"] for each in tags if each["Key"] != "kept-until"},
            "kept": [each["Value"] for each in tags if each["Key"] == "kept-until"],
            "alarms": [(each["MetricName"], each["Threshold"], each["Dimensions"]) for each in alarms["MetricAlarms"]],
        }


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switched]:
    with staged(tmp_path_factory.mktemp("switched")) as stage:
        yield Switched(stage)


def test_no_corrupted_item_should_be_in_the_table_that_is_switched_to(switched: Switched) -> None:
    assert switched.told == {EAST: switched.new, WEST: switched.new}
    assert switched.spoiled > 100
    assert switched.unsound == set()
    assert switched.items[EAST] == switched.items[WEST]


@pytest.mark.parametrize("where", [EAST, WEST])
def test_the_restored_table_should_have_every_setting_of_the_old_one(switched: Switched, where: str) -> None:
    old, new = switched.described[where, switched.old], switched.described[where, switched.new]
    for name in ("stream", "protected", "replicas", "ttl", "recovery", "tags"):
        assert new[name] == old[name], name
    ((metric, threshold, _),) = old["alarms"]
    assert new["alarms"] == [(metric, threshold, [{"Name": "TableName", "Value": switched.new}])]


@pytest.mark.parametrize("where", [EAST, WEST])
def test_the_corrupt_table_should_be_kept(switched: Switched, where: str) -> None:
    assert switched.described[where, switched.old]["protected"] is True
    (kept,) = switched.described[where, switched.old]["kept"]
    decided = lines(switched.run, "decision")[-1]["time"]
    assert parse_time(kept) >= (parse_time(decided) + timedelta(days=35)).replace(microsecond=0)
    statements = {each["Sid"]: each for each in json.loads(switched.policies[where])["Statement"]}
    assert statements["DrcoreKeepAsEvidence"]["Principal"] == "*"


def test_a_switch_that_was_made_should_not_be_made_again(switched: Switched) -> None:
    assert set(switched.again.values()) <= {Outcome.DONE, Outcome.ALREADY}
    made = [line for line in lines(switched.run, "call") if line["call"] == "appconfig:StartDeployment"]
    assert len(made) == 4  # one a region there, one a region back


def test_a_switch_should_be_gone_back_from_while_writers_are_stopped(switched: Switched) -> None:
    assert switched.back == {EAST: switched.old, WEST: switched.old}
    assert switched.trouble == ""
