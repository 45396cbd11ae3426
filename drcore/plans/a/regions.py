"""Which region this run is about: the one that has failed, those that go on, since when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from drcore.engine.outcome import Target
from drcore.plans.a import region_health, titles
from drcore.plans.a.facts import ARun


def failed(run: ARun) -> str:
    """The region that this run is about. A rehearsal with nothing wrong takes one that the runner does not stand in."""
    if run.failed_region or not run.rehearsing:
        return run.failed_region or proposed(run)
    return proposed(run) or next(region for region in run.service.regions if region != run.service.runner_region)


def proposed(run: ARun) -> str:
    """The one region that shows trouble, by the detection; empty if none does, or more than one."""
    detected = run.result(titles.DETECT)
    states = detected.states if detected else {}
    troubled = [target.region for target, seen in states.items() if region_health.trouble(run, seen.signals)]
    return troubled[0] if len(troubled) == 1 else ""


def serving(run: ARun) -> list[Target]:
    """The regions that go on."""
    return [Target(region) for region in run.service.regions if region != failed(run)]


def serving_region(run: ARun) -> str:
    """The first region that goes on."""
    return serving(run)[0].region


def of_failed(thing: str) -> Callable[[ARun], list[Target]]:
    return lambda run: [Target("", f"{thing} {failed(run)}".strip())]


def fault_time(run: ARun) -> datetime | None:
    """When the region went: known in a drill; else when it was seen, which is later and so bounds a loss from above."""
    return run.moments.get("fault") or run.moments.get("detected")


def matters_since(run: ARun) -> datetime:
    """From when on writes may have been caught by the outage.

    A minute before the fault, as replication takes seconds; where the time of the fault is not known, as long before
    it was seen as it may have gone unseen.
    """
    earlier = timedelta(minutes=1) if "fault" in run.moments else timedelta(minutes=run.facts.detection_minutes)
    return (fault_time(run) or run.clock.now()) - earlier


def computed_automation_s(run: ARun) -> float:
    """How long the automation takes until DNS has moved, from the fault on (aws-facts A.2)."""
    facts = run.facts
    return float(facts.checker_interval_s * facts.failure_threshold + facts.propagation_s)


def computed_failover_s(run: ARun) -> float:
    """How long a failover takes for the last client that keeps to the TTL (aws-facts A.2)."""
    return computed_automation_s(run) + run.facts.ttl_s


def automation_waits_s(run: ARun) -> float:
    """How much longer the automation is waited for: its computed time and 30 s, less what has passed since the fault.

    Where the time of the fault is not known it is waited for from the detection on, which is later.
    """
    passed = (run.clock.now() - (fault_time(run) or run.clock.now())).total_seconds()
    return max(0.0, computed_automation_s(run) + 30 - passed)
