"""The facts of a regional outage: what plan A is given, which region it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from drcore.engine.outcome import Target
from drcore.engine.step import Step
from drcore.parameters import Minutes, Model, Region
from drcore.plans.a import region_health
from drcore.plans.shared.detection import DETECTING
from drcore.plans.shared.facts import CanaryItems, Name, Percent, SyntheticCheck
from drcore.record import history

if TYPE_CHECKING:
    from drcore.engine.context import Run


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

Seconds = Annotated[float, Field(gt=0)]


class Levers(Model):
    """The pre-made lever: an object in each region that says of the others whether they are kept out."""

    bucket: Name
    key: Name


class Endpoint(Model):
    """One of the five endpoints of an ARC cluster. Kept here, as asking for them needs a control plane."""

    region: Region
    url: Name


class Arc(Model):
    """The ARC cluster, and the routing control of each region."""

    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=3)]
    controls: dict[Region, str]


class RegionThresholds(Model):
    """From where on something is wrong."""

    user_failure_percent: Percent
    user_noise_percent: Percent
    error_rate_percent: Percent
    p99_ms: Annotated[float, Field(gt=0)]
    queue_age_s: Seconds
    lag_s: Seconds
    checker_down_percent: Percent


class Facts(Model):
    """`a.yaml`: what plan A needs to know of an environment."""

    zone: Name
    record: Annotated[str, Field(pattern=r"\.$")]
    addresses: dict[Region, str]
    health_checks: dict[Region, str]
    health_path: Annotated[str, Field(pattern="^/")]
    checker_interval_s: Seconds
    failure_threshold: Annotated[int, Field(ge=1, le=10)]
    propagation_s: Seconds
    ttl_s: Seconds
    dns: Name
    markets: Annotated[dict[str, str], Field(min_length=1)]
    levers: Levers
    arc: Arc | None
    table: Name
    canary: CanaryItems
    queue: Name
    load_balancers: dict[Region, str]
    functions: Annotated[tuple[str, ...], Field(min_length=1)]
    alias: str
    secrets: Annotated[tuple[str, ...], Field(min_length=1)]
    thresholds: RegionThresholds
    minimum_sample: Annotated[int, Field(gt=0)]
    window_minutes: Minutes
    synthetic: SyntheticCheck
    detection_minutes: Minutes
    failover_minutes: Minutes
    lever_minutes: Minutes
    hold_minutes: Minutes
    recovery_minutes: Minutes
    recovery_hold_minutes: Minutes
    reconcile_minutes: Minutes
    steps_percent: Annotated[tuple[Percent, ...], Field(min_length=4, max_length=4)]
    gate_minutes: Minutes
    rto_minutes: Minutes
    rpo_s: Seconds
    drill_every_days: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _rises(self) -> Facts:
        if list(self.steps_percent) != sorted(set(self.steps_percent)) or self.steps_percent[-1] != 100:
            raise ValueError(f"steps_percent: expected shares that rise to 100, seen {list(self.steps_percent)}")
        return self


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    failed_region: str = ""  # empty: the detection proposes it, a person confirms
    reason: str = ""  # why a person named the region
    runner_region: str = ""  # where the runner stands; empty: as service.yaml says


# ── Where ────────────────────────────────────────────────────────────────────────────────────────────────────────────


LETTING_IN = "Let the region in"  # the title of the step that ends the latch


def failed(run: Run) -> str:
    """The region that this run is about. A rehearsal with nothing wrong takes one that the runner does not stand in."""
    if run.failed_region or not run.rehearsing:
        return run.failed_region or proposed(run)
    return proposed(run) or next(region for region in run.service.regions if region != run.service.runner_region)


def proposed(run: Run) -> str:
    """The one region that shows trouble, by the detection; empty if none does, or more than one."""
    detected = run.results.get(DETECTING)
    states = detected.states if detected else {}
    troubled = [target.region for target, seen in states.items() if region_health.trouble(run, seen.signals)]
    return troubled[0] if len(troubled) == 1 else ""


def serving(run: Run) -> list[Target]:
    """The regions that go on."""
    return [Target(region) for region in run.service.regions if region != failed(run)]


def serving_region(run: Run) -> str:
    """The first region that goes on."""
    return serving(run)[0].region


def of_failed(thing: str) -> Callable[[Run], list[Target]]:
    return lambda run: [Target("", f"{thing} {failed(run)}".strip())]


def fault_time(run: Run) -> datetime | None:
    """When the region went: known in a drill; else when it was seen, which is later and so bounds a loss from above."""
    return run.moments.get("fault") or run.moments.get("detected")


def matters_since(run: Run) -> datetime:
    """From when on writes may have been caught by the outage.

    A minute before the fault, as replication takes seconds; where the time of the fault is not known, as long before
    it was seen as it may have gone unseen.
    """
    earlier = timedelta(minutes=1) if "fault" in run.moments else timedelta(minutes=run.facts.detection_minutes)
    return (fault_time(run) or run.clock.now()) - earlier


def computed_failover_s(run: Run) -> float:
    """How long a failover takes for the last client that keeps to the TTL (aws-facts A.2)."""
    facts = run.facts
    return float(facts.checker_interval_s * facts.failure_threshold + facts.propagation_s + facts.ttl_s)


def tried_before(run: Run, step: Step) -> bool:
    """Whether this run has begun the act of a step before the try that is under way: its answer may be lost."""
    act = history.act_of(run.record.events, step.title)
    return act is not None and act.tries > 1


def let_in_again(run: Run) -> bool:
    """Whether this run has let the region in, and has neither undone it nor backed out since."""
    act = history.act_of(run.record.events, LETTING_IN)
    return act is not None and not any(
        line["event"] == "backed-out" and line["n"] > act.last["n"] for line in run.record.events
    )
