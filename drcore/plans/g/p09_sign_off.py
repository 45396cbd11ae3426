"""Plan G, phase 9: somebody signs that the data is good, then writes are allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.clock import until
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, not_this_way, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import blast_radius
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.g import invariants, resources, titles
from drcore.plans.g.decisions import remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.halted import to_bring_back
from drcore.plans.g.invariants import Sample
from drcore.plans.g.p02_deny_writes import DENY, deny, see_policy, the_table
from drcore.plans.g.tables import DENY_SID, in_use, restored_table, table, table_arn
from drcore.plans.g.user_impact import impact
from drcore.plans.shared.decision import decision, taken
from drcore.record.evidence import Exhibit, Table
from drcore.services.dynamodb import policies
from drcore.services.dynamodb.policies import TablePolicy

# ── Sign off ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SignOff:
    """The table that users will be served from, sampled in each region; what was signed (empty: nothing yet)."""

    table: str = field(metadata=label("table"))
    samples: tuple[tuple[str, Sample], ...] = field(compare=False)
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


_REPLICATED = 60  # seconds until what was repaired in one region is in the others: seconds, as a rule


def _table_to_serve(run: GRun) -> str:
    """The table that users are to be served from: in a rehearsal of a switch one that is not there."""
    return restored_table(run) if remedy(run) is Remedy.SWITCH else table(run)


def _samples(run: GRun, name: str) -> tuple[tuple[str, Sample], ...]:
    """A sample in each region, once no region shows more defects than the one that was repaired."""

    def take() -> dict[str, Sample]:
        return {region: invariants.take(run, region, name) for region in run.service.regions}

    def same(samples: Mapping[str, Sample]) -> bool:
        return all(each.defects == samples[run.service.runner_region].defects for each in samples.values())

    samples, _ = until(run.clock, take, same, within=0 if run.rehearsing else _REPLICATED, every=5)
    return tuple(samples.items())


def see_validated(run: GRun, target: Target) -> SignOff:
    name = _table_to_serve(run)
    return SignOff(name, _samples(run, name), *taken(run, titles.SIGN_OFF))


def is_to_be_signed(run: GRun, target: Target, seen: SignOff) -> Check:
    samples = "; ".join(f"{region}: {sample}" for region, sample in seen.samples)
    bad = sorted({each.user for _, sample in seen.samples for each in sample.defects} - set(conflicts(run)))
    if bad and not run.rehearsing:
        return never(f"{seen.table} still has corrupted items, such as {', '.join(bad[:5])} ({samples})")
    empty = [region for region, sample in seen.samples if not sample.size]
    if empty and not run.rehearsing:
        return unknown(f"no user's item was found in {', '.join(empty)}, nothing can be signed ({samples})")
    return no(f"to be signed: {seen.table}, {samples}")


def conflicts(run: GRun) -> tuple[str, ...]:
    """The users whose items were left for a person: corrupted, and changed by the user since."""
    return impact(run).conflicts if remedy(run) and not run.rehearsing else ()


def show_validated(run: GRun, states: Mapping[Target, SignOff]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple((region, each.size, len(each.defects), each.high_percent) for region, each in seen.samples)
        columns = ("region", "users looked at", "with a defect", "at most, % of all (95 % confidence)")
        yield Table("sample-before-reopening", f"Sample of {seen.table} in each region", columns, rows)


SIGN_OFF = decision(
    titles.SIGN_OFF,
    changes="records who signed that the data is good again, by a sample in each region, before anything writes",
    look=see_validated,
    expect=is_to_be_signed,
    choice=lambda run, seen: f"{seen.table} is good: the service may use it again",
    phrase=lambda run, states: (
        f"{_table_to_serve(run)} IS GOOD: BRING THE SERVICE BACK IN {', '.join(run.service.regions)}"
    ),
    needs=(titles.SWITCH, titles.REPAIR),
    shows=show_validated,
)


# ── Allow writes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def is_allowed(run: GRun, target: Target, seen: TablePolicy) -> Check:
    if remedy(run) is Remedy.SWITCH:
        return not_this_way(f"the service writes to {in_use(run)}, and {target.thing} stays read-only")
    denied = len(seen.without(DENY_SID)) < len(seen.statements)
    if run.rehearsing and to_bring_back(run, DENY, target, seen) is not None:
        return no("to be allowed after writes were denied")
    return no("denied by this run") if denied else yes("the roles of the service may write")


def allow(run: GRun, target: Target, seen: TablePolicy) -> None:
    arn = table_arn(run, target.region, target.thing)
    policies.put(run.aws, target.region, arn, seen.without(DENY_SID), seen)


def deny_again(run: GRun, target: Target, before: TablePolicy) -> None:
    deny(run, target, see_policy(run, target))


ALLOW = Step(
    titles.ALLOW,
    changes="the denial is taken out of the table's policy, in each region; other statements stay",
    look=see_policy,
    expect=is_allowed,
    act=allow,
    undo=deny_again,
    targets=the_table,
    needs=(titles.SIGN_OFF,),
    consent=Consent.GO,
    phrase=lambda run, states: f"ALLOW WRITES TO {blast_radius(states)}",
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=60, every=5),
    permissions=iam_actions("dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy", on=resources.both_tables),
)

STEPS = (SIGN_OFF, ALLOW)
