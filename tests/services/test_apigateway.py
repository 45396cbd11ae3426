"""A stage is pointed at a deployment that exists, and a canary is taken away, or put back as it was."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.services import apigateway
from drcore.services.apigateway import Stage

EAST, API = "us-east-1", "sw1east7ab"
CANARY = {
    "percentTraffic": 10.0,
    "useStageCache": False,
    "stageVariableOverrides": {"release": "next", "table": "other"},
}


@pytest.fixture
def canary(aws: Aws) -> dict[str, Any]:
    """A stage of its own with a canary that has all settings."""
    other = aws.call("apigateway", EAST, "create_deployment", restApiId=API)["id"]
    name = f"stage-{other}"
    settings = {**CANARY, "deploymentId": other}
    base = apigateway.stage(aws, EAST, API, "prod").deployment_id
    of = {"restApiId": API, "stageName": name, "deploymentId": base}
    aws.call("apigateway", EAST, "create_stage", canarySettings=settings, **of)
    return {"name": name, "settings": settings}


def test_a_canary_is_taken_away_and_put_back_whole(aws: Aws, canary: dict[str, Any]) -> None:
    name = canary["name"]
    before = apigateway.stage(aws, EAST, API, name)
    to = Stage(apigateway.stage(aws, EAST, API, "prod").deployment_id)
    apigateway.point_stage(aws, EAST, API, name, to, before)
    assert apigateway.stage(aws, EAST, API, name) == to

    apigateway.point_stage(aws, EAST, API, name, before, to)
    found = aws.call("apigateway", EAST, "get_stage", restApiId=API, stageName=name)
    assert found["canarySettings"] == canary["settings"]
    assert apigateway.stage(aws, EAST, API, name) == before


def test_a_stage_never_gets_a_deployment_that_is_not_there(aws: Aws) -> None:
    now = apigateway.stage(aws, EAST, API, "prod")
    with pytest.raises(Rejected, match="Deployment id does not exist"):
        apigateway.point_stage(aws, EAST, API, "prod", Stage("abcdef"), now)
    assert apigateway.stage(aws, EAST, API, "prod") == now
