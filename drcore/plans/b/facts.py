"""What plan B is given: of its environment, of the incident."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from drcore.engine.context import Run
from drcore.parameters import FreeText, Minutes, Model, Region, SecretRef, Url
from drcore.plans.shared.facts import Name, Percent

ConfigurationName = Annotated[str, Field(pattern=r"^([a-zA-Z0-9](-*[a-zA-Z0-9]){0,62})?$")]


class AiRemedy(StrEnum):
    """What may be done about a failure of the AI Insights Service. Empty: that of the first cause."""

    PROPOSED = ""
    WEIGHTS = "weights"  # all traffic to the old variant, which is live
    CONFIGURATION = "configuration"  # another endpoint configuration: the one before, or the fix that is named
    COMPONENT = "component"  # another model for the inference component: the one before, or the fix that is named
    COPIES = "copies"  # as many copies of the inference component as there are to be
    KEY = "key"  # the new version of the key becomes the current one
    GATEWAY = "gateway"  # the gateway tries its models in another order
    QUOTA = "quota"  # AWS is asked for more of the quota of the LLM's model
    WAIT = "wait"  # nothing that this plan can do


class AiComponent(Model):
    """The endpoint's inference component, where its models are such; its models' names begin with `models`.

    So many `copies` there are to be at least.
    """

    name: Name
    models: Name
    copies: Annotated[int, Field(gt=0)]


class AiEndpoint(Model):
    """The SageMaker endpoint, the same in each region; its configurations' names begin with `configurations`."""

    name: Name
    configurations: Name
    variant: Name
    old_variant: Name
    component: AiComponent


class ConfigurationRollout(Model):
    """How an endpoint goes over to another configuration: a canary first, then the rest.

    The old fleet is kept for `keep_minutes`, so that the way back is short.
    """

    canary_percent: Annotated[int, Field(ge=1, le=50)]
    wait_minutes: Minutes
    keep_minutes: Minutes


class LlmQuota(Model):
    """The quota of the LLM's model as Service Quotas names it, the region in which it counts, how much is wanted."""

    service: Name
    code: Name
    region: Region
    wanted: Annotated[float, Field(gt=0)]


class LlmService(Model):
    """The LLM's gateway, its key, the region in which that secret is written, the order to fall back to, its quota."""

    url: Url
    key: SecretRef
    key_region: Region
    fallback_order: Annotated[tuple[Name, ...], Field(min_length=1)]
    quota: LlmQuota


class AiAlarms(Model):
    """The alarms that watch the AI service: all whose names begin so."""

    prefix: Name


class SyncLog(Model):
    """Where the sync jobs log each conflict, and in which namespace they count."""

    group: Name
    namespace: Name


class AiThresholds(Model):
    """From where on it is trouble: percent of conflicts, percent of calls, milliseconds, percent of jobs."""

    fallback_percent: Percent
    timeout_percent: Percent
    error_percent: Percent
    p99_ms: Annotated[float, Field(gt=0)]
    core_percent: Percent  # so much more of the jobs may fail before the degradation is not graceful


class Facts(Model):
    """`b.yaml`: what plan B needs to know of an environment."""

    endpoint: AiEndpoint
    rollout: ConfigurationRollout
    llm: LlmService
    alarms: AiAlarms
    jobs: SyncLog
    thresholds: AiThresholds
    minimum_sample: Annotated[int, Field(gt=0)]
    window_minutes: Minutes
    baseline_minutes: Minutes
    recent_deployment_minutes: Minutes
    prolonged_minutes: Minutes
    detection_minutes: Minutes
    remedy_minutes: Minutes
    hold_minutes: Minutes
    rto_minutes: Minutes
    ai_message: Annotated[str, Field(min_length=1)]
    core_message: Annotated[str, Field(min_length=1)]


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    remedy: AiRemedy = AiRemedy.PROPOSED
    configuration: ConfigurationName = (
        ""  # the fix, or an older one to go to; empty: the newest one before that in service
    )
    model: ConfigurationName = ""  # of the inference component, to go over to; empty: the newest one before that in use
    found: FreeText = ""  # what a person has found, where no alarm shows it


BRun = Run[Facts, Incident]
