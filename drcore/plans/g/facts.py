"""The facts of corrupted data: what plan G is given."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from drcore.clock import parse_time
from drcore.engine.context import Run
from drcore.parameters import Minutes, Model, OwnWords
from drcore.plans.shared.facts import Api, CanaryItems, FlagPlace, Name, Percent, Pipeline, SupportDesk
from drcore.plans.shared.releases import Manifest

Count = Annotated[int, Field(gt=0)]


class Key(Model):
    """The names of the table's key attributes, both texts."""

    partition: Name
    sort: Name


class UserItems(Model):
    """Which items are users' configurations: how their key begins, what its sort part is."""

    prefix: Name
    sort: Name


class Attributes(Model):
    """The attributes that say whose an item is, when it was changed, who wrote it: a text, or a list, oldest first."""

    owner: Name
    modified: Name
    writer: Name


class Invariant(Model):
    """What must be true of every user's item. `kind` is DynamoDB's type.

    `filled`: there, and not empty. `user`: the user that the key names. `among`: one of the members of `of`.
    """

    attribute: Name
    kind: Literal["S", "N", "BOOL", "SS", "NS", "L", "M"]
    must: Literal["exist", "filled", "user", "among"] = "exist"
    of: str = ""
    reason: Name


class Roles(Model):
    """Names of IAM roles: those that may write to the table, and the one that recovers it."""

    writers: Annotated[tuple[str, ...], Field(min_length=1)]
    recovery: Name


class Workers(Model):
    """The ECS service that writes, the environment variable of its container that names the release.

    `manifest` is the key of what the pipeline writes at each deployment of it, in the bucket of the releases.
    """

    cluster: Name
    service: Name
    release: Name
    writes_as: Annotated[str, Field(pattern=r"\{release\}")]
    manifest: Name


class Configuration(Model):
    """Where AppConfig names the table: the profile's JSON has it under `key`."""

    application: Name
    environment: Name
    profile: Name
    strategy: Name
    key: Name


class Jobs(Model):
    """The queue of jobs in each region, its dead-letter queue, the log of what becomes of each job.

    `filter` is the flag by which the workers hold jobs that were made before its `made_at`; it lies in the application
    of `configuration`, and is deployed by that strategy. So does `imports`: by it the workers take their cursors at the
    partners back to its `at`. Null: no cursor lies outside the table.
    """

    queue: Name
    dead_letters: Name
    log: Name
    filter: FlagPlace
    imports: FlagPlace | None


class ErrorLog(Model):
    """Where the service logs, and the pattern of the lines that show corrupted settings."""

    group: Name
    pattern: Name


class Thresholds(Model):
    """The values from which on something is wrong."""

    tickets_per_minute: Annotated[float, Field(gt=0)]
    log_lines_per_minute: Annotated[float, Field(gt=0)]
    error_rate_percent: Percent
    share_percent: Percent  # of users affected: from here on it is widespread


class TableSettings(Model):
    """What a restore drops, as it must be on the table in use."""

    ttl: Name
    tags: dict[str, str]
    alarms: tuple[str, ...]


class Facts(Model):
    """`g.yaml`: what plan G needs to know of an environment."""

    table: Name
    key: Key
    users: UserItems
    attributes: Attributes
    invariants: Annotated[tuple[Invariant, ...], Field(min_length=1)]
    known_good: Annotated[tuple[Name, ...], Field(min_length=3)]
    canary: CanaryItems
    settings: TableSettings
    configuration: Configuration
    roles: Roles
    workers: Workers
    jobs: Jobs
    functions: Annotated[tuple[str, ...], Field(min_length=1)]
    alias: str
    rules: tuple[str, ...]
    api: Api
    pipeline: Pipeline
    releases: Manifest
    exports: Annotated[str, Field(pattern=r"\{region\}")]  # the bucket for exports, one in each region
    log: ErrorLog
    support: SupportDesk
    thresholds: Thresholds
    minimum_sample: Count
    sample: Count
    window_minutes: Minutes
    detection_minutes: Minutes
    stop_minutes: Minutes
    quiet_minutes: Minutes
    policy_takes_s: Annotated[float, Field(ge=0)]
    margin_s: Annotated[float, Field(gt=0)]
    export_minutes: Minutes
    restore_minutes: Minutes
    repair_percent: Percent
    first_workers_percent: Percent
    gate_minutes: Minutes
    start_minutes: Minutes
    hold_minutes: Minutes
    keep_days: Annotated[int, Field(ge=35)]
    rto_minutes: Minutes

    @model_validator(mode="after")
    def _agrees(self) -> Facts:
        if self.roles.recovery in self.roles.writers:
            raise ValueError(f"roles.recovery: expected none of the writers, seen {self.roles.recovery}")
        if len(set(self.known_good)) < len(self.known_good):
            raise ValueError(f"known_good: expected each user once, seen {', '.join(self.known_good)}")
        for invariant in self.invariants:
            if (invariant.must == "among") != bool(invariant.of):
                raise ValueError(f"invariants: expected `of` with `among` and only there, seen {invariant.attribute}")
        return self


def _in_utc(text: str) -> str:
    """A recovery point that is off by the hours of a time zone restores the wrong state, or loses a morning."""
    expected = "expected a whole second in UTC such as 2026-01-05T09:41:12Z, not a local time"
    try:
        moment = parse_time(text) if text else None
    except ValueError as error:
        raise ValueError(expected) from error
    if moment and (moment.microsecond or not text.endswith(("Z", "+00:00"))):
        raise ValueError(expected)
    return text


class Remedy(StrEnum):
    """What is done about corrupted items: they are repaired in place, or the restored table is switched to."""

    REPAIR = "repair"
    SWITCH = "switch"


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    incident: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]*$", max_length=60), OwnWords()] = (
        ""  # a short id, in the new table's name
    )
    faulty_release: str = ""  # the release that corrupts; empty: the newest one of the workers
    good_release: str = ""  # the release that the workers come back with; empty: the one before
    recovery_point: Annotated[str, AfterValidator(_in_utc)] = ""  # empty: the last second before the first bad write
    remedy: Literal["", "repair", "switch"] = ""  # empty: as the numbers propose
    accounts: str = ""  # users known to be hit, for the spot check, separated by commas


GRun: TypeAlias = Run[Facts, Incident]
