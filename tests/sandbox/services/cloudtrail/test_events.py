"""CloudTrail: who changed what, known some minutes later."""

import json
from datetime import timedelta
from typing import Any

import pytest

from drcore.sandbox.syncwell.company import worker_services
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _events(world: SyncWellWorld, region: str = EAST, **attribute: str) -> list[dict[str, Any]]:
    wanted = [{"AttributeKey": key, "AttributeValue": value} for key, value in attribute.items()]
    pages = world.client("cloudtrail", region).get_paginator("lookup_events")
    return [event for page in pages.paginate(LookupAttributes=wanted) for event in page["Events"]]


def _deploy(world: SyncWellWorld, release: str) -> None:
    with world.sandbox.world.clock.frozen():
        worker_services.deploy(world.sandbox.world, EAST, release)


def test_a_deployment_by_the_pipeline_should_be_found_about_five_minutes_later(world: SyncWellWorld) -> None:
    at = world.now
    _deploy(world, "2026.01.2")
    world.sleep(200)
    assert not [event for event in _events(world, EventName="UpdateService") if event["EventTime"] >= at]
    world.sleep(160)
    found = _events(world, EventName="UpdateService")[0]
    assert (found["Username"], found["EventTime"]) == ("syncwell-pipeline", at.replace(microsecond=0))
    asked = json.loads(found["CloudTrailEvent"])["requestParameters"]
    assert asked["taskDefinition"] == "syncwell-worker:3"
    registered = json.loads(_events(world, EventName="RegisterTaskDefinition")[0]["CloudTrailEvent"])
    environment = registered["requestParameters"]["containerDefinitions"][0]["environment"]
    assert {"name": "RELEASE", "value": "2026.01.2"} in environment


def test_the_releases_of_the_past_should_be_known_in_both_regions(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        found = _events(world, region, Username="syncwell-pipeline")
        assert [event["EventName"] for event in found] == [
            "UpdateService",
            "RegisterTaskDefinition",
            "CreateService",
            "RegisterTaskDefinition",
        ]


def test_a_change_by_anyone_should_be_found_by_name_of_event_resource_or_user(world: SyncWellWorld) -> None:
    world.client("ecs").update_service(cluster="syncwell", service="syncwell-worker", desiredCount=5)
    world.client("lambda").put_function_concurrency(FunctionName="syncwell-api", ReservedConcurrentExecutions=300)
    world.sleep(360)
    assert _events(world, EventName="PutFunctionConcurrency")[0]["Resources"] == [{"ResourceName": "syncwell-api"}]
    assert _events(world, ResourceName="syncwell-worker")[0]["EventName"] == "UpdateService"
    assert {event["EventName"] for event in _events(world, Username="administrator")} == {
        "UpdateService",
        "PutFunctionConcurrency",
    }
    assert _events(world, Username="administrator", region=WEST) == []


def test_the_user_of_an_assumed_role_should_be_that_role(world: SyncWellWorld) -> None:
    client = world.client_as("syncwell-recovery", "ecs")
    client.update_service(cluster="syncwell", service="syncwell-worker", desiredCount=5)
    world.sleep(360)
    found = _events(world, EventName="UpdateService")[0]
    key = client._request_signer._credentials.access_key
    assert (found["Username"], found["AccessKeyId"]) == ("syncwell-recovery", key)


def test_reads_items_of_tables_or_objects_of_buckets_should_be_no_events(world: SyncWellWorld) -> None:
    world.client("ecs").list_tasks(cluster="syncwell")
    world.client("s3").put_object(Bucket="syncwell-levers-us-east-1", Key="k", Body=b"")
    world.client("dynamodb").put_item(TableName="SyncWellMetadata", Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    world.sleep(360)
    assert _events(world, Username="administrator") == []


def test_a_refused_change_should_be_an_event_with_its_error(world: SyncWellWorld) -> None:
    ecs = world.client("ecs")
    refused("ServiceNotFoundException", ecs.update_service, cluster="syncwell", service="nobody", desiredCount=1)
    world.sleep(360)
    assert "errorCode" in json.loads(_events(world, ResourceName="nobody")[0]["CloudTrailEvent"])


def test_a_change_whose_answer_was_lost_should_be_an_event_all_the_same(world: SyncWellWorld) -> None:
    world.broken("lost-response", service="ecs", operation="UpdateService", count=1)
    with pytest.raises(Exception, match="Connection was closed"):
        world.client("ecs").update_service(cluster="syncwell", service="syncwell-worker", desiredCount=5)
    world.sleep(360)
    assert _events(world, EventName="UpdateService")[0]["Username"] == "administrator"


def test_secrets_should_be_hidden(world: SyncWellWorld) -> None:
    world.client("secretsmanager").create_secret(Name="some", SecretString="a-secret-word")
    world.sleep(360)
    assert "a-secret-word" not in _events(world, EventName="CreateSecret")[0]["CloudTrailEvent"]


def test_events_should_be_cut_by_time_newest_first(world: SyncWellWorld) -> None:
    began = world.now
    for count in (5, 6, 7):
        world.client("ecs").update_service(cluster="syncwell", service="syncwell-worker", desiredCount=count)
        world.sleep(60)
    world.sleep(360)
    trail = world.client("cloudtrail")
    found = trail.lookup_events(StartTime=began, EndTime=began + timedelta(seconds=90))["Events"]
    counts = [json.loads(event["CloudTrailEvent"])["requestParameters"]["desiredCount"] for event in found]
    assert counts == [6, 5]
    refused("InvalidTimeRangeException", trail.lookup_events, StartTime=world.now, EndTime=began)
