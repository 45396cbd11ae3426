"""CodeBuild: the builds of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from drcore.calls.aws import Aws

_MOST = 100  # builds: what one call tells of


@dataclass(frozen=True, slots=True)
class Build:
    """A build: IN_PROGRESS, SUCCEEDED, FAILED, FAULT, TIMED_OUT or STOPPED, with the variables it was started with."""

    id: str
    status: str
    source: str
    variables: tuple[tuple[str, str], ...] = ()

    def variable(self, name: str) -> str:
        """The value of a variable, empty where it was not given."""
        return dict(self.variables).get(name, "")


def newest_builds(aws: Aws, region: str, project: str) -> tuple[Build, ...]:
    """The newest builds of a project, up to a hundred. Raises Rejected where there is no such project, Unknown."""
    pages = aws.pages(
        "codebuild", region, "list_builds_for_project", "ids", projectName=project, sortOrder="DESCENDING"
    )
    ids = list(islice(pages, _MOST))
    builds = aws.call("codebuild", region, "batch_get_builds", ids=ids)["builds"] if ids else []
    order = {name: place for place, name in enumerate(ids)}
    return tuple(_build(each) for each in sorted(builds, key=lambda build: order.get(build["id"], len(order))))


def start_build(aws: Aws, region: str, project: str, source: str, variables: Mapping[str, str], *, token: str) -> str:
    """Build a branch, tag or commit; returns the id. The same token within five minutes starts no second build."""
    given = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
    started = aws.call(
        "codebuild",
        region,
        "start_build",
        projectName=project,
        sourceVersion=source,
        environmentVariablesOverride=given,
        idempotencyToken=token[:64],
    )
    return str(started["build"]["id"])


def _build(build: Mapping[str, Any]) -> Build:
    given = build.get("environment", {}).get("environmentVariables", ())
    variables = tuple((each["name"], each["value"]) for each in given)
    return Build(build["id"], build["buildStatus"], build.get("sourceVersion", ""), variables)
