"""CodeBuild: builds of a project that was there before; what they do is told by whoever made the project.

Simplified: a build has one phase, is never queued, and cannot be stopped; making projects is not emulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World


@dataclass(slots=True)
class RunningBuild:
    """One build, with the variables that it was started with."""

    id: str
    number: int
    source: str
    variables: dict[str, str]
    token: str
    started: datetime
    ends: datetime
    status: str = "IN_PROGRESS"


@dataclass(slots=True)
class BuildProject:
    """A project: how long its builds take, what is done at their end (False: they fail)."""

    region: str
    name: str
    lasts: timedelta
    built: Callable[[RunningBuild], bool]
    builds: list[RunningBuild]


class CodeBuild:
    """The projects of both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._projects: dict[tuple[str, str], BuildProject] = {}
        world.add_to_dump("codebuild", self._dump)

    def add(self, region: str, name: str, lasts: timedelta, built: Callable[[RunningBuild], bool]) -> None:
        """Make a project."""
        self._projects[region, name] = BuildProject(region, name, lasts, built, [])

    def project(self, region: str, name: str) -> BuildProject:
        """A project. Raises AwsError where there is none."""
        project = self._projects.get((region, name))
        if project is None:
            raise AwsError("ResourceNotFoundException", f"Project cannot be found: {name}", 400)
        return project

    def tick(self, at: datetime) -> None:
        """End the builds that are through."""
        for project in self._projects.values():
            for build in project.builds:
                if build.status == "IN_PROGRESS" and at >= build.ends:
                    build.status = "SUCCEEDED" if project.built(build) else "FAILED"

    def find(self, region: str, ids: list[str]) -> list[tuple[BuildProject, RunningBuild]]:
        """The builds with these ids that there are."""
        return [
            (project, build)
            for (where, _), project in self._projects.items()
            for build in project.builds
            if where == region and build.id in ids
        ]

    def _dump(self) -> Any:
        return {
            name: [[build.source, build.status, build.variables.get("VERSION", "")] for build in project.builds]
            for (_, name), project in self._projects.items()
        }


@operation("codebuild", "StartBuild")
def start_build(call: AwsCall) -> dict[str, Any]:
    """As the API: the same idempotency token within five minutes gives the same build."""
    project, now = call.world.state(CodeBuild).project(call.region, call.params["projectName"]), call.world.clock.now()
    token = call.params.get("idempotencyToken", "")
    for build in project.builds:
        if token and build.token == token and now < build.started + timedelta(minutes=5):
            return {"build": _document(call, project, build)}
    number = len(project.builds) + 1
    drawn = f"{call.world.rng('codebuild', project.name, number).getrandbits(128):032x}"
    name = "-".join((drawn[:8], drawn[8:12], drawn[12:16], drawn[16:20], drawn[20:]))
    given = {each["name"]: each["value"] for each in call.params.get("environmentVariablesOverride", ())}
    source = call.params.get("sourceVersion", "main")
    build = RunningBuild(f"{project.name}:{name}", number, source, given, token, now, now + project.lasts)
    project.builds.append(build)
    return {"build": _document(call, project, build)}


@operation("codebuild", "ListBuildsForProject")
def list_builds_for_project(call: AwsCall) -> dict[str, Any]:
    """As the API: the ids, the newest first unless asked otherwise."""
    project = call.world.state(CodeBuild).project(call.region, call.params["projectName"])
    ids = [build.id for build in project.builds]
    newest_first = call.params.get("sortOrder", "DESCENDING") == "DESCENDING"
    shown, token = page(list(reversed(ids)) if newest_first else ids, call.params.get("nextToken"), 100)
    return {"ids": shown} | ({"nextToken": token} if token else {})


@operation("codebuild", "BatchGetBuilds")
def batch_get_builds(call: AwsCall) -> dict[str, Any]:
    """As the API; ids that are not there are told apart."""
    ids = list(call.params["ids"])
    builds = call.world.state(CodeBuild).find(call.region, ids)
    known = {build.id for _, build in builds}
    return {
        "builds": [_document(call, project, build) for project, build in builds],
        "buildsNotFound": [each for each in ids if each not in known],
    }


def _document(call: AwsCall, project: BuildProject, build: RunningBuild) -> dict[str, Any]:
    over = build.status != "IN_PROGRESS"
    variables = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in build.variables.items()]
    return {
        "id": build.id,
        "arn": f"arn:aws:codebuild:{call.region}:{call.account}:build/{build.id}",
        "buildNumber": build.number,
        "startTime": build.started,
        "currentPhase": "COMPLETED" if over else "BUILD",
        "buildStatus": build.status,
        "buildComplete": over,
        "sourceVersion": build.source,
        "projectName": project.name,
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "environmentVariables": variables,
        },
    } | ({"endTime": build.ends} if over else {})
