"""Which release corrupts: what the workers run, since when, what they ran before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drcore.plans.g.decisions import faulty_release
from drcore.plans.g.facts import GRun
from drcore.services import ecs


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


def deployed(run: GRun, region: str) -> Deployed:
    """Raises Unknown, Rejected."""
    workers = run.facts.workers
    seen = ecs.service(run.aws, region, workers.cluster, workers.service)
    return Deployed(region, seen.task_definition, release_of(run, region, seen.task_definition), seen.deployed)


def release_of(run: GRun, region: str, task_definition: str) -> str:
    """The release that a task definition is, empty where it does not say."""
    return ecs.environment(run.aws, region, task_definition).get(run.facts.workers.release, "")


def good(run: GRun, region: str) -> Good:
    """What the workers of a region come back with. Raises Unknown, Rejected.

    The release that was named; else what they run, where that is not the faulty release; else the newest revision
    before the faulty ones: one that came after them was never in use.
    """
    runs, wanted = deployed(run, region), run.incident.good_release
    faulty = faulty_release(run) or runs.release
    if runs.release == wanted or (runs.release != faulty and not wanted):
        return Good(runs.task_definition, runs.release)
    seen_faulty = False
    for revision in ecs.revisions(run.aws, region, runs.task_definition.rpartition(":")[0]):
        release = release_of(run, region, revision)
        seen_faulty = seen_faulty or release == faulty
        if release == wanted or (release != faulty and seen_faulty and not wanted):
            return Good(revision, release)
    return Good("", wanted)
