"""The release that plan F goes back to: decided once, the same for every act in every region."""

from __future__ import annotations

from drcore.plans.f import titles
from drcore.plans.f.facts import FRun
from drcore.plans.shared.releases import Release, read_releases


def target_release(run: FRun, region: str) -> Release:
    """The release that was decided, with its versions as they were then; before that the one that would be proposed.

    It is never resolved anew for a region: copies of the manifest may differ, and change meanwhile. Raises Unknown,
    Rejected.
    """
    act = run.history.act(titles.DECIDE)
    if act:
        return Release.model_validate(act.first["before"]["to"])
    looked = run.result(titles.DECIDE)
    known: list[Release] = [seen.to for seen in looked.states.values()] if looked else []
    return known[0] if known else proposed_release(run)


def proposed_release(run: FRun) -> Release:
    """The release that was named, else the newest stable one, by the runner's copy of the manifest."""
    return read_releases(run, run.service.runner_region).target(run.incident.release)
