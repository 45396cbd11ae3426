"""Plan E, phase 4: the sweep of Secrets Manager, where each secret is written; then the labels of what was before.

No value is read, none is deleted: each secret gets a new current version without tokens. Its id is made of the run and
the secret's name, so that a write that is repeated changes nothing, and a sweep that was killed goes on where it was.
The version before would stay readable as AWSPREVIOUS: it loses that label, and any other.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import region_names
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.plans.e import resources, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do
from drcore.plans.e.sweeping import QUOTA, SweepQueue, first_of, looked_up, queue_of
from drcore.record.evidence import Chart, Exhibit, Limit, Series
from drcore.services import secretsmanager
from drcore.services.secretsmanager import ListedSecret, Secret

# ── Sweep the secrets ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Sweep:
    """What one process remembers of a region's sweep, so that no look lists all secrets again."""

    secrets: int
    tokens: int
    backlog: SweepQueue[ListedSecret]


_sweeps: WeakKeyDictionary[ERun, dict[str, _Sweep]] = WeakKeyDictionary()


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


def version_of(run: ERun, name: str) -> str:
    """The id of the version without tokens that this run gives a secret."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"drcore/{run.id}/{name}"))


def see_sweep(run: ERun, target: Target) -> Swept:
    known = _sweeps.setdefault(run, {})
    if target.region not in known:
        known[target.region] = _listed(run, target.region)
    sweep = known[target.region]
    sweep.backlog.settle(lambda each: _is_written(run, target.region, each))
    if not sweep.backlog.left and sweep.backlog.done:  # somebody may have made a secret meanwhile
        again = _listed(run, target.region)
        sweep.secrets, sweep.tokens = again.secrets, again.tokens
        sweep.backlog.left |= {
            name: each for name, each in again.backlog.left.items() if not _is_written(run, target.region, each)
        }  # a list may be minutes late
    left = sweep.backlog.left
    return Swept(
        sweep.secrets,
        len(left),
        sweep.tokens,
        sum(_count(run, each) for each in left.values()),
        sweep.backlog.batch(),
        sweep.backlog.rate,
    )


def _listed(run: ERun, region: str) -> _Sweep:
    """The secrets that are written in a region; left are those whose version is not this run's."""
    own = written_in(run, region)
    left = {each.name: each for each in own if each.current != version_of(run, each.name)}
    return _Sweep(len(own), sum(_count(run, each) for each in own), queue_of(run, left))


def written_in(run: ERun, region: str) -> list[ListedSecret]:
    """The secrets with tokens that are written in a region, not copied to it. Raises Rejected, Unknown."""
    held = secretsmanager.listed(run.aws, region, run.facts.tokens.prefix)
    return [each for each in held if each.primary in ("", region)]


def _is_written(run: ERun, region: str, secret: ListedSecret) -> bool:
    return secretsmanager.secret(run.aws, region, secret.name).current == version_of(run, secret.name)


def _count(run: ERun, secret: ListedSecret) -> int:
    text = secret.tag(run.facts.tokens.count_tag)
    return int(text) if text.isdecimal() else 1


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

    def put(secret: ListedSecret) -> None:
        secretsmanager.put(run.aws, target.region, secret.name, text, version_of(run, secret.name))

    _sweeps[run][target.region].backlog.write(seen.batch, put)


def words_of_the_sweep(run: ERun, states: Mapping[Target, Swept]) -> str:
    tokens = sum(seen.tokens_left for seen in states.values())
    secrets = sum(seen.left for seen in states.values())
    where = region_names(target for target, seen in states.items() if seen.left)
    return f"INVALIDATE {tokens:,} TOKENS IN {secrets} SECRETS {run.facts.tokens.prefix}* WRITTEN IN {where}"


def show_sweep(run: ERun, states: Mapping[Target, Swept]) -> Iterator[Exhibit]:
    looks = [(at, target, seen) for at, target, seen in run.looks(titles.SWEEP) if isinstance(seen, Swept)]
    looks = [each for each in looks if each[2].secrets]
    if len(looks) < 2:
        return
    times = tuple(at for at, _, _ in looks)
    old = tuple(float(seen.tokens_left) for _, _, seen in looks)
    done = tuple(float(seen.tokens - seen.tokens_left) for _, _, seen in looks)
    gone = f"{done[-1]:,.0f} of {old[-1] + done[-1]:,.0f} are invalidated"
    series = (Series("invalidated", times, done), Series("old, still stored", times, old))
    yield Chart("tokens-by-state", f"Stored tokens: {gone}", "tokens", series, marks=run.marks(), stacked=True)
    rates = Series("secrets written", times, tuple(seen.rate for _, _, seen in looks))
    limits = (
        Limit(f"quota of the region {QUOTA}/s", QUOTA),
        Limit(f"own limit {run.facts.tokens.writes_per_second:g}/s", run.facts.tokens.writes_per_second),
    )
    yield Chart(
        "sweep-rate",
        f"The sweep stays below the shared quota of {QUOTA} writes a second",
        "writes a second",
        (rates,),
        limits,
    )


