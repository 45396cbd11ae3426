"""Plan E, phase 4: the sweep of Secrets Manager, secret by secret, where each is written; then a look at every copy.

No value is read, none is deleted: each secret gets a new current version without tokens. Its id is made of the run and
the secret's name, so that a write that is repeated changes nothing, and a sweep that was killed goes on where it was.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import region_names
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.plans.e import resources, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do
from drcore.record.evidence import Chart, Exhibit, Limit, Series, Table
from drcore.services import secretsmanager
from drcore.services.pace import Pace
from drcore.services.secretsmanager import ListedSecret

QUOTA = 50  # writes a second that all of a region's secrets share, whoever writes


@dataclass
class _Sweep:
    """What one process remembers of a region's sweep, so that no look lists all secrets again."""

    left: list[ListedSecret]
    secrets: int
    tokens: int
    pace: Pace
    began: datetime
    written: int = 0


_sweeps: WeakKeyDictionary[ERun, dict[str, _Sweep]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Swept:
    """How far a region's sweep is: its secrets, those that still give out old tokens, the next one of these."""

    secrets: int
    left: int = field(metadata=label("secrets with old tokens"))
    tokens: int = field(compare=False, metadata=label("tokens in all of them"))
    tokens_left: int = field(metadata=label("old tokens left"))
    next: str = field(compare=False)
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
    while sweep.left:
        first = sweep.left[0].name
        if secretsmanager.versions(run.aws, target.region, first).current != version_of(run, first):
            break
        sweep.left.pop(0)
        sweep.written += 1
    if not sweep.left and sweep.written:  # somebody may have made a secret meanwhile
        again = known[target.region] = _listed(run, target.region)
        again.began, again.written = sweep.began, sweep.written
        sweep = again
    seconds = (run.clock.now() - sweep.began) / timedelta(seconds=1)
    return Swept(
        sweep.secrets,
        len(sweep.left),
        sweep.tokens,
        sum(_count(run, each) for each in sweep.left),
        sweep.left[0].name if sweep.left else "",
        round(sweep.written / seconds, 2) if seconds > 0 else 0,
    )


def _listed(run: ERun, region: str) -> _Sweep:
    """The secrets that are written in a region; left are those whose version is not this run's."""
    own = [
        each for each in secretsmanager.listed(run.aws, region, run.facts.tokens.prefix) if each.primary in ("", region)
    ]
    left = [each for each in own if each.current != version_of(run, each.name)]
    pace = Pace(run.clock, 1 / run.facts.tokens.writes_per_second)
    return _Sweep(left, len(own), sum(_count(run, each) for each in own), pace, run.clock.now())


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
        return no(f"{seen.left} of {seen.secrets} secrets give out {seen.tokens_left:,} old tokens")
    return yes(f"none of {seen.secrets} secrets gives out an old token")


def sweep_one(run: ERun, target: Target, seen: Swept) -> None:
    known = _sweeps.get(run, {}).get(target.region)
    if known:
        known.pace.wait()
    text = json.dumps({"revoked": {"run": run.id}}, sort_keys=True)
    secretsmanager.put(run.aws, target.region, seen.next, text, version_of(run, seen.next))


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
    changes="every secret with tokens gets a current version without them; the one before stays, and is revoked by now",
    look=see_sweep,
    expect=is_swept,
    act=sweep_one,
    targets=regions,
    needs=(titles.ISSUERS,),
    consent=Consent.SECOND,
    phrase=words_of_the_sweep,
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.sweep_minutes, every=1),
    repeat=True,
    shows=show_sweep,
    permissions=iam_actions("secretsmanager:PutSecretValue", on=resources.tokens),
)


# ── No copy holds a token ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Copies:
    """The secrets of a region, written here or copied here; those whose current version is not this run's."""

    secrets: int
    old: tuple[str, ...] = field(metadata=label("secrets with an old version"))
    other_accounts: tuple[tuple[str, str], ...] = field(
        default=(), compare=False, metadata=label("replicas in other accounts")
    )


def see_copies(run: ERun, target: Target) -> Copies:
    held = secretsmanager.listed(run.aws, target.region, run.facts.tokens.prefix)
    old = tuple(each.name for each in held if each.current != version_of(run, each.name))
    if old or nothing_to_do(run):
        return Copies(len(held), old)
    own = [each.name for each in held if each.primary in ("", target.region)]  # only a primary tells of other accounts
    elsewhere = [secretsmanager.secret(run.aws, target.region, name).other_accounts for name in own]
    return Copies(len(held), old, tuple(each for found in elsewhere for each in found))


def no_old_copy(run: ERun, target: Target, seen: Copies) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    if seen.old:
        return no(f"{len(seen.old)} of {seen.secrets} secrets have an old version here, {seen.old[0]} first")
    if not seen.secrets:
        return unknown(f"no secret begins with {run.facts.tokens.prefix}: that is not the same as no old token")
    late = [f"{arn} is {status}" for arn, status in seen.other_accounts if status != "InSync"]
    if late:
        return no(f"a replica in another account has not followed: {', '.join(late)}")
    told = f"all {seen.secrets} secrets have the version without tokens"
    if seen.other_accounts:
        accounts = sorted({arn.split(":")[4] for arn, _ in seen.other_accounts})
        told += f"; replicas in account {', '.join(accounts)} are in sync: whoever owns it looks at their versions"
    return yes(told)


def show_copies(run: ERun, states: Mapping[Target, Copies]) -> Iterator[Exhibit]:
    rows = tuple((target.region, seen.secrets, len(seen.old)) for target, seen in states.items())
    yield Table("copies", "Secrets with tokens, by region, told by their version", ("region", "secrets", "old"), rows)
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
    needs=(titles.SWEEP,),
    patience=Patience(within=300, every=10),
    shows=show_copies,
)


STEPS = (SWEEP, COPIES)
