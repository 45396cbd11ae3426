"""Plan E, phase 4: replicas whose primary region is away become secrets of their own, so that they take writes.

There is no way back: when the region is there again it has secrets of its own, with old tokens. Either both are swept,
or replication is set up anew from the side that wins (ReplicateSecretToRegions, ForceOverwriteReplicaSecret).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import region_names
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.plans.e import resources, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do
from drcore.plans.e.reach import left_out
from drcore.plans.e.sweeping import Met, Sweeps, first_of
from drcore.plans.e.token_secrets import each_secret, secret_in, token_secrets
from drcore.services import secretsmanager


@dataclass(frozen=True, slots=True)
class Promotion:
    """How many secrets of a region are copies of the one that is away, the names of those that are next."""

    left: int = field(metadata=label("replicas of the region that is away"))
    batch: tuple[str, ...] = field(default=(), compare=False)


def met_by_the_promotion(run: ERun, store: Target, has_written: bool) -> Iterator[Met]:
    """The replicas of the region that is away. What is promoted is told of at once here; a list may be minutes late."""
    away = left_out(run)
    listed = token_secrets(run, store)
    names = (each.name for each in listed if each.primary == away)
    for name, secret in each_secret(run, store, names):
        yield Met(name, secret.primary == away)


def is_its_own(run: ERun, store: Target, met: Met) -> bool:
    return secret_in(run, store, met.name).primary != left_out(run)


REPLICAS = Sweeps(met_by_the_promotion, is_its_own)


def see_promotion(run: ERun, target: Target) -> Promotion:
    if not left_out(run) or nothing_to_do(run):
        return Promotion(0)
    now = REPLICAS.look(run, target)
    return Promotion(now.left.number, now.batch)


def is_promoted(run: ERun, target: Target, seen: Promotion) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    away = left_out(run)
    if not away:
        return yes("every secret's primary is in reach")
    if seen.left:
        return no(f"{seen.left} secrets are copies of those in {away}, which is away, {first_of(seen.batch)} first")
    return yes(f"no secret here hangs on {away}; there the old ones stay, until it is back and is swept")


def promote(run: ERun, target: Target, seen: Promotion) -> None:
    def one(secret: Met) -> None:
        secretsmanager.promote(run.aws, target.region, secret.name)

    REPLICAS.write(run, target, seen.batch, one)


def words_of_promotion(run: ERun, states: Mapping[Target, Promotion]) -> str:
    count = sum(seen.left for seen in states.values())
    where = region_names(target for target, seen in states.items() if seen.left)
    return f"PROMOTE {count} REPLICAS OF {left_out(run)} IN {where}"


PROMOTE = Step(
    titles.PROMOTE,
    changes="replicas of secrets in the region that is away become secrets of their own; the old ones stay there",
    look=see_promotion,
    expect=is_promoted,
    act=promote,
    supposed=lambda run, target, seen: secretsmanager.promote(run.aws, target.region, "<replica of a region away>"),
    targets=regions,
    needs=(titles.ISSUERS,),
    consent=Consent.TYPED,
    phrase=words_of_promotion,
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.sweep_minutes, every=1),
    repeat=True,
    remembers=lambda seen: replace(seen, batch=()),
    permissions=iam_actions("secretsmanager:StopReplicationToReplica", on=resources.tokens),
)


STEPS = (PROMOTE,)
