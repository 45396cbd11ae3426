"""AppConfig: versions are given out by deployments, one at a time; readers ask again for what is new."""

import json
from datetime import timedelta
from typing import Any

import pytest

from drcore.sandbox.services.appconfig.state import AppConfig
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


class _Backend:
    """SyncWell's configuration in one region, found by names as a runbook finds it."""

    def __init__(self, world: SyncWellWorld, region: str = EAST) -> None:
        self.world, self.region = world, region
        self.api = world.client("appconfig", region)
        home = _named(self.api.list_applications()["Items"], "syncwell")
        place = _named(self.api.list_environments(ApplicationId=home)["Items"], "production")
        profile = _named(self.api.list_configuration_profiles(ApplicationId=home)["Items"], "backend")
        self.environment: dict[str, Any] = {"ApplicationId": home, "EnvironmentId": place}
        self.profile: dict[str, Any] = {"ApplicationId": home, "ConfigurationProfileId": profile}

    def host(self, table: str, **more: Any) -> int:
        content = json.dumps({"DynamoDBTableName": table}).encode()
        made = self.api.create_hosted_configuration_version(
            **self.profile, Content=content, ContentType="application/json", **more
        )
        return int(made["VersionNumber"])

    def deploy(self, version: int, strategy: str = "all-at-once") -> int:
        found = self.api.get_paginator("list_deployment_strategies").paginate()
        chosen = _named([each for page in found for each in page["Items"]], strategy)
        asked = {**self.environment, **self.profile, "ConfigurationVersion": str(version)}
        return int(self.api.start_deployment(**asked, DeploymentStrategyId=chosen)["DeploymentNumber"])

    def deployment(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get_deployment(**self.environment, DeploymentNumber=number)
        return found

    def table(self) -> str:
        """What every reader of the region gets."""
        store = self.world.sandbox.world.state(AppConfig)
        return str(store.current(self.region, "syncwell", "production", "backend")["DynamoDBTableName"])


def _named(items: list[dict[str, Any]], name: str) -> str:
    return str(next(item["Id"] for item in items if item["Name"] == name))


def test_the_backend_should_read_the_name_of_the_table_in_both_regions(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        backend = _Backend(world, region)
        assert backend.table() == "SyncWellMetadata"
        held = backend.api.get_hosted_configuration_version(**backend.profile, VersionNumber=1)
        assert json.loads(held["Content"].read())["DynamoDBTableName"] == "SyncWellMetadata"


def test_a_version_should_be_read_only_once_it_is_deployed_in_its_own_region(world: SyncWellWorld) -> None:
    east, west = _Backend(world), _Backend(world, WEST)
    version = east.host("restored")
    world.sleep(60)
    assert east.table() == "SyncWellMetadata"
    number = east.deploy(version)
    world.sleep(10)
    assert east.deployment(number)["State"] == "COMPLETE"
    assert (east.table(), west.table()) == ("restored", "SyncWellMetadata")


def test_a_second_deployment_should_wait_until_the_first_has_baked(world: SyncWellWorld) -> None:
    backend = _Backend(world)
    number = backend.deploy(backend.host("a"), "AppConfig.AllAtOnce")
    world.sleep(60)
    assert backend.deployment(number)["State"] == "BAKING"
    assert backend.api.get_environment(**backend.environment)["State"] == "DEPLOYING"
    later = backend.host("b")
    with pytest.raises(backend.api.exceptions.ConflictException):
        backend.deploy(later)
    world.sleep(600)
    assert backend.api.get_environment(**backend.environment)["State"] == "READY_FOR_DEPLOYMENT"
    backend.deploy(later)


def test_a_gradual_deployment_should_reach_its_readers_step_by_step(world: SyncWellWorld) -> None:
    backend = _Backend(world)
    number = backend.deploy(backend.host("a"), "AppConfig.Linear50PercentEvery30Seconds")
    world.sleep(10)
    assert backend.deployment(number)["PercentageComplete"] == 50.0
    data = world.client("appconfigdata")
    seen = set()
    for _ in range(12):
        token = data.start_configuration_session(
            ApplicationIdentifier="syncwell",
            EnvironmentIdentifier="production",
            ConfigurationProfileIdentifier="backend",
        )["InitialConfigurationToken"]
        answer = data.get_latest_configuration(ConfigurationToken=token)
        seen.add(json.loads(answer["Configuration"].read())["DynamoDBTableName"])
    assert seen == {"a", "SyncWellMetadata"}


def test_a_deployment_that_bakes_should_go_back_only_where_a_revert_is_allowed(world: SyncWellWorld) -> None:
    backend = _Backend(world)
    number = backend.deploy(backend.host("a"), "AppConfig.AllAtOnce")
    world.sleep(30)
    asked = {**backend.environment, "DeploymentNumber": number}
    assert (backend.table(), backend.deployment(number)["State"]) == ("a", "BAKING")
    refused("BadRequestException", backend.api.stop_deployment, **asked)
    backend.api.stop_deployment(**asked, AllowRevert=True)
    world.sleep(10)
    assert (backend.table(), backend.deployment(number)["State"]) == ("SyncWellMetadata", "ROLLED_BACK")


def test_a_completed_deployment_should_go_back_only_where_a_revert_is_allowed(world: SyncWellWorld) -> None:
    backend = _Backend(world)
    number = backend.deploy(backend.host("a"))
    world.sleep(10)
    asked = {**backend.environment, "DeploymentNumber": number}
    refused("BadRequestException", backend.api.stop_deployment, **asked)
    backend.api.stop_deployment(**asked, AllowRevert=True)
    assert backend.deployment(number)["State"] == "REVERTED"
    assert backend.table() == "SyncWellMetadata"


def test_a_version_should_not_be_made_on_top_of_one_that_the_maker_has_not_seen(world: SyncWellWorld) -> None:
    backend = _Backend(world)
    assert backend.host("a", LatestVersionNumber=1) == 2
    with pytest.raises(backend.api.exceptions.ConflictException):
        backend.host("b", LatestVersionNumber=1)
    broken = {"Content": b"{", "ContentType": "application/json"}
    refused("BadRequestException", backend.api.create_hosted_configuration_version, **backend.profile, **broken)


def test_a_deployment_should_not_start_on_top_of_one_that_its_maker_has_not_seen(world: SyncWellWorld) -> None:
    backend = _Backend(world)
    asked = {**backend.environment, **backend.profile, "DeploymentStrategyId": "AppConfig.AllAtOnce"}
    start = backend.api.start_deployment
    refused("ConflictException", start, **asked, ConfigurationVersion="1", LatestDeploymentNumber=7)
    assert start(**asked, ConfigurationVersion="1", LatestDeploymentNumber=1)["DeploymentNumber"] == 2


def test_the_deployments_should_be_listed_newest_first(world: SyncWellWorld) -> None:
    backend = _Backend(world)
    backend.deploy(backend.host("a"))
    listed = backend.api.list_deployments(**backend.environment)["Items"]
    assert [(each["DeploymentNumber"], each["ConfigurationVersion"]) for each in listed] == [(2, "2"), (1, "1")]


def test_a_reader_should_get_the_content_once_then_nothing_until_it_changes(world: SyncWellWorld) -> None:
    data, backend = world.client("appconfigdata"), _Backend(world)
    token = data.start_configuration_session(
        ApplicationIdentifier="syncwell",
        EnvironmentIdentifier="production",
        ConfigurationProfileIdentifier="backend",
        RequiredMinimumPollIntervalInSeconds=15,
    )["InitialConfigurationToken"]
    read = []
    for deploys in (False, False, True, False):
        answer = data.get_latest_configuration(ConfigurationToken=token)
        assert answer["NextPollIntervalInSeconds"] == 15
        read.append(answer["Configuration"].read())
        token = answer["NextPollConfigurationToken"]
        if deploys:
            backend.deploy(backend.host("restored"))
        world.sleep(15)
    assert [json.loads(each)["DynamoDBTableName"] if each else "" for each in read] == [
        "SyncWellMetadata",
        "",
        "",
        "restored",
    ]


def test_a_reader_that_asks_too_soon_or_with_a_strange_token_should_be_refused(world: SyncWellWorld) -> None:
    data = world.client("appconfigdata")
    first = data.start_configuration_session(
        ApplicationIdentifier="syncwell",
        EnvironmentIdentifier="production",
        ConfigurationProfileIdentifier="backend",
    )["InitialConfigurationToken"]
    token = data.get_latest_configuration(ConfigurationToken=first)["NextPollConfigurationToken"]
    assert "too early" in refused("BadRequestException", data.get_latest_configuration, ConfigurationToken=token)
    refused("BadRequestException", data.get_latest_configuration, ConfigurationToken="strange")
    with world.sandbox.world.clock.at(world.now + timedelta(seconds=86_500)):  # a day lived through takes a minute
        refused("BadRequestException", data.get_latest_configuration, ConfigurationToken=token)
