"""The switch to the restored table, against the sandbox's own truth; then gone back from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from drcore.clock import parse_time
from drcore.engine.consent import GOING_BACK
from drcore.engine.outcome import Outcome
from drcore.errors import RollbackFailed
from drcore.plans.g.p08_switch import SWITCH
from drcore.plans.g.tables import consumed_table, restored_table, table
from drcore.sandbox.core.world import USERS
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.life.intended_data import IntendedData
from drcore.services.dynamodb import policies
from tests.support.data_corruption import CORRUPTED, EAST, THEIRS, WEST, arn, items, policy
from tests.support.stage import SHORT, Stage, carry_out, client, lines, staged, targets


def document(table_arn: str) -> dict[str, Any]:
    """A policy of somebody else, in which a role has the table's name in its own."""
    reader = {"AWS": "arn:aws:iam::123456789012:role/SyncWellMetadata-reader"}
    allowed = {"Sid": "Reader", "Effect": "Allow", "Principal": reader, "Action": "dynamodb:GetItem"}
    statements = [THEIRS | {"Resource": [table_arn, f"{table_arn}/index/by-owner"]}, allowed | {"Resource": table_arn}]
    return {"Version": "2008-10-17", "Id": "Base", "Statement": statements}


class Switched:
    """One switch, with what the tables and the consumers were like after it; then gone back from.

    The table has a policy of somebody else in one region, and is not protected in the other.
    """

    def __init__(self, stage: Stage) -> None:
        kms = {where: stage.door.world.client("kms", where) for where in (EAST, WEST)}
        self.keys = {where: str(client.create_key()["KeyMetadata"]["Arn"]) for where, client in kms.items()}
        own = {"encryption_keys": tuple(self.keys.values())}
        self.run = run = stage.open(stage.prepare(CORRUPTED, facts=SHORT, incident={"remedy": "switch"}, service=own))
        theirs = json.dumps(document(arn(run, EAST)))
        client(run, "dynamodb", EAST).put_resource_policy(ResourceArn=arn(run, EAST), Policy=theirs)
        client(run, "dynamodb", WEST).update_table(TableName=table(run.run), DeletionProtectionEnabled=False)
        for where in (EAST, WEST):
            self._change(where)
        assert carry_out(run, until=SWITCH) is None
        self.old, self.new = table(run.run), restored_table(run.run)
        self.told = {where: consumed_table(run.run, where) for where in (EAST, WEST)}
        intended, tables = stage.door.world.state(IntendedData), stage.door.world.state(Tables)
        self.corrupted = len(intended.bad_writes)
        self.unsound = {
            key
            for key in intended.bad_writes
            for where in self.told
            if not intended.sound(key, tables[where, self.new].get(key))
        }
        self.items = {where: items(run, where, self.new) for where in (EAST, WEST)}
        self.policies = {where: policy(run, where) for where in (EAST, WEST)}
        self.restored_policies = {where: self._policy(where) for where in (EAST, WEST)}
        run.step(SWITCH)  # again: nothing is done twice
        self.again = targets(run, SWITCH.title)
        self.described = {
            (where, name): self._described(where, name) for where in (EAST, WEST) for name in (self.old, self.new)
        }
        asked: list[str] = []

        def keyboard(prompt: str) -> str:
            asked.append(prompt)
            return f"GO BACK {run.run.id}" if GOING_BACK in prompt else "it was a drill"

        run.run.prompt._keyboard = keyboard
        run.verify()
        try:
            run.go_back()
            self.trouble = ""
        except RollbackFailed as error:
            self.trouble = str(error)
        self.back = {where: consumed_table(run.run, where) for where in (EAST, WEST)}

    def _change(self, where: str) -> None:
        """A key of the region's own, a shorter time of recovery, a tag that no parameter names."""
        dynamodb, name = client(self.run, "dynamodb", where), table(self.run.run)
        key = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": self.keys[where]}
        dynamodb.update_table(TableName=name, SSESpecification=key)
        days = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 14}
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=days)
        dynamodb.tag_resource(ResourceArn=arn(self.run, where), Tags=[{"Key": "cost-center", "Value": where}])

    def _policy(self, where: str) -> Any:
        dynamodb, name = client(self.run, "dynamodb", where), arn(self.run, where, self.new)
        try:
            found = json.loads(dynamodb.get_resource_policy(ResourceArn=name)["Policy"])
        except dynamodb.exceptions.PolicyNotFoundException:
            return {}
        statements = sorted(map(policies.statement, found["Statement"]))
        return found | {"Statement": statements}

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
            "days": backups["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"],
            "key": found["SSEDescription"]["KMSMasterKeyArn"],
            "warm": found["WarmThroughput"],
            "tags": {each["Key"]: each["Value"] for each in tags if each["Key"] != "kept-until"},
            "kept": [each["Value"] for each in tags if each["Key"] == "kept-until"],
            "alarms": [(each["MetricName"], each["Threshold"], each["Dimensions"]) for each in alarms["MetricAlarms"]],
        }


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switched]:
    with staged(tmp_path_factory.mktemp("switched"), users=USERS) as stage:
        yield Switched(stage)


def test_no_corrupted_item_should_be_in_the_table_that_is_switched_to(switched: Switched) -> None:
    assert switched.told == {EAST: switched.new, WEST: switched.new}
    assert switched.corrupted > 100
    assert switched.unsound == set()
    assert switched.items[EAST] == switched.items[WEST]


@pytest.mark.parametrize("where", [EAST, WEST])
def test_the_restored_table_should_have_every_setting_of_the_old_one(switched: Switched, where: str) -> None:
    old, new = switched.described[where, switched.old], switched.described[where, switched.new]
    for name in ("stream", "protected", "replicas", "ttl", "recovery", "days", "tags", "key", "warm"):
        assert new[name] == old[name], name
    assert new["warm"] == {"ReadUnitsPerSecond": 24_000, "WriteUnitsPerSecond": 9_000, "Status": "ACTIVE"}
    assert (new["days"], new["key"]) == (14, switched.keys[where])
    ((metric, threshold, _),) = old["alarms"]
    assert new["alarms"] == [(metric, threshold, [{"Name": "TableName", "Value": switched.new}])]


def test_the_restored_table_should_have_the_policy_that_the_old_one_had_before_the_halt(switched: Switched) -> None:
    wanted = document(arn(switched.run, EAST, switched.new))
    wanted["Statement"] = sorted(map(policies.statement, wanted["Statement"]))
    assert switched.restored_policies == {EAST: wanted, WEST: {}}


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
