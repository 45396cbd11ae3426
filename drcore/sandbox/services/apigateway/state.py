"""API Gateway's stages with the deployments that they point at."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World

Patch = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ApiSnapshot:
    """A snapshot: `definition` is the release whose resources it holds."""

    id: str
    description: str
    created: datetime
    definition: str


@dataclass(slots=True)
class ApiStage:
    """A stage, and what it points at; `canary` as canarySettings of the API."""

    name: str
    deployment_id: str
    created: datetime
    updated: datetime
    description: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    canary: dict[str, Any] | None = None

    def used(self) -> dict[str, float]:
        """The share of the requests, 0 to 1, that each deployment answers."""
        canary = self.canary or {}
        share = float(canary.get("percentTraffic") or 0) / 100
        other = canary.get("deploymentId") or self.deployment_id
        if not share or other == self.deployment_id:
            return {self.deployment_id: 1.0}
        return {self.deployment_id: 1.0 - share, other: share}

    def patched(self, api: "RestApi", patches: Sequence[Patch]) -> "ApiStage":
        """A changed copy. Raises AwsError (BadRequestException) for a path or a value that cannot be."""
        changed = copy.deepcopy(self)
        for patch in patches:
            changed._patch(api, patch.get("op") or "", patch.get("path") or "", patch)
        return changed

    def _patch(self, api: "RestApi", op: str, path: str, patch: Patch) -> None:
        value = patch.get("value") or ""
        match op, path.strip("/").split("/"):
            case "replace", ["deploymentId"]:
                self.deployment_id = _known(api, value)
            case "copy", ["deploymentId"] if patch.get("from") == "/canarySettings/deploymentId" and self.canary:
                self.deployment_id = _known(api, self.canary.get("deploymentId") or "")
            case "remove", ["canarySettings"]:
                self.canary = None
            case "replace" | "add", ["canarySettings", "percentTraffic"]:
                self.canary = (self.canary or {}) | {"percentTraffic": _percent(value)}
            case "replace" | "add", ["canarySettings", "deploymentId"]:
                self.canary = (self.canary or {"percentTraffic": 0.0}) | {"deploymentId": _known(api, value)}
            case "replace" | "add", ["canarySettings", "useStageCache"] if value in ("true", "false"):
                self.canary = (self.canary or {"percentTraffic": 0.0}) | {"useStageCache": value == "true"}
            case "replace" | "add", ["canarySettings", "stageVariableOverrides", name]:
                others = (self.canary or {}).get("stageVariableOverrides", {})
                own = {"stageVariableOverrides": {**others, name: value}}
                self.canary = (self.canary or {"percentTraffic": 0.0}) | own
            case "replace" | "add", ["description"]:
                self.description = value
            case "replace" | "add", ["variables", name]:
                self.variables[name] = value
            case "remove", ["variables", name]:
                self.variables.pop(name, None)
            case _:
                raise AwsError("BadRequestException", f"Invalid patch operation: {op} {path!r} is not emulated")


@dataclass(slots=True)
class RestApi:
    """A REST API; `draft` is the release that last edited its resources."""

    id: str
    region: str
    name: str
    created: datetime
    draft: str
    paths: tuple[str, ...]
    deployments: dict[str, ApiSnapshot] = field(default_factory=dict)
    stages: dict[str, ApiStage] = field(default_factory=dict)
    published: int = 0

    def deployment(self, name: str) -> ApiSnapshot:
        """A deployment by its id. Raises AwsError (NotFoundException)."""
        if name not in self.deployments:
            raise AwsError("NotFoundException", "Invalid Deployment identifier specified", 404)
        return self.deployments[name]

    def stage(self, name: str) -> ApiStage:
        """A stage by its name. Raises AwsError (NotFoundException)."""
        if name not in self.stages:
            raise AwsError("NotFoundException", "Invalid stage identifier specified", 404)
        return self.stages[name]

    def definitions(self, stage: str) -> dict[str, float]:
        """The share of the requests to a stage that the definition of each release answers."""
        shares: dict[str, float] = {}
        for deployment, share in self.stage(stage).used().items():
            release = self.deployments[deployment].definition
            shares[release] = shares.get(release, 0.0) + share
        return shares


class ApiGateway:
    """The REST APIs of both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._apis: dict[str, dict[str, RestApi]] = {region: {} for region in world.regions}
        self.deployments_created = 0
        """How often a client called CreateDeployment."""
        world.add_to_dump("apigateway", self._state)

    def create(self, region: str, name: str, api_id: str, paths: tuple[str, ...], draft: str) -> RestApi:
        """A new API without a deployment."""
        api = RestApi(api_id, region, name, self._world.clock.now(), draft, paths)
        self._apis[region][api_id] = api
        return api

    def apis(self, region: str) -> list[RestApi]:
        """The APIs of one region, oldest first."""
        return list(self._apis[region].values())

    def api(self, region: str, api_id: str) -> RestApi:
        """An API by its id. Raises AwsError (NotFoundException)."""
        if api_id not in self._apis[region]:
            raise AwsError("NotFoundException", "Invalid API identifier specified", 404)
        return self._apis[region][api_id]

    def deploy(self, api: RestApi, description: str) -> ApiSnapshot:
        """Publish the API's draft; ids hang on the API and the order, and are the same in every world."""
        text = f"{api.region} {api.id} {api.published}"
        name = hashlib.sha256(text.encode()).hexdigest()[:6]
        created = ApiSnapshot(name, description, self._world.clock.now(), api.draft)
        api.deployments[name] = created
        api.published += 1
        return created

    def new_stage(self, name: str, deployment: str) -> ApiStage:
        """A stage, not yet part of an API."""
        now = self._world.clock.now()
        return ApiStage(name, deployment, now, now)

    def _state(self) -> dict[str, Any]:
        return {region: {api.id: _api_state(api) for api in apis.values()} for region, apis in self._apis.items()}


def _api_state(api: RestApi) -> dict[str, Any]:
    stages = {
        stage.name: {
            "deploymentId": stage.deployment_id,
            "description": stage.description,
            "variables": stage.variables,
            "canarySettings": stage.canary,
        }
        for stage in api.stages.values()
    }
    return {"draft": api.draft, "deployments": sorted(api.deployments), "stages": stages}


def _known(api: RestApi, deployment: str) -> str:
    if deployment not in api.deployments:
        raise AwsError("BadRequestException", "Deployment id does not exist")
    return deployment


def _percent(value: str) -> float:
    try:
        percent = float(value)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise AwsError("BadRequestException", f"percentTraffic: expected 0 to 100, saw {value!r}")
    return percent
