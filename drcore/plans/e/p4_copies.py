"""Plan E, phase 4: every copy of every secret, in all regions, other accounts too: told by its versions alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Step
from drcore.plans.e import resources, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do
from drcore.plans.e.sweep_versions import without_tokens
from drcore.plans.e.token_secrets import each_secret, stores, token_secrets
from drcore.record.evidence import Exhibit, Table

# ── No copy holds a token ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Copies:
    """The secrets of a store, written or copied there; those by a label of which an old version can be read.

    `other_accounts`: the replicas that its secrets have in other accounts, each with how far it is. `detached`: the
    secrets here that have been replicas of another account's, and follow it no more.
    """

    secrets: int = field(metadata=label("secrets"))
    old: tuple[str, ...] = field(metadata=label("secrets with an old version"))
    labelled: tuple[str, ...] = field(default=(), metadata=label("secrets with a label on an old version"))
    other_accounts: tuple[tuple[str, str], ...] = field(
        default=(), compare=False, metadata=label("replicas in other accounts")
    )
    detached: tuple[str, ...] = field(default=(), metadata=label("replicas that follow no more"))


def see_copies(run: ERun, target: Target) -> Copies:
    names = (each.name for each in token_secrets(run, target))
    if nothing_to_do(run):
        return Copies(sum(1 for _ in names), ())
    old, labelled, elsewhere, detached, count = list[str](), list[str](), list[tuple[str, str]](), list[str](), 0
    for name, secret in each_secret(run, target, names):
        count += 1
        own = without_tokens(run, name)
        old += [name] if secret.current not in own else []
        labelled += [name] if secret.labels_beside(own) else []
        detached += [name] if secret.follows and secret.following == "Detached" else []
        elsewhere += secret.other_accounts
    return Copies(count, tuple(old), tuple(labelled), tuple(elsewhere), tuple(detached))


def no_old_copy(run: ERun, target: Target, seen: Copies) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    if seen.old and seen.old[0] in seen.detached:
        return never(
            f"{len(seen.detached)} secrets are detached from the account that they follow, {seen.old[0]} first: make "
            "them secrets of their own there (StopReplicationToReplica), then run this plan again"
        )
    if seen.old:
        return no(f"{len(seen.old)} of {seen.secrets} secrets have an old version here, {seen.old[0]} first")
    if seen.labelled:
        return no(f"{len(seen.labelled)} secrets have a label on an old version here, {seen.labelled[0]} first")
    if not seen.secrets:
        return unknown(f"no secret begins with {run.facts.tokens.prefix}: that is not the same as no old token")
    late = [f"{arn} is {status}" for arn, status in seen.other_accounts if status != "InSync"]
    if late:
        return no(f"a replica in another account has not followed: {', '.join(late)}")
    text = f"all {seen.secrets} secrets have the version without tokens, and no label on another"
    if seen.other_accounts:
        accounts = sorted({arn.split(":")[4] for arn, _ in seen.other_accounts})
        known = {each.account for each in run.facts.tokens.other_accounts if target.region in each.regions}
        if unseen := [each for each in accounts if each not in known]:
            return unknown(
                f"{text}; but a replica is in account {', '.join(unseen)} in {target.region}, which e.yaml does "
                "not name (tokens.other_accounts): nobody has looked at its versions"
            )
        text += f"; replicas in account {', '.join(accounts)} are in sync"
    return yes(text)


def show_copies(run: ERun, states: Mapping[Target, Copies]) -> Iterator[Exhibit]:
    rows = tuple(
        (target.region, target.thing or "this account", seen.secrets, len(seen.old), len(seen.labelled))
        for target, seen in states.items()
    )
    yield Table(
        "copies",
        "Secrets with tokens, by region, told by their version",
        ("region", "account", "secrets", "old", "label on an old version"),
        rows,
    )
    elsewhere = tuple(each for seen in states.values() for each in seen.other_accounts)
    if elsewhere:
        title = "Replicas in other accounts, as their primaries tell of them"
        yield Table("other-accounts", title, ("replica", "status"), elsewhere)


COPIES = Step(
    titles.COPIES,
    changes="nothing: the current version of each secret is read in every region, never its value",
    look=see_copies,
    expect=no_old_copy,
    targets=stores,
    needs=(titles.SWEEP, titles.LABELS),
    patience=Patience(within=300, every=10),
    shows=show_copies,
    permissions=iam_actions("sts:AssumeRole", on=resources.tokens_elsewhere),
)


STEPS = (COPIES,)
