"""The facts of corrupted data: what plan G is given, which table it is about, what has been decided."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from drcore.clock import parse_time
from drcore.engine.step import Check, Step, Target, yes
from drcore.parameters import Minutes, Model, SecretRef, Url
from drcore.plans.shared.facts import Api, CanaryItems, Name, Percent, Pipeline
from drcore.plans.shared.releases import Manifest
from drcore.record import history

if TYPE_CHECKING:
    from drcore.engine.context import Run


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

Count = Annotated[int, Field(gt=0)]


class Key(Model):
    """The names of the table's key attributes, both texts."""

    partition: Name
    sort: Name


class Users(Model):
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


class ErrorLog(Model):
    """Where the service logs, and the pattern of the lines that betray corrupted settings."""

    group: Name
    pattern: Name


class Support(Model):
    """The support desk, and the category of the tickets that betray it."""

    url: Url
    category: Name
    api_key: SecretRef | None = None


class Thresholds(Model):
    """From where on something is wrong."""

    tickets_per_minute: Annotated[float, Field(gt=0)]
    log_lines_per_minute: Annotated[float, Field(gt=0)]
    error_rate_percent: Percent
    share_percent: Percent  # of users hit: from here on it is widespread


class Settings(Model):
    """What a restore drops, as it must be on the table in use."""

    ttl: Name
    tags: dict[str, str]
    alarms: tuple[str, ...]


class Facts(Model):
    """`g.yaml`: what plan G needs to know of an environment."""

    table: Name
    key: Key
    users: Users
    attributes: Attributes
    invariants: Annotated[tuple[Invariant, ...], Field(min_length=1)]
    canary: CanaryItems
    settings: Settings
    configuration: Configuration
    roles: Roles
    workers: Workers
    functions: Annotated[tuple[str, ...], Field(min_length=1)]
    alias: str
    rules: tuple[str, ...]
    api: Api
    pipeline: Pipeline
    releases: Manifest
    exports: Annotated[str, Field(pattern=r"\{region\}")]  # the bucket for exports, one in each region
    log: ErrorLog
    support: Support
    thresholds: Thresholds
    minimum_sample: Count
    sample: Count
    window_minutes: Minutes
    detection_minutes: Minutes
    stop_minutes: Minutes
    quiet_minutes: Minutes
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
    drill_every_days: Count

    @model_validator(mode="after")
    def _agrees(self) -> Facts:
        if self.roles.recovery in self.roles.writers:
            raise ValueError(f"roles.recovery: expected none of the writers, seen {self.roles.recovery}")
        for each in self.invariants:
            if (each.must == "among") != bool(each.of):
                raise ValueError(f"invariants: expected `of` with `among` and only there, seen {each.attribute}")
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


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    incident: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]*$", max_length=60)] = (
        ""  # a short id, in the new table's name
    )
    faulty_release: str = ""  # the release that corrupts; empty: the newest one of the workers
    good_release: str = ""  # the release that the workers come back with; empty: the one before
    recovery_point: Annotated[str, AfterValidator(_in_utc)] = ""  # empty: the last second before the first bad write
    way: Literal["", "repair", "switch"] = ""  # empty: as the numbers recommend
    accounts: str = ""  # users for the spot check, separated by commas


# ── Titles, by which steps of one part know of those of another ──────────────────────────────────────────────────────

CONFIRMING = "Confirm"
DECIDING = "Decide"
ALLOWING = "Allow writes"
RESUMING_WORKERS = "Resume workers"
RESUMING_FUNCTIONS = "Resume functions"
RESUMING_SOURCES = "Resume event sources"
RESUMING_RULES = "Resume schedules"
RESUMING_SCALING = "Resume auto scaling"
REPAIRING = "Repair"
SWITCHING = "Switch"

HALTED = "halted"  # the moment since when nothing writes, as was proved
REPAIR, SWITCH = "repair", "switch"


# ── Where ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def table(run: Run) -> str:
    """The table that was in use when it was corrupted."""
    return str(run.facts.table)


def restored_table(run: Run) -> str:
    """The table that is restored into, named by the incident, so that it is found again and never collides."""
    short = run.incident.incident or run.id.removeprefix(f"{run.plan.id}-{run.mode}-")
    return f"{table(run)}-restored-{short}"


def in_use(run: Run) -> str:
    """The table that the service uses now: the restored one once the switch was begun, and until it is undone."""
    return restored_table(run) if history.intended(run.record.events, SWITCHING) else table(run)


def table_arn(run: Run, region: str, name: str = "") -> str:
    return f"arn:aws:dynamodb:{region}:{run.service.account}:table/{name or table(run)}"


def role_arn(run: Run, role: str) -> str:
    return f"arn:aws:iam::{run.service.account}:role/{role}"


# ── What has been decided ────────────────────────────────────────────────────────────────────────────────────────────


def halted_at(run: Run) -> datetime | None:
    """Since when nothing writes, as was proved; None before that."""
    return run.moments.get(HALTED)


def way(run: Run) -> str:
    """`repair` or `switch` once it was decided; a rehearsal takes what the parameters say. Empty: not decided."""
    made = [line for line in run.record.events if line["event"] == "decision" and line["step"] == DECIDING]
    if made:
        return SWITCH if made[-1]["choice"].startswith(SWITCH) else REPAIR
    return run.incident.way if run.rehearsing else ""


def not_the_way(run: Run, mine: str) -> Check | None:
    """A step of the way that was not taken has nothing to do."""
    decided = way(run)
    return yes(f"not the way that was decided, which is to {decided}") if decided not in ("", mine) else None


def before(run: Run, step: Step, target: Target) -> Any:
    """What this run saw before its first act of a step, None where it has not acted, or has undone it.

    From the journal, so that what was halted comes back as it was, after any restart.
    """
    act = history.act_of(run.record.events, step.title, target)
    return step.from_json(act.first["before"]) if act else None


def intended(run: Run, title: str, target: Target) -> bool:
    """Whether this run has set out to do a step, named by its title, and has not undone it."""
    return history.intended(run.record.events, title, target)


def decided_release(run: Run) -> str:
    """The release that was confirmed to have corrupted the data; before that the one of the parameters, or empty."""
    confirmed = run.last("intent", run.plan.step(CONFIRMING))
    told: str = confirmed["before"]["faulty"] if confirmed else run.incident.faulty_release
    return told


def faulty_release(run: Run) -> str:
    """The release that corrupts: as confirmed, or named, or as this rehearsal has seen it. Empty: not known."""
    return decided_release(run) or _seen_release(run)


def faulty_writers(run: Run) -> tuple[str, ...]:
    """The names under which the faulty release writes into items."""
    release = faulty_release(run)
    return (run.facts.workers.writes_as.format(release=release),) if release else ()


def _seen_release(run: Run) -> str:
    """What this rehearsal has seen as the faulty release: nothing is decided in one."""
    seen = run.results.get(CONFIRMING)
    return next((state.faulty for state in seen.states.values()), "") if seen else ""
