"""Plan E, phase 4: every copy of every secret, in all regions, other accounts too: told by its versions alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.step import Patience, Step, regions
from drcore.plans.e import titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do
from drcore.plans.e.p4_sweep import version_of
from drcore.plans.e.sweeping import looked_up
from drcore.plans.e.token_secrets import token_secrets
from drcore.record.evidence import Exhibit, Table
from drcore.services import secretsmanager

# ── No copy holds a token ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Copies:
    """The secrets of a region, written here or copied here; those by a label of which an old version can be read."""

    secrets: int = field(metadata=label("secrets"))
    old: tuple[str, ...] = field(metadata=label("secrets with an old version"))
    labelled: tuple[str, ...] = field(default=(), metadata=label("secrets with a label on an old version"))
    other_accounts: tuple[tuple[str, str], ...] = field(
        default=(), compare=False, metadata=label("replicas in other accounts")
    )


def see_copies(run: ERun, target: Target) -> Copies:
    region = target.region
    names = (each.name for each in token_secrets(run, region))
    if nothing_to_do(run):
        return Copies(sum(1 for _ in names), ())
    old, labelled, elsewhere, count = list[str](), list[str](), list[tuple[str, str]](), 0
    for name, found in looked_up(run.clock, names, lambda name: secretsmanager.secret(run.aws, region, name)):
        count += 1
        own = version_of(run, name)
        old += [name] if found.current != own else []
        labelled += [name] if found.labels_beside(own) else []
        elsewhere += found.other_accounts
    return Copies(count, tuple(old), tuple(labelled), tuple(elsewhere))


def no_old_copy(run: ERun, target: Target, seen: Copies) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    if seen.old:
        return no(f"{len(seen.old)} of {seen.secrets} secrets have an old version here, {seen.old[0]} first")
    if seen.labelled:
        return no(f"{len(seen.labelled)} secrets have a label on an old version here, {seen.labelled[0]} first")
    if not seen.secrets:
        return unknown(f"no secret begins with {run.facts.tokens.prefix}: that is not the same as no old token")
    late = [f"{arn} is {status}" for arn, status in seen.other_accounts if status != "InSync"]
    if late:
        return no(f"a replica in another account has not followed: {', '.join(late)}")
    told = f"all {seen.secrets} secrets have the version without tokens, and no label on another"
    if seen.other_accounts:
        accounts = sorted({arn.split(":")[4] for arn, _ in seen.other_accounts})
        told += f"; replicas in account {', '.join(accounts)} are in sync: whoever owns it looks at their versions"
    return yes(told)


def show_copies(run: ERun, states: Mapping[Target, Copies]) -> Iterator[Exhibit]:
    rows = tuple((target.region, seen.secrets, len(seen.old), len(seen.labelled)) for target, seen in states.items())
    yield Table(
        "copies",
        "Secrets with tokens, by region, told by their version",
        ("region", "secrets", "old", "label on an old version"),
        rows,
    )
    elsewhere = tuple(each for seen in states.values() for each in seen.other_accounts)
    if elsewhere:
        title = "Replicas in other accounts: their owners look at them, this role cannot"
        yield Table("other-accounts", title, ("replica", "status"), elsewhere)


COPIES = Step(
    titles.COPIES,
    changes="nothing: the current version of each secret is read in every region, never its value",
    look=see_copies,
    expect=no_old_copy,
    targets=regions,
    needs=(titles.SWEEP, titles.LABELS),
    patience=Patience(within=300, every=10),
    shows=show_copies,
)


STEPS = (COPIES,)
