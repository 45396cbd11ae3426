"""Plan E, phase 4: the sweep of Secrets Manager, where each secret is written; then the labels of what was before.

No value is read, none is deleted: each secret gets a new current version without tokens, known by its id
(`sweep_versions`), so that a sweep that was killed goes on where it was, in the same run or the next. The version
before would stay readable as AWSPREVIOUS: it loses that label, and any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.e import resources, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do
from drcore.plans.e.sweep_versions import version_of, without_tokens
from drcore.plans.e.sweeping import QUOTA, Met, Sweeps, first_of, tokens_in
from drcore.plans.e.token_secrets import client, each_secret, secret_in, stores, where, written_in
from drcore.record.evidence import Chart, Exhibit, Limit, Series
from drcore.services import secretsmanager

# ── Sweep the secrets ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Swept:
    """How far a region's sweep is: its secrets, those with old tokens left, the names of those that are next."""

    secrets: int
    left: int = field(metadata=label("secrets with old tokens"))
    tokens: int = field(compare=False, metadata=label("tokens in all of them"))
    tokens_left: int = field(metadata=label("old tokens left"))
    batch: tuple[str, ...] = field(compare=False)
    rate: float = field(default=0, compare=False, metadata=label("secrets a second"))

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the rate until now; None before anything was written."""
        return self.left / self.rate if self.rate else None

    def describe(self) -> Mapping[str, object]:
        left = "not known yet" if self.seconds_left is None else f"{self.seconds_left:.0f} s"
        return {
            "secrets": self.secrets,
            "with old tokens": self.left,
            "old tokens left": f"{self.tokens_left:,} of {self.tokens:,}",
            "rate": f"{self.rate:.1f} secrets a second",
            "time left": left if self.left else "none",
        }


def met_by_the_sweep(run: ERun, store: Target, has_written: bool) -> Iterator[Met]:
    """The secrets that are written in a store; left are those whose version may hold tokens."""
    for secret in written_in(run, store):
        is_left = secret.current not in without_tokens(run, secret.name)
        yield Met(
            secret.name, is_left and not (has_written and is_written(run, store, secret.name)), tokens_in(run, secret)
        )


def is_written(run: ERun, store: Target, name: str) -> bool:
    return secret_in(run, store, name).current in without_tokens(run, name)


SECRETS = Sweeps(met_by_the_sweep, lambda run, store, met: is_written(run, store, met.name))


def see_sweep(run: ERun, target: Target) -> Swept:
    now = SECRETS.look(run, target)
    return Swept(now.all.number, now.left.number, now.all.weight, now.left.weight, now.batch, now.rate)


def is_swept(run: ERun, target: Target, seen: Swept) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    if not seen.secrets:
        return yes("no secret with tokens is written here")
    if seen.left:
        first = first_of(seen.batch)
        return no(f"{seen.left} of {seen.secrets} secrets give out {seen.tokens_left:,} old tokens, {first} first")
    return yes(f"none of {seen.secrets} secrets gives out an old token")


def sweep_batch(run: ERun, target: Target, seen: Swept) -> None:
    text = json.dumps({"revoked": {"run": run.id}}, sort_keys=True)

    def put(secret: Met) -> None:
        secretsmanager.put(client(run, target), target.region, secret.name, text, version_of(run, secret.name))

    SECRETS.write(run, target, seen.batch, put)


def words_of_the_sweep(run: ERun, states: Mapping[Target, Swept]) -> str:
    tokens = sum(seen.tokens_left for seen in states.values())
    secrets = sum(seen.left for seen in states.values())
    places = where(target for target, seen in states.items() if seen.left)
    return f"INVALIDATE {tokens:,} TOKENS IN {secrets} SECRETS {run.facts.tokens.prefix}* WRITTEN IN {places}"


def show_sweep(run: ERun, states: Mapping[Target, Swept]) -> Iterator[Exhibit]:
    looks = [(at, target, seen) for at, target, seen in run.looks(titles.SWEEP) if isinstance(seen, Swept)]
    looks = [each for each in looks if each[2].secrets]
    stores = dict.fromkeys(target for _, target, _ in looks)
    if len(looks) < 2:
        return
    points, now = list[tuple[datetime, float, float]](), dict[Target, Swept]()
    for at, target, seen in looks:
        now[target] = seen
        if len(now) == len(stores):  # of all stores together, once each was looked at
            left = sum(each.tokens_left for each in now.values())
            points.append((at, float(sum(each.tokens for each in now.values()) - left), float(left)))
    times, done, old = zip(*points, strict=True)
    gone = f"{done[-1]:,.0f} of {old[-1] + done[-1]:,.0f} are invalidated"
    series = (Series("invalidated", times, done), Series("old, still stored", times, old))
    yield Chart("tokens-by-state", f"Stored tokens: {gone}", "tokens", series, marks=run.marks(), stacked=True)
    rates = tuple(
        Series(
            f"{store.thing.removeprefix('account ')} {store.region}".strip(),
            tuple(at for at, target, _ in looks if target == store),
            tuple(seen.rate for _, target, seen in looks if target == store),
        )
        for store in stores
    )
    limits = (
        Limit(f"quota of the region {QUOTA}/s", QUOTA),
        Limit(f"own limit {run.facts.tokens.writes_per_second:g}/s", run.facts.tokens.writes_per_second),
    )
    highest = max(seen.rate for _, _, seen in looks)
    title = f"The sweep writes {highest:.0f} secrets a second at most, of the {QUOTA} that all writers share"
    yield Chart("sweep-rate", title, "writes a second, mean until then", rates, limits)


SWEEP = Step(
    titles.SWEEP,
    changes="every secret with tokens gets a current version without them; the one before stays until its label goes",
    look=see_sweep,
    expect=is_swept,
    act=sweep_batch,
    targets=stores,
    needs=(titles.ISSUERS, titles.PROMOTE),
    consent=Consent.TYPED,
    phrase=words_of_the_sweep,
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.sweep_minutes, every=1),
    repeat=True,
    remembers=lambda seen: replace(seen, batch=()),
    shows=show_sweep,
    permissions=(
        *iam_actions("secretsmanager:PutSecretValue", on=resources.tokens),
        *iam_actions("sts:AssumeRole", on=resources.tokens_elsewhere),
    ),
)


# ── No label on an old version ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OldLabel(Met):
    """A label by which a version with tokens can still be read; a secret without any is met once, with none.

    Its weight is one for each secret, however many labels it has.
    """

    secret: str = ""
    label: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """How many secrets are written in a region, how many labels lead to an old version, those that are next to go."""

    secrets: int = field(metadata=label("secrets"))
    left: int = field(metadata=label("labels on old versions"))
    batch: tuple[str, ...] = field(compare=False)
    rate: float = field(default=0, compare=False, metadata=label("labels a second"))


def met_by_the_labels(run: ERun, store: Target, has_written: bool) -> Iterator[OldLabel]:
    """The labels that lead to a version that may hold tokens; a secret without any is met too.

    AWSCURRENT can only be moved: where another version has it, the sweep is not over, or somebody has written.
    """
    names = (each.name for each in written_in(run, store))
    for name, secret in each_secret(run, store, names):
        old = [(held, at) for held, at in secret.labels_beside(without_tokens(run, name)) if held != "AWSCURRENT"]
        for place, (held, at) in enumerate(old):
            yield OldLabel(f"{name} {held}", True, int(not place), name, held, at)
        if not old:
            yield OldLabel(name, False, 1, name)


def is_gone(run: ERun, store: Target, old: OldLabel) -> bool:
    return (old.label, old.version) not in secret_in(run, store, old.secret).labels


OLD_LABELS = Sweeps(met_by_the_labels, is_gone)


def see_labels(run: ERun, target: Target) -> Labels:
    if nothing_to_do(run):
        return Labels(0, 0, ())
    now = OLD_LABELS.look(run, target)
    return Labels(now.all.weight, now.left.number, now.batch, now.rate)


def no_old_label(run: ERun, target: Target, seen: Labels) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    if not seen.secrets:
        return yes("no secret with tokens is written here")
    if seen.left:
        return no(f"{seen.left} old versions can be read by their label, {first_of(seen.batch)} first")
    return yes(f"no label leads to an old version of any of {seen.secrets} secrets")


def remove_labels(run: ERun, target: Target, seen: Labels) -> None:
    def remove(old: OldLabel) -> None:
        secretsmanager.remove_label(client(run, target), target.region, old.secret, old.label, old.version)

    OLD_LABELS.write(run, target, seen.batch, remove)


def words_of_labels(run: ERun, states: Mapping[Target, Labels]) -> str:
    places = where(target for target, seen in states.items() if seen.left)
    return f"TAKE {sum(seen.left for seen in states.values())} LABELS FROM OLD VERSIONS IN {places}"


LABELS = Step(
    titles.LABELS,
    changes="versions with old tokens lose AWSPREVIOUS and any other label: nothing reads them by a stage any more",
    look=see_labels,
    expect=no_old_label,
    act=remove_labels,
    supposed=lambda run, target, seen: secretsmanager.remove_label(
        client(run, target), target.region, "<secret>", "<label>", "<id of the old version that has it>"
    ),
    targets=stores,
    needs=(titles.SWEEP,),
    consent=Consent.TYPED,
    phrase=words_of_labels,
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.sweep_minutes, every=1),
    repeat=True,
    remembers=lambda seen: replace(seen, batch=()),
    permissions=(
        *iam_actions("secretsmanager:UpdateSecretVersionStage", on=resources.tokens),
        *iam_actions("sts:AssumeRole", on=resources.tokens_elsewhere),
    ),
)


STEPS = (SWEEP, LABELS)
