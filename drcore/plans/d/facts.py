"""What plan D is given: of its environment, of the incident."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from drcore.engine.context import Run
from drcore.parameters import FreeText, Minutes, Model, OneOf, SecretRef, Url
from drcore.plans.shared.facts import Name, Percent
from drcore.plans.shared.flag_profiles import FlagProfile

Path = Annotated[str, Field(pattern="^/")]


class Integration(Model):
    """One partner: its API with the path that a probe asks for each operation, its status page, our flags for it.

    `operations` are as our metrics name them; `components` are the ids of what its page tells of, of all that we use.
    """

    title: Name
    api: Url
    operations: Annotated[dict[Name, Path], Field(min_length=1)]
    page: Url
    components: Annotated[tuple[Name, ...], Field(min_length=1)]
    credential: SecretRef
    integration: Name
    banner: Name
    calls_a_minute: Annotated[int, Field(gt=0)]


class Spaces(Model):
    """The namespaces of our metrics: of the workers' calls, of what the app's clients show."""

    calls: Name
    app: Name


class Words(Model):
    """What users read. The plan's text has no words for it: these are ours. `{partner}` stands for its title."""

    banner: Name
    banner_ours: Name
    paused: Name
    paused_ours: Name
    page_only: Name
    resolved: Name


class Facts(Model):
    """`d.yaml`: what plan D needs to know of an environment."""

    partners: Annotated[dict[Name, Integration], Field(min_length=1)]
    flags: FlagProfile
    metrics: Spaces
    words: Words
    app_users: Annotated[tuple[Name, ...], Field(min_length=1)]  # whose flags are asked for: each an entity of its own
    error_rate_percent: Percent
    p99_ms: Annotated[float, Field(gt=0)]
    minimum_sample: Annotated[int, Field(gt=0)]
    backlog: Annotated[int, Field(ge=0)]  # syncs that may wait in a region where all is well
    banner_percent: Percent  # of the app's sessions that show it, from where on it stands
    probes: Annotated[int, Field(gt=0, le=20)]  # requests of our own to each operation, each time
    window_minutes: Minutes
    detection_minutes: Minutes
    switch_minutes: Minutes
    contain_minutes: Minutes
    hold_minutes: Minutes
    recovery_minutes: Minutes
    recovery_hold_minutes: Minutes
    ramp_minutes: Minutes
    drain_minutes: Minutes
    rto_minutes: Minutes


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    partner: Annotated[str, OneOf("partners")] = (
        ""  # the partner in trouble, found by a person, where no rate and no page shows it
    )
    reason: FreeText = ""  # how it was found


DRun: TypeAlias = Run[Facts, Incident]
