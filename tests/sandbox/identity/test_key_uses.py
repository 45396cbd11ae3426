"""Behind a call that touches what lies under a customer's key KMS is asked, in the name of who calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drcore import plans
from drcore.engine.permissions import Place, policy
from drcore.engine.verdict import Word
from drcore.parameters import parse
from drcore.sandbox.identity.guard import Guard
from drcore.sandbox.moto import backends
from drcore.sandbox.syncwell.company import names, principals
from tests.support.own_keys import only_by, put_under_own_keys
from tests.support.stage import SHORT, Scene, carry_out, staged
from tests.support.syncwell_world import SyncWellWorld, refused

F = plans.find("f")
ALL = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
ITEM = {"TableName": names.TABLE, "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}


def test_a_drill_under_own_keys_should_need_what_is_printed_for_them(tmp_path: Path) -> None:
    """Plan F: the lock and the record lie in buckets, the key of the status page is a secret."""
    with staged(tmp_path) as stage:
        keys = put_under_own_keys(stage.door.world)
        own = {"encryption_keys": tuple(keys.values())}
        setting = stage.prepare(Scene(F, F.faults[0]), facts=SHORT, service=own)
        printed = policy(F.permissions, Place(setting.service, parse(dict(setting.facts), F.facts, "facts")))
        for without in ("kms:Decrypt", "kms:GenerateDataKey", ""):
            left = [
                {**each, "Action": [action for action in each["Action"] if action != without]}
                for each in printed["Statement"]
            ]
            principals.paste(stage.door.world, "f", {**printed, "Statement": left})
            run = stage.open(setting)
            trouble = carry_out(run)
            assert without in str(trouble) and bool(trouble) is bool(without)
            reached = bool(run.verdict and run.verdict.word in (Word.REACHED, Word.TARGET_MISSED))
            assert reached is not bool(without)
        used = {action for _, action, _ in stage.door.world.state(Guard).used if action.startswith("kms:")}
        assert used == {"kms:Decrypt", "kms:GenerateDataKey"}


@pytest.fixture(scope="module")
def world() -> SyncWellWorld:
    world = SyncWellWorld()
    put_under_own_keys(world.sandbox.world)
    return world


def allow(world: SyncWellWorld, *actions: str) -> None:
    """Let the runner's role have these at any key, and what a restore asks of DynamoDB."""
    statement = {"Effect": "Allow", "Action": ["dynamodb:*", *actions], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.client("iam").put_role_policy(RoleName=names.RECOVERY_ROLE, PolicyName="keys", PolicyDocument=document)


def test_who_reads_an_item_should_be_let_use_the_key_of_its_table(world: SyncWellWorld) -> None:
    runner = world.client_as(names.RECOVERY_ROLE, "dynamodb")
    allow(world)
    assert "kms:Decrypt" in refused("AccessDeniedException", runner.get_item, **ITEM)
    written = {"Put": {"TableName": names.TABLE, "Item": ITEM["Key"]}}
    assert "kms:Decrypt" in refused("AccessDeniedException", runner.transact_write_items, TransactItems=[written])
    allow(world, "kms:Decrypt")
    runner.get_item(**ITEM)
    assert runner.describe_table(TableName=names.TABLE), "which touches no data"


def test_a_key_should_decide_by_its_own_policy_whose_account_and_which_service_may_use_it(world: SyncWellWorld) -> None:
    allow(world, "kms:Decrypt")
    sandbox = world.sandbox.world
    table = backends.dynamodb(sandbox.account, "us-east-1").tables[names.TABLE]
    assert table.sse_specification
    key = backends.kms(sandbox.account, "us-east-1").keys[table.sse_specification["KMSMasterKeyId"].rpartition("/")[2]]
    runner, before = world.client_as(names.RECOVERY_ROLE, "dynamodb"), key.policy
    key.policy = only_by("s3", sandbox.account)
    told = refused("AccessDeniedException", runner.get_item, **ITEM)
    assert "because no resource-based policy allows the kms:Decrypt action" in told
    key.policy = only_by("dynamodb", sandbox.account)
    runner.get_item(**ITEM)
    key.policy = before


@pytest.mark.parametrize("lacking", [each for each in ALL if each != "kms:DescribeKey"])
def test_who_restores_a_table_should_be_let_do_all_that_dynamodb_asks_of_its_key(
    world: SyncWellWorld, lacking: str
) -> None:
    """ReadOnlyAccess has kms:DescribeKey already."""
    allow(world, *(each for each in ALL if each != lacking))
    runner = world.client_as(names.RECOVERY_ROLE, "dynamodb")
    of = {"SourceTableName": names.TABLE, "TargetTableName": "restored", "UseLatestRestorableTime": True}
    assert lacking in refused("AccessDeniedException", runner.restore_table_to_point_in_time, **of)
