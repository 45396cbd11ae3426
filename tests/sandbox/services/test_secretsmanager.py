"""The replicated secret: readable without its primary, a secret of its own after promotion."""

from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

NAME = "syncwell/statuspage-key"


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
