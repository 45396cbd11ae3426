"""What plan E is given: of its environment, of the incident."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from drcore.engine.context import Run
from drcore.parameters import Account, Minutes, Model, Region, RoleArn, SecretRef, Url
from drcore.plans.shared.facts import Api, FlagPlace, Name, Pipeline
from drcore.plans.shared.releases import Manifest

Path = Annotated[str, Field(pattern="^/")]


class FindingsDesk(Model):
    """Where findings are told, with the key to it where it wants one."""

    url: Url
    api_key: SecretRef | None = None


class ServiceChecks(Model):
    """The paths of SyncWell's own checks in each region: `{finding}`, `{issuer}` stand for what is asked about."""

    exposure: Path
    marked_writes: Path
    token_probe: Path


class SecurityFlags(Model):
    """The flags in AppConfig that restrict the service: its mode, the epoch of tokens; how they are deployed."""

    application: Name
    strategy: Name
    mode: FlagPlace
    epoch: FlagPlace


class OtherAccount(Model):
    """An account that keeps copies of the secrets with tokens: the role there that the runner's role takes on.

    `external_id`: what the role's trust policy asks for. `regions`: where it keeps them.
    """

    account: Account
    role: RoleArn
    external_id: Annotated[str, Field(min_length=2, max_length=1224, pattern=r"^[\w+=,.@:/-]+$")]
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _role_is_there(self) -> Self:
        if self.role.split(":")[4] != self.account:
            raise ValueError(f"role: expected one of account {self.account}, seen {self.role}")
        return self


class TokenStore(Model):
    """The secrets with users' OAuth tokens: the start of their names, a tag with how many tokens each holds.

    `writes_per_second`: how many of the 50 writes that a region takes this plan makes at most. `other_accounts`: those
    that keep copies of them.
    """

    prefix: Name
    count_tag: Name
    writes_per_second: Annotated[float, Field(gt=0, le=50)]
    other_accounts: tuple[OtherAccount, ...] = ()


class LegalClock(Model):
    """A duty to report: to whom, within how many hours, from when on. Lawyers say which of them apply."""

    name: Name
    to: Name
    hours: Annotated[float, Field(gt=0)]
    since: Literal["aware", "mended"]


class Facts(Model):
    """`e.yaml`: what plan E needs to know of an environment."""

    functions: Annotated[tuple[str, ...], Field(min_length=1)]
    alias: str
    api: Api
    releases: Manifest
    pipeline: Pipeline
    desk: FindingsDesk
    checks: ServiceChecks
    flags: SecurityFlags
    tokens: TokenStore
    issuers: Annotated[tuple[str, ...], Field(min_length=1)]
    revoker: Name
    security_logs: Name
    keep_logs_days: Annotated[int, Field(gt=0)]
    contain_from: Annotated[tuple[Literal["track*", "attend", "act"], ...], Field(min_length=1)]
    clocks: Annotated[tuple[LegalClock, ...], Field(min_length=1)]
    detection_minutes: Minutes
    servers_minutes: Minutes
    hotfix_minutes: Minutes
    revocation_minutes: Minutes
    sweep_minutes: Minutes
    hold_minutes: Minutes
    rto_minutes: Minutes


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    # The finding, by its id at the security desk, or a closed one to go on with; empty: the newest open one.
    finding: str = ""


ERun = Run[Facts, Incident]
