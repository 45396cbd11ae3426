"""The facts of a regional outage: what plan A is given."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from drcore.engine.context import Run
from drcore.parameters import FreeText, Minutes, Model, Region, Url
from drcore.plans.shared.facts import CanaryItems, Name, Percent, SyntheticCheck

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


class LoadBalancer(Model):
    """A region's load balancer: as CloudWatch names it, and its own DNS name, which its addresses are looked up by."""

    name: Name
    host: Name


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

    aws_status: Url  # AWS's public page, asked where its Health API cannot be read
    zone: Name
    record: Annotated[str, Field(pattern=r"\.$")]
    health_checks: dict[Region, str]
    health_hosts: dict[Region, str]  # the name that each health check asks: an address of a load balancer changes
    health_path: Annotated[str, Field(pattern="^/")]
    checker_interval_s: Seconds
    failure_threshold: Annotated[int, Field(ge=1, le=10)]
    propagation_s: Seconds
    ttl_s: Seconds
    dns: Name
    resolver: Name
    markets: Annotated[dict[str, str], Field(min_length=1)]
    levers: Levers
    arc: Arc | None
    table: Name
    canary: CanaryItems
    queue: Name
    load_balancers: dict[Region, LoadBalancer]
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

    @model_validator(mode="after")
    def _rises(self) -> Facts:
        if list(self.steps_percent) != sorted(set(self.steps_percent)) or self.steps_percent[-1] != 100:
            raise ValueError(f"steps_percent: expected shares that rise to 100, seen {list(self.steps_percent)}")
        return self


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    failed_region: str = ""  # empty: the detection proposes it, a person confirms
    reason: FreeText = ""  # why a person named the region
    runner_region: str = ""  # where the runner stands; empty: as service.yaml says


ARun: TypeAlias = Run[Facts, Incident]
