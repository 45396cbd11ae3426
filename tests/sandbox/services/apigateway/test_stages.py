"""Stages point at deployments, and a deployment is what was published then."""

from typing import Any

import pytest

from tests.support.syncwell_world import API_ID, EAST, SyncWellWorld, refused

STAGE: dict[str, Any] = {"restApiId": API_ID[EAST], "stageName": "prod"}


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def _deployments(world: SyncWellWorld) -> list[str]:
    found = world.client("apigateway").get_deployments(restApiId=API_ID[EAST])["items"]
    return [deployment["id"] for deployment in sorted(found, key=lambda d: d["createdDate"])]


def _patch(world: SyncWellWorld, *operations: dict[str, str]) -> dict[str, Any]:
    changed: dict[str, Any] = world.client("apigateway").update_stage(**STAGE, patchOperations=operations)
    return changed


def test_a_stage_should_be_moved_to_an_older_deployment(world: SyncWellWorld) -> None:
    older, _ = _deployments(world)
    _patch(world, {"op": "replace", "path": "/deploymentId", "value": older})
    assert world.client("apigateway").get_stage(**STAGE)["deploymentId"] == older
    assert world.truth["api"][EAST] == {"2025.12.3": 1.0}


def test_a_stage_should_not_be_moved_to_a_deployment_that_is_not_there(world: SyncWellWorld) -> None:
    before = world.client("apigateway").get_stage(**STAGE)["deploymentId"]
    refused(
        "BadRequestException",
        world.client("apigateway").update_stage,
        **STAGE,
        patchOperations=[{"op": "replace", "path": "/deploymentId", "value": "zzzzzz"}],
    )
    assert world.client("apigateway").get_stage(**STAGE)["deploymentId"] == before


def test_patch_operations_should_be_done_all_or_none(world: SyncWellWorld) -> None:
    older, current = _deployments(world)
    refused(
        "BadRequestException",
        world.client("apigateway").update_stage,
        **STAGE,
        patchOperations=[
            {"op": "replace", "path": "/deploymentId", "value": older},
            {"op": "replace", "path": "/nonsense", "value": "1"},
        ],
    )
    assert world.client("apigateway").get_stage(**STAGE)["deploymentId"] == current


def test_a_canary_should_be_kept_shown_share_the_traffic_and_be_removed(world: SyncWellWorld) -> None:
    older, _ = _deployments(world)
    _patch(
        world,
        {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "20"},
        {"op": "replace", "path": "/canarySettings/deploymentId", "value": older},
    )
    shown = world.client("apigateway").get_stage(**STAGE)["canarySettings"]
    assert shown == {"percentTraffic": 20.0, "deploymentId": older}
    assert world.truth["api"][EAST] == {"2026.01.1": 0.8, "2025.12.3": 0.2}
    _patch(world, {"op": "remove", "path": "/canarySettings"})
    assert "canarySettings" not in world.client("apigateway").get_stage(**STAGE)


def test_create_deployment_should_publish_the_resources_as_they_are_now_and_be_counted(
    world: SyncWellWorld,
) -> None:
    world.broken("bad-canary")
    world.sleep(30)
    created = world.client("apigateway").create_deployment(restApiId=API_ID[EAST], stageName="prod")
    assert world.client("apigateway").get_stage(**STAGE)["deploymentId"] == created["id"]
    assert world.truth["create_deployment_calls"] == 1
    assert world.truth["api"][EAST] == {"2026.01.2": 1.0}, "the bad release's resources went live"


def test_a_deployment_in_use_should_not_be_deleted(world: SyncWellWorld) -> None:
    _, current = _deployments(world)
    refused(
        "BadRequestException",
        world.client("apigateway").delete_deployment,
        restApiId=API_ID[EAST],
        deploymentId=current,
    )
    assert current in _deployments(world)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_stage", {"restApiId": "nobody", "stageName": "prod"}),
        ("get_stage", {"restApiId": API_ID[EAST], "stageName": "beta"}),
        ("get_deployment", {"restApiId": API_ID[EAST], "deploymentId": "zzzzzz"}),
    ],
)
def test_it_should_not_know_what_is_not_there(world: SyncWellWorld, operation: str, params: dict[str, str]) -> None:
    refused("NotFoundException", getattr(world.client("apigateway"), operation), **params)
