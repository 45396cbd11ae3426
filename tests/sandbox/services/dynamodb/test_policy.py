"""Resource policies: who is denied what, from when on; whose call it is."""

import json
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drcore.sandbox.services.dynamodb.policy import refuses
from drcore.sandbox.services.dynamodb.tables import Tables
from tests.support.own_table import TABLE, item, key, own_table, scanned, seeded
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

ROLES = "arn:aws:iam::123456789012:role/"
WRITES = [f"dynamodb:{name}" for name in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQL*")]


def _arn(region: str = EAST) -> str:
    return f"arn:aws:dynamodb:{region}:123456789012:table/{TABLE}"


def _denies(region: str = EAST, **changed: Any) -> str:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": WRITES,
        "Resource": _arn(region),
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"{ROLES}syncwell-recovery"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changed]})


def _worker(world: SyncWellWorld) -> Any:
    """A worker's client, whose role may do anything at the table; so may the runner's."""
    allowed = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": f"arn:aws:dynamodb:*:*:table/{TABLE}"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    for role in ("syncwell-recovery", "syncwell-worker"):
        world.client("iam").put_role_policy(RoleName=role, PolicyName="keeping", PolicyDocument=document)
    return world.client_as("syncwell-worker", "dynamodb")


def _denied(world: SyncWellWorld) -> tuple[Any, Any]:
    """The recovery role's client and a worker's, on a table that denies writes to all but the first."""
    worker, client = _worker(world), world.client_as("syncwell-recovery", "dynamodb")
    world.client("dynamodb").put_resource_policy(ResourceArn=_arn(), Policy=_denies())
    world.sleep(10)
    return client, worker


def test_every_way_to_write_should_be_denied_to_the_role_and_none_to_the_recovery_role() -> None:
    world = SyncWellWorld()
    replica = own_table(world)
    seeded(world, 3)
    client, worker = _denied(world)
    put = {"Put": {"TableName": TABLE, "Item": item("T")}}
    said = {"UpdateExpression": "SET said = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("put_item", {"TableName": TABLE, "Item": item("P")}),
        ("update_item", {"TableName": TABLE, "Key": key("USER#00001"), **said}),
        ("delete_item", {"TableName": TABLE, "Key": key("USER#00001")}),
        ("batch_write_item", {"RequestItems": {TABLE: [{"PutRequest": {"Item": item("B")}}]}}),
        ("transact_write_items", {"TransactItems": [put]}),
    ]
    for name, params in calls:
        message = refused("AccessDeniedException", getattr(worker, name), **params)
        assert "assumed-role/syncwell-worker/job-1 is not authorized to perform: dynamodb:" in message
        assert message.endswith("with an explicit deny in a resource-based policy")
    statement = {"Statement": 'DELETE FROM "Keeping"'}
    refused("AccessDeniedException", worker.execute_statement, **statement)
    refused("NotImplemented", client.execute_statement, **statement)
    assert replica.log == []
    assert worker.get_item(TableName=TABLE, Key=key("USER#00001"))["Item"]
    for name, params in calls:
        getattr(client, name)(**params)
    assert len(replica.log) == len(calls)


def test_an_actor_should_be_denied_by_its_role_and_an_absent_table_take_no_write() -> None:
    world = SyncWellWorld()
    replica = own_table(world)
    _denied(world)
    assert not replica.write(("A", "0"), item("A"), world.now, by="syncwell-batch")
    assert replica.write(("A", "0"), item("A"), world.now, by="syncwell-recovery")
    assert not world.sandbox.world.state(Tables)[EAST, "Nothing"].write(("A", "0"), item("A"), world.now)


def test_a_policy_should_be_in_force_for_some_requests_before_it_is_for_all_and_so_should_its_end() -> None:
    world = SyncWellWorld()
    own_table(world)
    worker, client = _worker(world), world.client_as("syncwell-recovery", "dynamodb")

    def taken() -> list[bool]:
        """Whether a write is taken, once a second."""
        answers = []
        for _ in range(15):
            try:
                worker.put_item(TableName=TABLE, Item=item("A"))
            except ClientError:
                answers.append(False)
            else:
                answers.append(True)
            world.sleep(1)
        return answers

    world.client("dynamodb").put_resource_policy(ResourceArn=_arn(), Policy=_denies())
    put = taken()
    client.delete_resource_policy(ResourceArn=_arn())
    deleted = taken()
    for answers, first in ((put, True), (deleted, False)):
        assert answers[0] is first
        assert set(answers[10:]) == {not first}
        assert sum(one != other for one, other in pairwise(answers)) > 1, "it is in force for all at once"


