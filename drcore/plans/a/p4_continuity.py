"""Plan A, phase 4: what the regions that go on hold, what they can carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from drcore.calls.aws import Aws
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepResult, Target, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.errors import Rejected, Unknown
from drcore.plans.a import region_health, replication, resources, titles
from drcore.plans.a.facts import ARun
from drcore.plans.a.regions import failed, fault_time, matters_since, serving
from drcore.plans.a.replication import Canary, RecentItems
from drcore.record.evidence import Exhibit, Table
from drcore.services import lambda_, secretsmanager
from drcore.services.dynamodb import tables

_P = ParamSpec("_P")
_T = TypeVar("_T")


# ── Write and read back ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Written:
    """The run whose canary stands in the table; empty: none."""

    run_id: str = field(metadata=label("canary of run"))


def _canary_key(run: ARun) -> dict[str, str]:
    return {"pk": f"{run.facts.canary.key_prefix}drcore", "sk": "0"}


def see_written(run: ARun, target: Target) -> Written:
    item = tables.item(run.aws, target.region, run.facts.table, _canary_key(run), consistent=True)
    return Written(str(item.get("run", "")) if item else "")


def is_written(run: ARun, target: Target, seen: Written) -> Check:
    if seen.run_id == run.id:
        return yes("written by this run, and read back")
    return no(f"the table holds {f'the canary of run {seen.run_id}' if seen.run_id else 'no canary'}")


def write_canary(run: ARun, target: Target, seen: Written) -> None:
    written = _canary_key(run) | {"run": run.id, "ts": run.now_text()}
    tables.put(run.aws, target.region, run.facts.table, written)


def unwrite_canary(run: ARun, target: Target, before: Written) -> None:
    tables.put(run.aws, target.region, run.facts.table, _canary_key(run) | {"run": before.run_id})


WRITE = Step(
    titles.WRITE,
    changes="writes one canary item of this run where users are served now",
    look=see_written,
    expect=is_written,
    act=write_canary,
    undo=unwrite_canary,
    targets=lambda run: serving(run)[:1],
    needs=(titles.CONFIRM,),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=20, every=2),
    permissions=iam_actions("dynamodb:PutItem", on=resources.table),
)


# ── Replication ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Replicated:
    """What the region that serves holds of the failed one's writes.

    `bound_s`: all that was written more than so many seconds before the fault is there; None: not known. `longest_s`
    is the longest lag of the hour before the fault, as what is held comes with all of its delay. `items` are those that
    were updated since shortly before the fault, as they stand here before the other region comes back: of a large table
    a sample, as users wait.
    """

    canary: Canary = field(metadata=label("newest canary"))
    bound_s: float | None = field(metadata=label("bound of missing writes", unit="s"))
    replicas: tables.Replicas | None = field(metadata=label("global table"))
    longest_s: float | None = field(metadata=label("longest replication lag", unit="s"))
    items: RecentItems = field(compare=False)


def see_replicated(run: ARun, target: Target) -> Replicated:
    here = target.region
    canary, fault = replication.canary(run, failed(run), here), fault_time(run)
    bound = None
    if canary.at and fault:
        bound = max(0.0, round((fault - canary.at).total_seconds(), 3))
    return Replicated(
        canary,
        bound,
        _replicas(run, here),
        replication.lag(run, here, failed(run), end=fault).highest,
        replication.sampled_versions(run, here, matters_since(run)),
    )


def _replicas(run: ARun, region: str) -> tables.Replicas | None:
    """The replicas, None where the control plane that knows them does not answer: the data says more."""
    try:
        return tables.replicas(run.aws, region, run.facts.table)
    except Unknown:
        return None


def is_bounded(run: ARun, target: Target, seen: Replicated) -> Check:
    if run.lost_s is not None:
        return yes(f"at most {run.lost_s:g} s of writes, measured before this run was resumed")
    if seen.bound_s is None or seen.canary.at is None:
        return unknown(f"no canary of {failed(run)}, or the time of the fault is unknown: the loss cannot be bounded")
    if not seen.bound_s:
        return yes(f"no writes are missing here: the newest canary of {failed(run)} was written at or after the fault")
    return yes(
        f"at most {seen.bound_s:g} s of writes are missing here: the newest canary of {failed(run)} was written at "
        f"{seen.canary.at:%H:%M:%S.%f}"[:-4]
        + " UTC. They arrive when the region is back; queues are not replicated"
    )


def lost_seconds(run: ARun, result: StepResult) -> float | None:
    if run.rehearsing:
        return None
    return max((state.bound_s for state in result.states.values() if state.bound_s is not None), default=None)


def show_replication(run: ARun, states: Mapping[Target, Replicated]) -> Iterator[Exhibit]:
    yield replication.lag_chart(run, "replication-lag")
    rows = tuple(
        (target.region, replica, status, seen.replicas.version if seen.replicas else None)
        for target, seen in states.items()
        for replica, status in (seen.replicas.status if seen.replicas else (("", None),))
    )
    title = f"Replicas of {run.facts.table}; the status says nothing about lag"
    yield Table("replicas", title, ("read in", "replica", "status", "global table version"), rows)


REPLICATION = Step(
    titles.REPLICATION,
    changes="nothing: reads the failed region's newest canary, which bounds the writes that are missing here",
    look=see_replicated,
    expect=is_bounded,
    targets=lambda run: serving(run)[:1],
    needs=(titles.CONFIRM,),
    patience=Patience(within=0),
    shows=show_replication,
    settles=Settles(lost=lost_seconds),
)


# ── Secrets and capacity ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Capacity:
    """Whether the region that serves can carry all: secrets that can be read, requests at once, throttles, warmth.

    `needed` is twice the most that ran at once in the hour before the fault, `limit` what may; None: not known.
    `silent` says what gave no answer.
    """

    readable: tuple[str, ...] = field(metadata=label("readable secrets"))
    needed: float | None = field(metadata=label("twice the load", unit="requests at once"))
    throttled: int = field(metadata=label("throttled requests"))
    limit: int | None = field(metadata=label("limit", unit="requests at once"))
    cold: tuple[str, ...] = field(metadata=label("functions that are not warm"))
    primaries: tuple[str, ...] = field(metadata=label("read-only secrets"))
    silent: tuple[str, ...] = field(compare=False)


def see_capacity(run: ARun, target: Target) -> Capacity:
    here, facts, silent = target.region, run.facts, []

    def ask(look: Callable[Concatenate[Aws, str, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        try:
            return look(run.aws, here, *args, **kwargs)
        except (Unknown, Rejected) as error:
            silent.append(str(error))
            return None

    readable = [name for name in facts.secrets if ask(secretsmanager.is_readable, name)]
    needed, throttled = region_health.read_concurrency(run, here, fault_time(run) or run.clock.now())
    limit = ask(lambda_.concurrency_limit)
    warm = {name: ask(lambda_.provisioned, name, facts.alias) for name in facts.functions}
    secrets = {name: ask(secretsmanager.secret, name) for name in facts.secrets}
    return Capacity(
        tuple(readable),
        needed,
        throttled,
        limit,
        tuple(name for name, each in warm.items() if each and each.status not in ("", "READY")),
        tuple(f"{name} is writable in {it.primary} only" for name, it in secrets.items() if it and it.primary),
        tuple(silent),
    )


def can_carry(run: ARun, target: Target, seen: Capacity) -> Check:
    missing = [f"secret {name} cannot be read" for name in run.facts.secrets if name not in seen.readable]
    missing += [f"{seen.throttled} requests were throttled in the last minutes"] if seen.throttled else []
    missing += [f"the provisioned concurrency of {name} is not ready" for name in seen.cold]
    if seen.needed is None or seen.limit is None:
        missing.append(f"unknown whether twice the load fits: {'; '.join(seen.silent) or 'nothing was measured'}")
    elif seen.needed > seen.limit:
        missing.append(f"{seen.needed:.0f} requests at once must fit, the limit is {seen.limit}: ask AWS to raise it")
    if missing:
        return no("; ".join(missing))
    secrets = f"{len(seen.readable)} of {len(run.facts.secrets)} secrets can be read"
    load = f"twice the load is {seen.needed:.0f} requests at once, the limit is {seen.limit}"
    return yes("; ".join([secrets, load, *seen.primaries]))


CAPACITY = Step(
    titles.CAPACITY,
    changes="nothing: reads the secrets, compares the limits with twice the load",
    look=see_capacity,
    expect=can_carry,
    targets=serving,
    needs=(titles.CONFIRM,),
    gate=False,
    patience=Patience(within=60, every=20),
)


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (WRITE, REPLICATION, CAPACITY)
