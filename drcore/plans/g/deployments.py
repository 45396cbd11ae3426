"""When the faulty release was deployed, by each source that may know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from drcore.clock import parse_time
from drcore.errors import Rejected, Unknown
from drcore.plans.g import worker_releases
from drcore.plans.g.decisions import faulty_release
from drcore.plans.g.facts import GRun
from drcore.services import cloudtrail, s3
from drcore.services.dynamodb.exports import LONGEST


@dataclass(frozen=True, slots=True, order=True)
class DeploymentTime:
    """When the faulty release came into a region, by one source: the trail, ECS, or the release manifest."""

    at: datetime
    region: str
    source: str


def deployments(run: GRun) -> tuple[DeploymentTime, ...]:
    """Those that are known; a source that does not answer, or does not have it, is left out."""
    known: list[DeploymentTime] = []
    for region in run.service.regions:
        for source in (_by_ecs, _by_trail, _by_manifest):
            try:
                known += source(run, region)
            except (Unknown, Rejected):
                continue
    return tuple(sorted(set(known)))


def _by_ecs(run: GRun, where: str) -> Iterator[DeploymentTime]:
    workers = worker_releases.deployed(run, where)
    if workers.at and workers.release == faulty_release(run):
        yield DeploymentTime(workers.at, where, "ECS")


def _by_trail(run: GRun, where: str) -> Iterator[DeploymentTime]:
    """The trail is minutes late, but it keeps what ECS forgets at the next deployment."""
    now = run.clock.now()
    for call in cloudtrail.calls(run.aws, where, "UpdateService", now - LONGEST, now):
        definition = str(call.parameters.get("taskDefinition") or "").rpartition("/")[2]
        ours = str(call.parameters.get("service", "")).rpartition("/")[2] == run.facts.workers.service
        if ours and definition and worker_releases.release_of(run, where, definition) == faulty_release(run):
            yield DeploymentTime(call.at, where, f"CloudTrail (UpdateService of {call.by})")
            return  # the first one: the same release may have been deployed again later


def _by_manifest(run: GRun, where: str) -> Iterator[DeploymentTime]:
    """What the pipeline wrote down when it deployed the workers."""
    bucket = run.facts.releases.bucket.format(region=where)
    for deployment in s3.document(run.aws, where, bucket, run.facts.workers.manifest).get("workers", ()):
        if deployment.get("release") == faulty_release(run):
            yield DeploymentTime(parse_time(deployment["at"]), where, "the release manifest")