def test_replication_should_go_on_under_a_policy_that_denies_everybody() -> None:
    world = SyncWellWorld()
    own_table(world, EAST, WEST)
    world.client("dynamodb", WEST).put_resource_policy(ResourceArn=_arn(WEST), Policy=_denies(WEST))
    world.sleep(10)
    _worker(world).put_item(TableName=TABLE, Item=item("THROUGH"))
    world.sleep(2)
    assert {pk for pk, _ in scanned(world, region=WEST)} == {"THROUGH"}


def test_a_policy_should_be_changed_only_at_the_revision_that_is_expected() -> None:
    world = SyncWellWorld()
    own_table(world)
    client = world.client("dynamodb")
    asked = {"ResourceArn": _arn(), "Policy": _denies()}
    refused("PolicyNotFoundException", client.get_resource_policy, ResourceArn=_arn())
    refused("PolicyNotFoundException", client.put_resource_policy, **asked, ExpectedRevisionId="17")
    first = client.put_resource_policy(**asked, ExpectedRevisionId="NO_POLICY")["RevisionId"]
    assert client.get_resource_policy(ResourceArn=_arn()) | {"ResponseMetadata": None} == {
        "Policy": _denies(),
        "RevisionId": first,
        "ResponseMetadata": None,
    }
    other = asked | {"Policy": _denies(Principal={"AWS": f"{ROLES}x"})}
    refused("PolicyNotFoundException", client.put_resource_policy, **other, ExpectedRevisionId="NO_POLICY")
    second = client.put_resource_policy(**other, ExpectedRevisionId=first)["RevisionId"]
    refused("PolicyNotFoundException", client.delete_resource_policy, ResourceArn=_arn(), ExpectedRevisionId=first)
    client.delete_resource_policy(ResourceArn=_arn(), ExpectedRevisionId=second)
    client.delete_resource_policy(ResourceArn=_arn())
    refused("PolicyNotFoundException", client.delete_resource_policy, ResourceArn=_arn(), ExpectedRevisionId=second)


@pytest.mark.parametrize(
    ("changed", "role", "refusal"),
    [
        ({}, "syncwell-worker", True),
        ({}, "syncwell-recovery", False),
        ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": [f"{ROLES}syncwell-re*"]}}}, "syncwell-recovery", False),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalArn": f"{ROLES}other"}}}, "syncwell-recovery", True),
        ({"Condition": {"StringEquals": {"aws:PrincipalArn": f"{ROLES}a"}}}, "a", True),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, "a", False),
        ({"Condition": {}, "Principal": {"AWS": f"{ROLES}a"}}, "a", True),
        ({"Condition": {}, "Principal": {"AWS": [f"{ROLES}a"]}}, "b", False),
        ({"Condition": {}, "Action": "dynamodb:*"}, "a", True),
        ({"Condition": {}, "Action": "dynamodb:Get*"}, "a", False),
        ({"Condition": {}, "Effect": "Allow"}, "a", False),
    ],
)
def test_a_statement_should_deny_whom_it_names(changed: dict[str, Any], role: str, refusal: bool) -> None:
    assert refuses(_denies(**changed), ROLES + role, "dynamodb:PutItem", _arn()) is refusal


def test_a_policy_on_another_table_or_that_is_none_should_be_refused() -> None:
    world = SyncWellWorld()
    own_table(world)
    put = world.client("dynamodb").put_resource_policy
    refused("ValidationException", put, ResourceArn=_arn(), Policy="{")
    refused("ValidationException", put, ResourceArn=_arn(), Policy=_denies(Resource=_arn() + "-restored"))
    refused("ResourceNotFoundException", put, ResourceArn=_arn() + "X", Policy=_denies())
