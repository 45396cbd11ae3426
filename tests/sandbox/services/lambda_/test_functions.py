"""Versions and weighted aliases, as Lambda keeps them."""

import io
import zipfile
from typing import Any

import pytest

from tests.support.syncwell_world import SyncWellWorld, refused

LIVE: dict[str, Any] = {"FunctionName": "syncwell-api", "Name": "live"}
SEVENTH = {"AdditionalVersionWeights": {"40": 0.07}}


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def test_it_should_refuse_a_revision_id_that_is_not_the_latest(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    read = world.alias()["RevisionId"]
    functions.update_alias(**LIVE, FunctionVersion="40", RevisionId=read)
    refused("PreconditionFailedException", functions.update_alias, **LIVE, RevisionId=read, FunctionVersion="41")
    assert world.alias()["FunctionVersion"] == "40"


def test_each_change_of_an_alias_should_give_it_a_new_revision_id(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    seen = {world.alias()["RevisionId"]}
    for version in ("40", "41", "40"):
        seen.add(functions.update_alias(**LIVE, FunctionVersion=version)["RevisionId"])
    assert len(seen) == 4
    assert world.alias()["RevisionId"] in seen


def test_an_absent_routing_config_should_leave_the_weights_and_an_empty_one_clear_them(
    world: SyncWellWorld,
) -> None:
    functions = world.client("lambda")
    functions.update_alias(**LIVE, RoutingConfig=SEVENTH)
    functions.update_alias(**LIVE, FunctionVersion="41")
    assert world.alias()["RoutingConfig"] == SEVENTH
    functions.update_alias(**LIVE, RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in world.alias()


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("ResourceNotFoundException", {"FunctionVersion": "99"}),
        ("ResourceNotFoundException", {"RoutingConfig": {"AdditionalVersionWeights": {"99": 0.1}}}),
        (
            "InvalidParameterValueException",
            {"RoutingConfig": {"AdditionalVersionWeights": {"40": 0.1, "41": 0.1}}},
        ),
        ("InvalidParameterValueException", {"RoutingConfig": {"AdditionalVersionWeights": {"40": 1.5}}}),
        ("InvalidParameterValueException", {"RoutingConfig": {"AdditionalVersionWeights": {"41": 0.5}}}),
        ("InvalidParameterValueException", {"FunctionVersion": "$LATEST", "RoutingConfig": SEVENTH}),
    ],
)
def test_it_should_refuse_what_an_alias_cannot_be_and_change_nothing(
    world: SyncWellWorld, code: str, change: dict[str, Any]
) -> None:
    before = world.alias()
    refused(code, world.client("lambda").update_alias, **LIVE, **change)
    after = world.alias()
    assert {**before, "ResponseMetadata": None} == {**after, "ResponseMetadata": None}


def test_it_should_not_know_an_alias_or_a_function_that_is_not_there(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    refused("ResourceNotFoundException", functions.get_alias, FunctionName="syncwell-api", Name="dead")
    refused("ResourceNotFoundException", functions.get_alias, FunctionName="nobody", Name="live")


def test_versions_should_be_listed_oldest_first_after_latest_page_by_page(world: SyncWellWorld) -> None:
    pages = world.client("lambda").get_paginator("list_versions_by_function")
    found = pages.paginate(FunctionName="syncwell-api", PaginationConfig={"PageSize": 2})
    versions = [version["Version"] for page in found for version in page["Versions"]]
    assert versions == ["$LATEST", "40", "41"]


def test_a_published_version_should_be_active_and_updated(world: SyncWellWorld) -> None:
    found = world.client("lambda").get_function_configuration(FunctionName="syncwell-api", Qualifier="40")
    assert (found["State"], found["LastUpdateStatus"], found["Version"]) == ("Active", "Successful", "40")


def test_publishing_unchanged_code_should_give_the_last_version_again(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    assert functions.publish_version(FunctionName="syncwell-api")["Version"] == "41"
    functions.update_function_code(FunctionName="syncwell-api", ZipFile=_package())
    world.sleep(10)
    assert functions.publish_version(FunctionName="syncwell-api")["Version"] == "42"


def test_provisioned_concurrency_should_be_allocated_anew_when_the_alias_moves(world: SyncWellWorld) -> None:
    functions = world.client("lambda")

    def status() -> tuple[str, int]:
        found = functions.get_provisioned_concurrency_config(FunctionName="syncwell-api", Qualifier="live")
        return found["Status"], found["AvailableProvisionedConcurrentExecutions"]

    assert status() == ("READY", 10)
    functions.update_alias(**LIVE, FunctionVersion="40")
    assert status() == ("IN_PROGRESS", 0)
    world.sleep(125)
    assert status() == ("READY", 10)


def test_a_change_of_the_weights_alone_should_leave_provisioned_concurrency_warm(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    functions.update_alias(**LIVE, RoutingConfig=SEVENTH)
    found = functions.list_provisioned_concurrency_configs(FunctionName="syncwell-api")
    assert [config["Status"] for config in found["ProvisionedConcurrencyConfigs"]] == ["READY"]


def test_provisioned_concurrency_should_not_be_changed_while_weights_exist(world: SyncWellWorld) -> None:
    functions = world.client("lambda")
    functions.update_alias(**LIVE, RoutingConfig=SEVENTH)
    refused(
        "InvalidParameterValueException",
        functions.put_provisioned_concurrency_config,
        FunctionName="syncwell-api",
        Qualifier="live",
        ProvisionedConcurrentExecutions=20,
    )


def test_it_should_say_so_when_there_is_no_provisioned_concurrency(world: SyncWellWorld) -> None:
    refused(
        "ProvisionedConcurrencyConfigNotFoundException",
        world.client("lambda").get_provisioned_concurrency_config,
        FunctionName="syncwell-worker",
        Qualifier="live",
    )


def test_invoking_an_alias_should_name_the_version_that_answers(world: SyncWellWorld) -> None:
    answer = world.client("lambda").invoke(FunctionName="syncwell-api", Qualifier="live")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "41")


def test_no_reserved_concurrency_should_mean_that_nobody_gets_in(world: SyncWellWorld) -> None:
    world.stop_function("syncwell-api")
    world.sleep(180)
    assert sum(world.series("Throttles", minutes=2, FunctionName="syncwell-api")) > 1000
    assert world.series("Invocations", minutes=2, FunctionName="syncwell-api") == []
    assert world.truth["error_rate"]["us-east-1"] > 0.7


def _package() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", "def handle(event, context): ...")
    return buffer.getvalue()


def test_a_function_that_is_being_updated_should_say_so_and_take_no_other_change(world: SyncWellWorld) -> None:
    functions, name = world.client("lambda"), {"FunctionName": "syncwell-api"}
    functions.update_function_configuration(**name, Description="another")
    assert functions.get_function_configuration(**name)["LastUpdateStatus"] == "InProgress"
    refused("ResourceConflictException", functions.update_function_configuration, **name, Description="a third")
    refused("ResourceConflictException", functions.publish_version, **name)
    world.sleep(10)
    assert functions.get_function_configuration(**name)["LastUpdateStatus"] == "Successful"


def test_a_new_version_should_be_pending_for_some_seconds(world: SyncWellWorld) -> None:
    functions, name = world.client("lambda"), {"FunctionName": "syncwell-api"}
    functions.update_function_configuration(**name, Description="another")
    world.sleep(10)
    made = functions.publish_version(**name)
    assert made["State"] == "Pending"
    assert functions.get_function_configuration(**name, Qualifier=made["Version"])["State"] == "Pending"
    assert functions.get_function_configuration(**name)["State"] == "Active"
    world.sleep(10)
    assert functions.get_function_configuration(**name, Qualifier=made["Version"])["State"] == "Active"


def test_a_reservation_should_not_be_below_what_is_provisioned_nor_be_exceeded_by_it(world: SyncWellWorld) -> None:
    functions, name = world.client("lambda"), {"FunctionName": "syncwell-api"}
    provisioned = {**name, "Qualifier": "live"}
    refused(
        "InvalidParameterValueException", functions.put_function_concurrency, **name, ReservedConcurrentExecutions=0
    )
    functions.delete_provisioned_concurrency_config(**provisioned)
    functions.put_function_concurrency(**name, ReservedConcurrentExecutions=0)
    wanted = {"ProvisionedConcurrentExecutions": 10}
    refused("InvalidParameterValueException", functions.put_provisioned_concurrency_config, **provisioned, **wanted)
    functions.put_function_concurrency(**name, ReservedConcurrentExecutions=10)
    assert functions.put_provisioned_concurrency_config(**provisioned, **wanted)["Status"] == "IN_PROGRESS"