SWEEP = Step(
    titles.SWEEP,
    changes="every secret with tokens gets a current version without them; the one before stays until its label goes",
    look=see_sweep,
    expect=is_swept,
    act=sweep_batch,
    targets=regions,
    needs=(titles.ISSUERS, titles.PROMOTE),
    consent=Consent.SECOND,
    phrase=words_of_the_sweep,
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.sweep_minutes, every=1),
    repeat=True,
    shows=show_sweep,
    permissions=iam_actions("secretsmanager:PutSecretValue", on=resources.tokens),
)


# ── No label on an old version ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OldLabel:
    """A label by which a version with tokens can still be read."""

    secret: str
    label: str
    version: str

    def __str__(self) -> str:
        return f"{self.secret} {self.label}"


@dataclass(frozen=True, slots=True)
class Labels:
    """How many secrets are written in a region, how many labels lead to an old version, those that are next to go."""

    secrets: int
    left: int = field(metadata=label("labels on old versions"))
    batch: tuple[str, ...] = field(compare=False)
    rate: float = field(default=0, compare=False, metadata=label("labels a second"))


_labels: WeakKeyDictionary[ERun, dict[str, tuple[int, SweepQueue[OldLabel]]]] = WeakKeyDictionary()


def see_labels(run: ERun, target: Target) -> Labels:
    if nothing_to_do(run):
        return Labels(0, 0, ())
    known, region = _labels.setdefault(run, {}), target.region
    if region not in known:
        known[region] = _labelled(run, region)
    secrets, backlog = known[region]
    backlog.settle(lambda old: _is_gone(run, region, old))
    if not backlog.left and backlog.done:
        secrets, again = _labelled(run, region)
        backlog.left |= again.left
        known[region] = secrets, backlog
    return Labels(secrets, len(backlog.left), backlog.batch(), backlog.rate)


def _labelled(run: ERun, region: str) -> tuple[int, SweepQueue[OldLabel]]:
    """The labels that lead to another version than this run's; of a secret that it has not written, none."""
    names = [each.name for each in written_in(run, region)]
    left = {
        str(old): old
        for name, found in looked_up(run.clock, names, lambda name: secretsmanager.secret(run.aws, region, name))
        for old in _old_labels(run, name, found)
    }
    return len(names), queue_of(run, left)


def _old_labels(run: ERun, name: str, found: Secret) -> Iterator[OldLabel]:
    """AWSCURRENT can only be moved: where another version has it, the sweep is not over, or somebody has written."""
    for held, version in found.labels_beside(version_of(run, name)):
        if held != "AWSCURRENT":
            yield OldLabel(name, held, version)


def _is_gone(run: ERun, region: str, old: OldLabel) -> bool:
    return (old.label, old.version) not in secretsmanager.secret(run.aws, region, old.secret).labels


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
        secretsmanager.remove_label(run.aws, target.region, old.secret, old.label, old.version)

    _labels[run][target.region][1].write(seen.batch, remove)


def words_of_labels(run: ERun, states: Mapping[Target, Labels]) -> str:
    where = region_names(target for target, seen in states.items() if seen.left)
    return f"TAKE {sum(seen.left for seen in states.values())} LABELS FROM OLD VERSIONS IN {where}"


LABELS = Step(
    titles.LABELS,
    changes="versions with old tokens lose AWSPREVIOUS and any other label: nothing reads them by a stage any more",
    look=see_labels,
    expect=no_old_label,
    act=remove_labels,
    supposed=lambda run, target, seen: secretsmanager.remove_label(
        run.aws, target.region, "<secret>", "<label>", "<id of the old version that has it>"
    ),
    targets=regions,
    needs=(titles.SWEEP,),
    consent=Consent.TYPED,
    phrase=words_of_labels,
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.sweep_minutes, every=1),
    repeat=True,
    permissions=iam_actions("secretsmanager:UpdateSecretVersionStage", on=resources.tokens),
)


STEPS = (SWEEP, LABELS)
