"""Which release corrupts: what the workers run, since when, what they ran before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from drcore.plans.corruption import decided_release
from drcore.services import ecs

if TYPE_CHECKING:
    from drcore.run import Run


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the workers of a region run, since when: task definition, release."""

    region: str
    task_definition: str
    release: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Good:
    """What the workers come back with. An empty task definition: none was found."""

    task_definition: str
    release: str


def deployed(run: Run, region: str) -> Deployed:
    """Raises Unknown, Rejected."""
    workers = run.facts.workers
    seen = ecs.service(run.aws, region, workers.cluster, workers.service)
    return Deployed(region, seen.task_definition, release_of(run, region, seen.task_definition), seen.deployed)


def release_of(run: Run, region: str, task_definition: str) -> str:
    """The release that a task definition is, empty where it does not say."""
    return ecs.environment(run.aws, region, task_definition).get(run.facts.workers.release, "")


def good(run: Run, region: str) -> Good:
    """The newest revision that is not of the faulty release, or the one that was named. Raises Unknown, Rejected.

    Only what is older than the faulty release was good: a revision that came after it was never in use.
    """
    faulty, wanted = decided_release(run) or deployed(run, region).release, run.incident.good_release
    family = deployed(run, region).task_definition.rpartition(":")[0]
    after_faulty = False
    for revision in ecs.revisions(run.aws, region, family):
        release = release_of(run, region, revision)
        after_faulty = after_faulty or release == faulty
        if release != faulty and (release == wanted if wanted else after_faulty):
            return Good(revision, release)
    return Good("", wanted)
