"""Which release corrupts: what the workers run, since when, what they ran before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from drcore.errors import Rejected
from drcore.plans.g.decisions import faulty_release
from drcore.plans.g.facts import GRun
from drcore.services import ecs


@dataclass(frozen=True, slots=True)
class WorkersRelease:
    """What the workers of a region run, since when: task definition, release."""

    region: str
    task_definition: str
    release: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class GoodRelease:
    """The release that the workers are resumed with. An empty task definition: none is known."""

    task_definition: str
    release: str


def deployed(run: GRun, region: str) -> WorkersRelease:
    """Raises Unknown, Rejected."""
    workers = run.facts.workers
    service = ecs.service(run.aws, region, workers.cluster, workers.service)
    release = release_of(run, region, service.task_definition)
    return WorkersRelease(region, service.task_definition, release, service.deployed)


def release_of(run: GRun, region: str, task_definition: str) -> str:
    """The release that a task definition is, empty where it does not say."""
    return ecs.environment(run.aws, region, task_definition).get(run.facts.workers.release, "")


def known(run: GRun, region: str) -> Iterator[str]:
    """The releases of the workers in a region, newest first, as far as they are asked for. Raises Unknown, Rejected."""
    family = deployed(run, region).task_definition.rpartition(":")[0]
    releases = (release_of(run, region, revision) for revision in ecs.revisions(run.aws, region, family))
    yield from (release for release in releases if release)


def good_everywhere(run: GRun) -> dict[str, GoodRelease]:
    """The good release of each region, by region. Raises Unknown, Rejected; also where regions would differ in it."""
    by_region = {region: good(run, region) for region in run.service.regions}
    if len({each.release for each in by_region.values()}) > 1:
        named = ", ".join(f"{each.release or 'none'} in {region}" for region, each in by_region.items())
        raise Rejected(f"the last good release is {named}: name one that all regions have, -p good_release=", "Differs")
    return by_region


def good(run: GRun, region: str) -> GoodRelease:
    """The release that the workers of a region are resumed with. Raises Unknown, Rejected.

    The release that was named; else what they run, where that is not the faulty release; else the newest revision
    before the faulty ones: one that came after them was never in use.
    """
    runs, wanted = deployed(run, region), run.incident.good_release
    faulty = faulty_release(run) or runs.release
    if runs.release == wanted or (runs.release != faulty and not wanted):
        return GoodRelease(runs.task_definition, runs.release)
    past_faulty = False
    for revision in ecs.revisions(run.aws, region, runs.task_definition.rpartition(":")[0]):
        release = release_of(run, region, revision)
        past_faulty = past_faulty or release == faulty
        if release == wanted or (release != faulty and past_faulty and not wanted):
            return GoodRelease(revision, release)
    return GoodRelease("", wanted)
