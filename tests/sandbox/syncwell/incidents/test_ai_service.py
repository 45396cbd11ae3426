"""The faults of the AI Insights Service: what each does to conflicts, by the levers that end it."""

from collections.abc import Callable
from typing import Any

import pytest

from drcore.sandbox.syncwell.company import names
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

KEY = {"Authorization": f"Bearer {names.LLM_KEY}"}
CURRENT = {"VersionStage": "AWSCURRENT", "SecretId": names.LLM_SECRET}


def weights(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        world.client("sagemaker", region).update_endpoint_weights_and_capacities(
            EndpointName=names.AI_ENDPOINT,
            DesiredWeightsAndCapacities=[
                {"VariantName": names.AI_VARIANT, "DesiredWeight": 0.0},
                {"VariantName": names.AI_OLD_VARIANT, "DesiredWeight": 1.0},
            ],
        )


def configuration(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        world.client("sagemaker", region).update_endpoint(
            EndpointName=names.AI_ENDPOINT, EndpointConfigName=names.ai_config(names.AI_MODELS[-1])
        )


def order(world: SyncWellWorld) -> None:
    status, _ = world.sandbox.request("PUT", "/llm/gateway/rule", {"targets": ["secondary", "primary"]}, KEY)
    assert status == 200


def label(world: SyncWellWorld) -> None:
    secrets = world.client("secretsmanager")
    stages = secrets.describe_secret(SecretId=names.LLM_SECRET)["VersionIdsToStages"]
    ids: dict[str, str] = {stage: version for version, held in stages.items() for stage in held}
    secrets.update_secret_version_stage(
        **CURRENT, MoveToVersionId=ids["AWSPENDING"], RemoveFromVersionId=ids["AWSCURRENT"]
    )


@pytest.mark.parametrize(
    ("fault", "lever"),
    [
        ("ai-errors", weights),
        ("ai-timeouts", weights),
        ("ai-fallback-broken", weights),
        ("ai-bad-deployment", configuration),
        ("ai-slow-by-retries", order),
        ("ai-throttled", order),
        ("ai-key-expired", label),
    ],
)
def test_conflicts_should_be_fallen_back_from_until_the_right_lever_is_pulled(
    fault: str, lever: Callable[[SyncWellWorld], None]
) -> None:
    world = SyncWellWorld().broken(fault)
    world.sleep(420)
    ill: dict[str, Any] = world.truth["ai"]
    assert world.truth["healthy_since"] is None
    assert min(ill["failing"].values()) > 0.1
    broken = fault == "ai-fallback-broken"
    assert ill["unresolved" if broken else "fallbacks"] > 0.1 * ill["conflicts"] > 0
    assert (ill["jobs_failed"] > 0.01 * ill["jobs"]) is broken
    assert "ai-insights-fallback-share" in world.ringing()

    lever(world)
    world.sleep(900)
    well = world.truth
    assert well["healthy_since"]
    assert max(well["ai"]["failing"].values()) < 0.02
    assert well["ai"]["merges"] > ill["merges"]
    assert 6 < well["ai"]["ill_minutes"] < 15


def test_a_second_fault_or_a_share_that_cannot_be_should_be_refused() -> None:
    world = SyncWellWorld()
    assert world.inject("ai-errors", share=2)[0] == 400
    assert world.broken("ai-errors").inject("ai-throttled")[0] == 400


def test_the_new_key_should_be_the_current_one_once_its_label_has_moved() -> None:
    world = SyncWellWorld().broken("ai-key-expired")
    secrets = world.client("secretsmanager")
    old = secrets.get_secret_value(SecretId=names.LLM_SECRET)["SecretString"]
    replica = world.client("secretsmanager", WEST)
    ids = list(secrets.describe_secret(SecretId=names.LLM_SECRET)["VersionIdsToStages"])
    refused("InvalidParameterException", replica.update_secret_version_stage, **CURRENT, MoveToVersionId=ids[-1])
    label(world)
    assert secrets.get_secret_value(SecretId=names.LLM_SECRET)["SecretString"] != old
    assert replica.get_secret_value(SecretId=names.LLM_SECRET)["SecretString"] != old
