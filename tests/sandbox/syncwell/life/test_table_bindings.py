"""Who reads which table follows from what new tasks and new versions were told."""

import json
from datetime import timedelta

from drcore.sandbox.syncwell.life.table_bindings import TableBindings
from tests.support.corrupted_world import (
    TABLE,
    corrupted,
    minute_values,
    truth_of,
    writes_since,
)
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld


def test_a_switch_should_be_taken_up_by_new_tasks_and_new_versions_only() -> None:
    world = corrupted(share=0.01, minutes=4)
    restored = f"{TABLE}-restored"
    world.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName=restored, RestoreDateTime=world.now - timedelta(minutes=6)
    )
    world.sleep(900)
    _name(world, EAST, restored)
    world.sleep(30)
    truth = truth_of(world)
    assert truth["table_in_use"] == {EAST: TABLE, WEST: TABLE}
    assert sum("task" in each for each in truth["reading_old"]) == 4
    assert sum("syncwell-api:" in each for each in truth["reading_old"]) == 1

    world.client("ecs").update_service(cluster="syncwell", service="syncwell-worker", forceNewDeployment=True)
    world.sleep(300)
    truth = truth_of(world)
    assert not any("task" in each for each in truth["reading_old"])
    assert truth["table_in_use"][EAST] == TABLE
    for name in ("syncwell-api", "syncwell-worker", "syncwell-webhook"):
        _new_version(world, EAST, name)
    world.sleep(30)
    truth = truth_of(world)
    assert truth["reading_old"] == []
    assert truth["table_in_use"] == {EAST: restored, WEST: TABLE}
    since = world.now
    world.sleep(300)
    assert writes_since(world, since, EAST, TABLE)["api"] == 0
    assert writes_since(world, since, EAST, restored)["api"] > 5
    reads = minute_values(world, "AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum", 4, TableName=restored)
    assert min(reads) > 500
    assert minute_values(world, "AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum", 4, TableName=TABLE) == []
    assert truth["legit_edits"]["lost"]  # what was edited since the recovery point


def _name(world: SyncWellWorld, region: str, table: str) -> None:
    """Let AppConfig name another table."""
    config = world.client("appconfig", region)
    application = config.list_applications()["Items"][0]["Id"]
    environment = config.list_environments(ApplicationId=application)["Items"][0]["Id"]
    profile = config.list_configuration_profiles(ApplicationId=application)["Items"][0]["Id"]
    version = config.create_hosted_configuration_version(
        ApplicationId=application,
        ConfigurationProfileId=profile,
        Content=json.dumps({"DynamoDBTableName": table}).encode(),
        ContentType="application/json",
    )["VersionNumber"]
    config.start_deployment(
        ApplicationId=application,
        EnvironmentId=environment,
        ConfigurationProfileId=profile,
        ConfigurationVersion=str(version),
        DeploymentStrategyId="AppConfig.AllAtOnce",
    )
    world.sleep(700)
    assert world.sandbox.world.state(TableBindings).named(region) == table


def _new_version(world: SyncWellWorld, region: str, name: str) -> None:
    """The same code once more, as a version that nobody has run yet."""
    functions = world.client("lambda", region)
    functions.update_function_configuration(FunctionName=name, Description="new environments")
    world.sleep(10)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
