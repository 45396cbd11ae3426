"""AWS Health and the health endpoint of a region: what each says, and when."""

from typing import Any

import pytest

from tests.support.syncwell_world import EAST, WEST, SyncWellWorld


def _events(world: SyncWellWorld, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client("health").describe_events(filter=wanted)["events"]
    return found


def test_aws_should_say_nothing_for_fifteen_minutes() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST, duration=30)
    world.sleep(14 * 60)
    assert _events(world, regions=[WEST]) == []
    world.sleep(61)
    event = _events(world, regions=[WEST], eventTypeCategories=["issue"], eventStatusCodes=["open"])[0]
    assert (event["region"], event["service"]) == (WEST, "MULTIPLE_SERVICES")
    details = world.client("health").describe_event_details(eventArns=[event["arn"]])
    assert WEST in details["successfulSet"][0]["eventDescription"]["latestDescription"]
    assert _events(world, regions=[EAST]) == []


def test_an_event_should_be_closed_after_the_region_is_back() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST, duration=10)
    world.sleep(16 * 60)
    assert [event["statusCode"] for event in _events(world)] == ["open"]
    world.sleep(5 * 60)
    assert [event["statusCode"] for event in _events(world, eventStatusCodes=["closed"])] == ["closed"]


def test_a_partial_outage_should_name_its_services() -> None:
    world = SyncWellWorld().broken("region-outage", region=WEST, kind="lambda-sqs")
    world.sleep(16 * 60)
    assert {event["service"] for event in _events(world)} == {"LAMBDA", "SQS"}
    assert [event["service"] for event in _events(world, services=["SQS"])] == ["SQS"]


def _pull(world: SyncWellWorld, holder: str, document: str) -> None:
    world.client("s3", holder).put_object(
        Bucket=f"syncwell-levers-{holder}", Key="region-levers.json", Body=document.encode()
    )


def _health(world: SyncWellWorld, region: str) -> int:
    return world.sandbox.request("GET", f"/syncwell/{region}/health/region")[0]


@pytest.mark.parametrize(("region", "holder"), [(EAST, WEST), (WEST, EAST)])
def test_the_lever_in_the_other_region_should_take_a_region_out_of_dns_and_back(region: str, holder: str) -> None:
    world = SyncWellWorld()
    _pull(world, holder, f'{{"{region}": "out"}}')
    world.sleep(11)
    assert _health(world, region) == 503
    world.sleep(80)
    assert world.truth["dns"][region] == 0.0
    world.sleep(600)
    assert {shares[region] for shares in world.truth["traffic"].values()} == {0.0}
    _pull(world, holder, f'{{"{region}": "in"}}')
    world.sleep(90)
    assert world.truth["dns"][region] == 0.5


def test_the_lever_should_need_no_control_plane() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, kind="control-plane")
    _pull(world, WEST, '{"us-east-1": "out"}')
    world.sleep(90)
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}


def test_the_lever_in_the_region_itself_should_do_nothing() -> None:
    world = SyncWellWorld()
    _pull(world, EAST, '{"us-east-1": "out"}')
    world.sleep(120)
    assert world.truth["dns"] == {EAST: 0.5, WEST: 0.5}


@pytest.mark.parametrize("document", ["not json", "[]", '{"us-east-1": "perhaps"}', "{}"])
def test_a_lever_that_cannot_be_understood_should_stay_as_it_was(document: str) -> None:
    world = SyncWellWorld()
    _pull(world, WEST, '{"us-east-1": "out"}')
    world.sleep(11)
    _pull(world, WEST, document)
    world.sleep(11)
    assert _health(world, EAST) == 503


def test_the_lever_should_keep_out_a_region_that_is_back() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, duration=3)
    _pull(world, WEST, '{"us-east-1": "out"}')
    world.sleep(15 * 60)
    assert world.truth["region"]["down"] == []
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}
