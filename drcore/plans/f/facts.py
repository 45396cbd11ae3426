"""What plan F is given: of its environment, of the incident."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from drcore.engine.context import Run
from drcore.parameters import FreeText, Minutes, Model
from drcore.plans.shared.facts import Api, Pipeline, SyntheticCheck
from drcore.plans.shared.releases import Manifest


class CodeDeploy(Model):
    """Who shifts the traffic of a canary."""

    application: str
    group: str


class Alarms(Model):
    """The alarms that watch the backend: all whose names begin so."""

    prefix: Annotated[str, Field(min_length=1)]


class BugCheck(Model):
    """How the critical bug is told from its absence: the status and some fields of the JSON answer to one request."""

    path: Annotated[str, Field(pattern="^/")]
    status: int
    fields: Annotated[dict[str, str | int | float | bool | None], Field(min_length=1)]


class Facts(Model):
    """`f.yaml`: what plan F needs to know of an environment."""

    functions: Annotated[tuple[str, ...], Field(min_length=1)]
    alias: str
    api: Api
    releases: Manifest
    pipeline: Pipeline
    codedeploy: CodeDeploy
    alarms: Alarms
    error_rate_percent: Annotated[float, Field(gt=0, lt=100)]
    p99_ms: Annotated[float, Field(gt=0)]
    minimum_sample: Annotated[int, Field(gt=0)]
    window_minutes: Minutes
    detection_minutes: Minutes
    automation_minutes: Minutes
    hold_minutes: Minutes
    provisioned_minutes: Minutes
    rto_minutes: Minutes
    synthetic: SyntheticCheck
    critical_bug: BugCheck


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    release: str = ""  # to go back to, by name or by a version of a function; empty: the newest stable one
    bug: FreeText = ""  # what a person has found, where no alarm shows it


FRun = Run[Facts, Incident]
