"""SyncWell's pipeline as an actor: publishes versions, sets canary alarms, deploys, moves the API's stage."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World
from drcore.sandbox.services.apigateway.state import ApiGateway, RestApi
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.codedeploy.controller import CodeDeployController
from drcore.sandbox.services.codedeploy.state import AliasMove, Status
from drcore.sandbox.services.codepipeline.state import CodePipeline, RegionPipeline
from drcore.sandbox.services.lambda_.state import Lambda
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.alarms import canary_errors
from drcore.sandbox.syncwell.company.release_manifest import ReleaseEntry, ReleaseManifest
from drcore.sandbox.syncwell.company.releases import BUILDS, digest, package

Source = tuple[str, str]
"""(release, build)."""


def commit(source: Source) -> str:
    """The commit of the source branch that a build is made from."""
    return hashlib.sha1("/".join(source).encode(), usedforsecurity=False).hexdigest()


_SOURCES = {commit(source): source for source in BUILDS}


class Deployer:
    """What the Deploy stage does, in both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._functions = world.state(Lambda)
        self._deploy = world.state(CodeDeployController)
        self._gateway = world.state(ApiGateway)
        self._manifest = world.state(ReleaseManifest)
        self._alarms = world.state(CloudWatch).alarms
        self._again: list[tuple[datetime, str]] = []
        self.hang = False
        """Whether the controller of the deployments that start from now on hangs."""
        self.new_schema = False
        """Whether releases that are recorded from now on have changed the schema."""

    def __call__(self, region: str, source: str) -> Callable[[], str]:
        """Start to deploy the build of a commit; the returned function tells the stage's status."""
        release, build = _SOURCES[source]
        versions = {name: self._publish(region, name, release, build) for name in names.FUNCTIONS}
        deployment_id = self._record(region, release, versions)
        group = self._deploy.group(region, names.APPLICATION, names.GROUP)
        try:
            deployment = self._deploy.create(
                region, group, self._targets(region, versions), description=f"release {release}"
            )
        except AwsError:  # another deployment runs: the stage fails, as on AWS
            return lambda: "Failed"
        deployment.hung = self.hang

        def status() -> str:
            if not deployment.status.over:
                return "InProgress"
            if deployment.status is not Status.SUCCEEDED:
                return "Failed"
            self._move_stage(region, deployment_id)
            return "Succeeded"

        return status

    def make_ready(self, release: str) -> None:
        """Publish a release in every region, and write it down, without letting anybody be served by it."""
        for region in self._world.regions:
            self._record(
                region, release, {name: self._publish(region, name, release, "main") for name in names.FUNCTIONS}
            )

    def run_again(self, at: datetime, region: str) -> None:
        """Let the pipeline run once more at that moment, as the next merge would."""
        self._again.append((at, region))

    def tick(self, at: datetime) -> None:
        """Start the runs that are due."""
        due = [(when, region) for when, region in self._again if when <= at]
        self._again = [row for row in self._again if row not in due]
        for _, region in due:
            start(self._world, region, "PollForSourceChanges")

    def _publish(self, region: str, name: str, release: str, build: str) -> str:
        if self._functions.code_of(region, name, "$LATEST") != digest(release, build, name):
            self._functions.update_code(region, name, package(release, build, name))
        version = str(self._functions.publish(region, name, description=f"release {release}").version)
        self._alarms[region].put(canary_errors(self._world, region, name, version))
        return version

    def _record(self, region: str, release: str, versions: dict[str, str]) -> str:
        """Edit the API's resources, snapshot them, write all down; returns the API's deployment."""
        api = self._api(region)
        api.draft = release
        entry = self._entry(release)
        known: dict[str, Any] = entry.regions.get(region, {})
        if known:
            return str(known["api"]["deployment_id"])
        deployment = self._gateway.deploy(api, f"release {release}")
        self._manifest.record(entry, region, versions, deployment.id)
        self._manifest.publish()
        return deployment.id

    def _entry(self, release: str) -> ReleaseEntry:
        known = {entry.release for entry in self._manifest.entries}
        entry = self._manifest.entry(release, self._world.clock.now(), "candidate")
        if release not in known and self.new_schema:
            entry.schema, entry.rollback_safe = entry.schema + 1, False
        return entry

    def _targets(self, region: str, versions: dict[str, str]) -> list[AliasMove]:
        return [
            AliasMove(
                name,
                names.ALIAS,
                self._functions.alias(region, name, names.ALIAS).function_version,
                version,
            )
            for name, version in versions.items()
        ]

    def _move_stage(self, region: str, deployment: str) -> None:
        stage = self._api(region).stage(names.STAGE)
        stage.deployment_id, stage.updated = deployment, self._world.clock.now()

    def _api(self, region: str) -> RestApi:
        return self._gateway.api(region, names.REST_API_IDS[region])


def start(world: World, region: str, trigger: str, *, built: bool = False) -> None:
    """Run the pipeline of a region for what its branch holds."""
    runs = world.state(CodePipeline)
    runs.start(pipeline_of(world, region), trigger, built=built)


def pipeline_of(world: World, region: str) -> RegionPipeline:
    """The pipeline of a region."""
    return world.state(CodePipeline).pipeline(region, names.PIPELINE)
