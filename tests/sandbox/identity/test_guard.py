"""Who is let in with which keys, and what each of SyncWell's people and roles may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drcore.sandbox.identity.guard import Guard
from drcore.sandbox.syncwell.company import names
from tests.sandbox.conftest import client_of
from tests.support.syncwell_world import SyncWellWorld, refused

ROLE = "arn:aws:iam::123456789012:role/"
TABLE = names.TABLE
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.fixture(scope="module")
def world() -> SyncWellWorld:
    return SyncWellWorld()


def operator(world: SyncWellWorld, service: str) -> Any:
    return client_of(world.sandbox, names.OPERATOR_KEY, "-")(service)


def test_keys_of_nobody_should_be_refused_by_every_service(world: SyncWellWorld) -> None:
    nobody = client_of(world.sandbox, "AKIANOBODY", "-")
    refused("InvalidClientTokenId", nobody("sts").get_caller_identity)
    refused("InvalidAccessKeyId", nobody("s3").list_buckets)
    refused("UnrecognizedClientException", nobody("dynamodb").describe_table, TableName=TABLE)


def test_who_one_is_should_be_told_to_everybody(world: SyncWellWorld) -> None:
    told = operator(world, "sts").get_caller_identity()
    assert told["Arn"] == "arn:aws:iam::123456789012:user/operator"
    worker = world.client_as("syncwell-worker", "sts")
    assert worker.get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/syncwell-worker/job-1"


def test_the_operator_should_be_able_to_take_on_the_runners_role_only(world: SyncWellWorld) -> None:
    refused("AccessDeniedException", operator(world, "dynamodb").describe_table, TableName=TABLE)
    sts = operator(world, "sts")
    sts.assume_role(RoleArn=ROLE + names.RECOVERY_ROLE, RoleSessionName="night")
    for role in ("syncwell-worker", "syncwell-lambda", "nobody"):
        refused("AccessDenied", sts.assume_role, RoleArn=ROLE + role, RoleSessionName="night")


def test_an_approver_should_read_and_change_nothing(world: SyncWellWorld) -> None:
    given = operator(world, "sts").assume_role(RoleArn=ROLE + names.APPROVER_ROLE, RoleSessionName=names.OPERATOR)[
        "Credentials"
    ]
    approver = client_of(world.sandbox, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert approver("dynamodb").describe_table(TableName=TABLE)
    told = refused("AccessDeniedException", approver("dynamodb").put_item, TableName=TABLE, Item=KEY)
    assert "because no identity-based policy allows the dynamodb:PutItem action" in told
    refused("AccessDenied", approver("sts").assume_role, RoleArn=f"{ROLE}syncwell-worker", RoleSessionName="night")


def test_the_runner_should_act_on_what_its_plans_name_and_on_nothing_else(world: SyncWellWorld) -> None:
    runner = world.client_as(names.RECOVERY_ROLE, "lambda")
    runner.put_function_concurrency(FunctionName="syncwell-api", ReservedConcurrentExecutions=900)
    told = refused("AccessDeniedException", runner.delete_function, FunctionName="syncwell-api")
    assert "lambda:DeleteFunction" in told
    topic = {"TopicArn": "arn:aws:sns:us-east-1:123456789012:elsewhere", "Message": "m"}
    refused("AuthorizationError", world.client_as(names.RECOVERY_ROLE, "sns").publish, **topic)


def test_a_session_should_want_its_own_token_and_end_in_an_hour() -> None:
    world = SyncWellWorld()
    given = operator(world, "sts").assume_role(RoleArn=ROLE + names.RECOVERY_ROLE, RoleSessionName="night")[
        "Credentials"
    ]
    keys = (given["AccessKeyId"], given["SecretAccessKey"])
    asked = {"TableName": TABLE}
    for token in ([], ["another"]):
        client = client_of(world.sandbox, *keys, *token)("dynamodb")
        refused("UnrecognizedClientException", client.describe_table, **asked)
    client = client_of(world.sandbox, *keys, given["SessionToken"])("dynamodb")
    assert (given["Expiration"] - world.now).total_seconds() == pytest.approx(3600, abs=1)
    client.describe_table(**asked)
    world.sleep(3600)
    refused("ExpiredTokenException", client.describe_table, **asked)


def test_a_session_of_a_session_should_last_an_hour_at_most(world: SyncWellWorld) -> None:
    sts = world.client_as(names.RECOVERY_ROLE, "sts")
    asked = {"RoleArn": f"{ROLE}syncwell-worker", "RoleSessionName": "night"}
    sts.assume_role(**asked, DurationSeconds=3600)
    refused("ValidationError", sts.assume_role, **asked, DurationSeconds=3601)


def test_a_session_policy_should_limit_what_its_role_may_do(world: SyncWellWorld) -> None:
    only = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    given = world.client_as(names.RECOVERY_ROLE, "sts").assume_role(
        RoleArn=f"{ROLE}syncwell-worker",
        RoleSessionName="night",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [only]}),
    )["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    worker = client_of(world.sandbox, *keys)("dynamodb")
    worker.get_item(TableName=TABLE, Key=KEY)
    told = refused("AccessDeniedException", worker.put_item, TableName=TABLE, Item=KEY)
    assert "because no session policy allows" in told


def test_policies_of_buckets_should_be_asked_too(world: SyncWellWorld) -> None:
    bucket = names.releases_bucket("us-east-1")
    arn = f"arn:aws:s3:::{bucket}/*"
    worker = world.client_as("syncwell-worker", "s3")
    refused("AccessDenied", worker.put_object, Bucket=bucket, Key="k", Body=b"")
    grant = {"Effect": "Allow", "Principal": {"AWS": f"{ROLE}syncwell-worker"}, "Action": "s3:*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    world.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    worker.put_object(Bucket=bucket, Key="k", Body=b"")
    denial = json.dumps({"Version": "2012-10-17", "Statement": [grant | {"Effect": "Deny", "Principal": "*"}]})
    world.client("s3").put_bucket_policy(Bucket=bucket, Policy=denial)
    told = refused("AccessDenied", world.client("s3").put_object, Bucket=bucket, Key="k", Body=b"")
    assert "with an explicit deny in a resource-based policy" in told


def test_the_same_question_should_be_decided_once() -> None:
    """Until a policy changes: then anew."""
    world = SyncWellWorld()
    guard, client = world.sandbox.world.state(Guard), world.client_as(names.RECOVERY_ROLE, "dynamodb")
    client.get_item(TableName=TABLE, Key=KEY)
    known = guard.decided
    for _ in range(5):
        client.get_item(TableName=TABLE, Key=KEY)
    assert guard.decided == known
    nothing = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    world.client("iam").put_role_policy(RoleName=names.RECOVERY_ROLE, PolicyName="off", PolicyDocument=nothing)
    told = refused("AccessDeniedException", client.get_item, TableName=TABLE, Key=KEY)
    assert "with an explicit deny in an identity-based policy" in told
    assert guard.decided > known
