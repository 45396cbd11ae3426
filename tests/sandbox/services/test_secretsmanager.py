"""The replicated secret: readable without its primary, a secret of its own after promotion."""

from drcore.sandbox.services.secretsmanager import WRITES_A_SECOND, Secrets
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

NAME = "syncwell/statuspage-key"
SHARD = "syncwell/oauth/shard-0000"


def test_the_replica_should_be_readable_while_the_primary_is_out_and_not_writable() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST)
    client = world.client("secretsmanager", WEST)
    assert client.get_secret_value(SecretId=NAME)["SecretString"]
    assert client.describe_secret(SecretId=NAME)["PrimaryRegion"] == EAST
    refused("InvalidParameterException", client.put_secret_value, SecretId=NAME, SecretString="new")


def test_promotion_should_make_the_replica_a_secret_of_its_own() -> None:
    world = SyncWellWorld()
    client = world.client("secretsmanager", WEST)
    before = client.get_secret_value(SecretId=NAME)
    arn = client.stop_replication_to_replica(SecretId=NAME)["ARN"]
    assert arn == before["ARN"]
    assert client.get_secret_value(SecretId=NAME)["SecretString"] == before["SecretString"]
    client.put_secret_value(SecretId=NAME, SecretString="new")
    assert client.get_secret_value(SecretId=NAME)["SecretString"] == "new"
    primary = world.client("secretsmanager", EAST)
    assert primary.get_secret_value(SecretId=NAME)["SecretString"] == before["SecretString"]
    assert not primary.describe_secret(SecretId=NAME).get("ReplicationStatus")


def test_promotion_should_be_asked_of_the_replica_and_only_once() -> None:
    world = SyncWellWorld()
    refused("InvalidRequestException", world.client("secretsmanager", EAST).stop_replication_to_replica, SecretId=NAME)
    world.client("secretsmanager", WEST).stop_replication_to_replica(SecretId=NAME)
    refused("InvalidRequestException", world.client("secretsmanager", WEST).stop_replication_to_replica, SecretId=NAME)
    refused("ResourceNotFoundException", world.client("secretsmanager").stop_replication_to_replica, SecretId="x")


def test_a_replica_should_get_a_version_seconds_after_its_primary_and_say_so() -> None:
    world = SyncWellWorld()
    primary, replica = world.client("secretsmanager", EAST), world.client("secretsmanager", WEST)
    before = replica.describe_secret(SecretId=SHARD)["VersionIdsToStages"]
    put = primary.put_secret_value(SecretId=SHARD, SecretString="{}", ClientRequestToken="n" * 32)
    assert put["VersionStages"] == ["AWSCURRENT"]
    assert replica.describe_secret(SecretId=SHARD)["VersionIdsToStages"] == before
    assert [each["Status"] for each in primary.describe_secret(SecretId=SHARD)["ReplicationStatus"]] == ["InProgress"]
    world.sleep(10)
    assert replica.describe_secret(SecretId=SHARD)["VersionIdsToStages"]["n" * 32] == ["AWSCURRENT"]
    assert [each["Status"] for each in primary.describe_secret(SecretId=SHARD)["ReplicationStatus"]] == ["InSync"]


def test_a_request_token_should_be_taken_once_and_refused_with_another_value() -> None:
    client, token = SyncWellWorld().client("secretsmanager", EAST), "n" * 32
    client.put_secret_value(SecretId=SHARD, SecretString="{}", ClientRequestToken=token)
    stages = client.describe_secret(SecretId=SHARD)["VersionIdsToStages"]
    client.put_secret_value(SecretId=SHARD, SecretString="{}", ClientRequestToken=token)
    assert client.describe_secret(SecretId=SHARD)["VersionIdsToStages"] == stages
    refused(
        "ResourceExistsException", client.put_secret_value, SecretId=SHARD, SecretString="[]", ClientRequestToken=token
    )


def test_writes_above_fifty_a_second_should_be_throttled_for_that_second() -> None:
    world = SyncWellWorld()
    secrets = world.sandbox.world.state(Secrets)
    for _ in range(WRITES_A_SECOND):
        secrets.admit(world.sandbox.world.account, EAST)
    client = world.client("secretsmanager", EAST)
    refused("ThrottlingException", client.put_secret_value, SecretId=SHARD, SecretString="{}")
    world.client("secretsmanager", WEST).stop_replication_to_replica(SecretId=SHARD)  # another region has its own
    world.sleep(1)
    client.put_secret_value(SecretId=SHARD, SecretString="{}")


def test_a_secret_with_replicas_should_not_be_deleted() -> None:
    refused("InvalidRequestException", SyncWellWorld().client("secretsmanager", EAST).delete_secret, SecretId=SHARD)


def test_a_list_by_name_should_be_the_one_of_moto_page_by_page() -> None:
    client = SyncWellWorld().client("secretsmanager", WEST)
    by_name = {"Filters": [{"Key": "name", "Values": ["syncwell/oauth/", "syncwell/status"]}]}
    pages = client.get_paginator("list_secrets").paginate(**by_name, PaginationConfig={"PageSize": 1})
    found = [each["ARN"] for page in pages for each in page["SecretList"]]
    every = client.list_secrets(IncludePlannedDeletion=True, **by_name)["SecretList"]  # moto's own answer
    assert found == [each["ARN"] for each in every]
    assert len(found) > 1


def test_a_secret_should_be_found_by_name_and_arn_and_by_neither_once_it_is_gone() -> None:
    client = SyncWellWorld().client("secretsmanager", EAST)
    made = client.create_secret(Name="a/new", SecretString="x")["ARN"]
    for wanted in ("a/new", made, made[:-7]):
        assert client.describe_secret(SecretId=wanted)["ARN"] == made
    client.delete_secret(SecretId=made[:-7], ForceDeleteWithoutRecovery=True)
    for wanted in ("a/new", made):
        refused("ResourceNotFoundException", client.describe_secret, SecretId=wanted)
