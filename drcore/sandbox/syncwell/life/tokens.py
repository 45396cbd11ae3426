"""The OAuth tokens of SyncWell's users: in sharded secrets of Secrets Manager, at three issuers, in workers' caches.

Four in every grant of a world's users; each belongs to one issuer, which revokes in its own way: by the token (RFC
7009), by its subject, or in none. A use of a token through SyncWell is refused when the token is older than the epoch,
when it is in no version that the workers of the region still hold, or when its issuer has revoked it; straight at the
issuer only when that one has revoked it. Workers cache a shard for CACHED after they have read it.

Simplified: users who sign in again get tokens of their own, which no secret shows; a token's value is never looked at.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import aware, epoch, precise
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.secretsmanager import Secrets
from drcore.sandbox.services.stepfunctions import Output, Progress, StateMachines
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.service_mode import ServiceMode

GRANTS = 4
"""Users with a token, for one user whose configuration the world keeps: 20,000 of 5,000."""
BY_TOKEN, BY_SUBJECT, NONE = "token", "subject", "none"
ISSUERS: Mapping[str, str] = {"stride": BY_TOKEN, "pulse": BY_SUBJECT, "fitlog": BY_TOKEN}
"""How each issuer revokes."""
CACHED = timedelta(minutes=5)
A_SECOND = 400
"""Revocations that an issuer takes."""
ISSUED = timedelta(days=20)
"""How old the oldest tokens are when the doors open."""


def shard_name(number: int) -> str:
    """The secret of a shard."""
    return f"{names.TOKENS}shard-{number:04d}"


def value(world: World, number: int) -> str:
    """The token of a user: nobody but the store, the workers, the issuer holds it."""
    digest = hashlib.blake2b(f"{world.seed}:token:{number}".encode(), digest_size=20)
    return f"rt_{digest.hexdigest()}"


@dataclass(slots=True)
class Issuer:
    """One issuer: how it revokes, when revoking began, how many of its tokens there are."""

    name: str
    way: str
    tokens: int
    began: datetime | None = None
    run: dict[str, Any] = field(default_factory=dict)

    def revoked(self, at: datetime) -> int:
        """How many of its tokens are revoked at a moment."""
        if self.began is None or self.way == NONE:
            return 0
        return min(self.tokens, max(0, int((at - self.began).total_seconds() * A_SECOND)))


class OauthTokens:
    """All tokens of a world: where they lie, who still takes them."""

    def __init__(self, world: World) -> None:
        self._world, self._secrets, self._mode = world, world.state(Secrets), world.state(ServiceMode)
        self.count = world.users * GRANTS
        self.shard = world.tokens_a_secret
        self.shards = -(-self.count // self.shard)
        self.issuers = {
            name: Issuer(name, way, len(range(place, self.count, len(ISSUERS))))
            for place, (name, way) in enumerate(ISSUERS.items())
        }
        self._began = world.clock.now()
        self._first: dict[str, str] = {}
        self._held: dict[str, dict[str, str]] = {region: {} for region in world.regions}
        """By region and secret the version that the workers have in their cache."""
        self._epochs: dict[str, tuple[datetime, datetime | None]] = {}

    def store(self, primary: str) -> None:
        """Put all tokens into secrets of a region, with a replica in each other one."""
        store, issuers = backends.secretsmanager(self._world.account, primary), tuple(ISSUERS)
        others = [{"Region": region} for region in self._world.regions if region != primary]
        for shard in range(self.shards):
            numbers = range(shard * self.shard, min((shard + 1) * self.shard, self.count))
            held = {f"u{n:05d}": [issuers[n % len(issuers)], value(self._world, n)] for n in numbers}
            name = shard_name(shard)
            self._first[name] = f"{self._world.rng('version', name).getrandbits(128):032x}"
            store.create_secret(
                name=name,
                secret_string=json.dumps({"tokens": held}, separators=(",", ":")),
                secret_binary=None,
                description="",
                tags=[{"Key": "tokens", "Value": str(len(numbers))}, {"Key": "data", "Value": "oauth"}],
                kms_key_id=None,
                client_request_token=self._first[name],
                replica_regions=others,
                force_overwrite=False,
            )
        self.read()

    def read(self) -> None:
        """Let the workers of all regions read every shard."""
        for region in self._world.regions:
            for shard in range(self.shards):
                self._held[region][shard_name(shard)] = self._secrets.current(region, shard_name(shard))

    def tick(self, at: datetime) -> None:
        """Let the workers read the shards whose time in the cache is over."""
        if not self._secrets.written:
            return
        for place, region in enumerate(self._world.regions):
            since = (epoch(at) + 70 * place) % CACHED.seconds
            if since % 10 == 0:  # a thirtieth of the shards every ten seconds
                for shard in range((CACHED.seconds - since) // 10 % 30, self.shards, 30):
                    self._held[region][shard_name(shard)] = self._secrets.current(region, shard_name(shard))

    def issued(self, number: int) -> datetime:
        """When the token of a user was issued."""
        return self._began - ISSUED * ((number % 97 + 3) / 100)

    def issuer(self, number: int) -> Issuer:
        """Whose token a user's is."""
        return self.issuers[tuple(ISSUERS)[number % len(ISSUERS)]]

    def at_issuer(self, number: int, at: datetime) -> bool:
        """Whether a token's issuer takes it at a moment."""
        issuer = self.issuer(number)
        return number // len(ISSUERS) >= issuer.revoked(at)

    def stored(self, region: str, number: int) -> bool:
        """Whether the store of a region still gives a token out."""
        name = shard_name(number // self.shard)
        return self._secrets.current(region, name) == self._first[name]

    def held(self, region: str, number: int) -> bool:
        """Whether the workers of a region have a token in their cache, or would get it from the store."""
        name = shard_name(number // self.shard)
        return self._first[name] in (self._held[region][name], self._secrets.current(region, name))

    def new_enough(self, region: str, number: int) -> bool:
        """Whether a token is younger than the epoch that the workers of a region know."""
        least = self._epoch(region)
        return least is None or self.issued(number) >= least

    def _epoch(self, region: str) -> datetime | None:
        """The epoch that the workers of a region know, asked for once in a moment; None while there is none."""
        now = self._world.clock.now()
        if self._epochs.get(region, (None, None))[0] != now:
            flag = self._mode.flag(region, names.EPOCH_FLAG)
            self._epochs[region] = now, aware(str(flag["min_issued_at"])) if flag.get("enabled") else None
        return self._epochs[region][1]

    def accepted(self, region: str, number: int, at: datetime) -> bool:
        """Whether SyncWell's workers in a region take an old token."""
        return self.new_enough(region, number) and self.held(region, number) and self.at_issuer(number, at)

    def by_label(self) -> dict[str, int]:
        """By region how many old tokens a reader gets who asks for any stage, such as AWSPREVIOUS."""
        return {
            region: sum(
                min(self.shard, self.count - shard * self.shard)
                for shard in range(self.shards)
                if self._secrets.stages(region, shard_name(shard)).get(self._first[shard_name(shard)])
            )
            for region in self._world.regions
        }

    def old_left(self) -> dict[str, int]:
        """By region how many old tokens its store still gives out."""
        return {
            region: sum(
                min(self.shard, self.count - shard * self.shard)
                for shard in range(self.shards)
                if self.stored(region, shard * self.shard)
            )
            for region in self._world.regions
        }

    def revoke(self, region: str, given: Mapping[str, Any], at: datetime) -> Progress:
        """The machine's work for one issuer: SyncWell's own job, which alone reads tokens."""
        issuer = self.issuers[str(given["issuer"])]
        issuer.began = issuer.began or at

        def progress(now: datetime) -> tuple[bool, Output]:
            done = issuer.revoked(now)
            over = issuer.way == NONE or done == issuer.tokens
            fields = {"issuer": issuer.name, "way": issuer.way, "tokens": issuer.tokens, "revoked": done}
            return over, fields | {"left": issuer.tokens - done}

        return progress


def set_up(world: World) -> None:
    """Make the secrets, and the machine that revokes at issuers."""
    tokens, machines = world.state(OauthTokens), world.state(StateMachines)
    tokens.store(world.regions[0])
    for region in world.regions:
        machines.make(region, names.REVOKER, tokens.revoke)


@http_route("GET", "/syncwell/<region>/v1/token-probes/<issuer>")
def token_probe(call: HttpCall) -> JsonReply:
    """200 with whether the old token of an issuer's planted user is still taken: by SyncWell's workers, at the issuer.

    The planted users' tokens are as old as anybody's; the caller names the user's issuer and never sees the token.
    """
    tokens, name, region = call.world.state(OauthTokens), call.args["issuer"], call.region
    if region not in call.world.regions or name not in tokens.issuers:
        return JsonReply(404, {"message": f"expected an issuer of {', '.join(tokens.issuers)}; saw {name!r}"})
    number, now = tuple(ISSUERS).index(name), call.world.clock.now()
    answers = {
        "user": f"planted-{name}",
        "issuer": name,
        "issued_at": precise(tokens.issued(number)),
        "epoch": "new enough" if tokens.new_enough(region, number) else "too old",
        "cache_or_store": "held" if tokens.held(region, number) else "gone",
        "at_issuer": "accepted" if tokens.at_issuer(number, now) else "refused",
        "syncwell": "accepted" if tokens.accepted(region, number, now) else "refused",
    }
    return JsonReply(200, answers)
