"""Facts that more than one plan is given, each under the same name in its parameter file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from drcore.parameters import Model, SecretRef, Url

Name = Annotated[str, Field(min_length=1)]
Percent = Annotated[float, Field(gt=0, le=100)]


class Api(Model):
    """The public REST API, and the stage that users reach."""

    name: str
    stage: str


class Pipeline(Model):
    """The pipeline, and the stage of it that deploys."""

    name: str
    stage: str


class CanaryItems(Model):
    """The canary that each region writes: the start of its key, how often it is written."""

    key_prefix: Name
    every_s: Annotated[float, Field(gt=0)]


class FlagPlace(Model):
    """A feature flag with a profile and an environment of its own, so that no other deployment is in its way."""

    environment: Name
    profile: Name
    flag: Name


class SyntheticCheck(Model):
    """Requests of our own: which, how many at a time."""

    path: Annotated[str, Field(pattern="^/")]
    requests: Annotated[int, Field(gt=0, le=50)]


class SupportDesk(Model):
    """The support desk, and the category of the tickets that tell of the trouble."""

    url: Url
    category: Name
    api_key: SecretRef | None = None
