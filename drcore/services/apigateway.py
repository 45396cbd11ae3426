"""API Gateway (REST): stages, the deployments that they can be pointed at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drcore.calls.aws import Aws


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage serves: a deployment, and a share of traffic to another one while a canary is set.

    `canary` holds the canary settings as pairs of path and value, as a patch writes them; empty when there is none.
    """

    deployment_id: str
    canary: tuple[tuple[str, str], ...] = ()


def stage(aws: Aws, region: str, rest_api_id: str, name: str) -> Stage:
    """Raises Rejected when there is no such stage, Unknown."""
    answer = aws.call("apigateway", region, "get_stage", restApiId=rest_api_id, stageName=name)
    canary: Mapping[str, Any] = answer.get("canarySettings", {})
    return Stage(answer["deploymentId"], tuple(sorted(_patched(canary))))


def deployments(aws: Aws, region: str, rest_api_id: str) -> frozenset[str]:
    """The ids of all deployments that are kept."""
    return frozenset(
        each["id"] for each in aws.pages("apigateway", region, "get_deployments", "items", restApiId=rest_api_id)
    )


def point_stage(aws: Aws, region: str, rest_api_id: str, name: str, to: Stage, now: Stage) -> None:
    """Point a stage at a deployment that exists. Never makes a deployment: that would publish today's resources.

    One patch: the deployment, and the canary settings removed or put back.
    """
    patch = [{"op": "replace", "path": "/deploymentId", "value": to.deployment_id}]
    if now.canary and not to.canary:
        patch.append({"op": "remove", "path": "/canarySettings"})
    patch += [{"op": "replace", "path": f"/canarySettings/{key}", "value": value} for key, value in to.canary]
    aws.call("apigateway", region, "update_stage", restApiId=rest_api_id, stageName=name, patchOperations=patch)


def _patched(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):  # each override of a stage variable has a path of its own
            yield from ((f"{name}/{inner}", each) for inner, each in _patched(value))
        else:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)
