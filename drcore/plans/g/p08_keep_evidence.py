"""Plan G, phase 8, before a switch: the corrupt table is kept as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.clock import iso, parse_time
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.g import resources, titles
from drcore.plans.g.decisions import not_the_remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.p02_deny_writes import denial
from drcore.plans.g.p08_prepare_table import shortened
from drcore.plans.g.tables import DENY_SID, KEEP_SID, KEPT_UNTIL, REPLICATION, lets_only, role_arn, table, table_arn
from drcore.record.events import Kind
from drcore.services.dynamodb import policies, settings
from drcore.services.dynamodb.policies import TablePolicy


@dataclass(frozen=True, slots=True)
class EvidenceGuard:
    """One thing that keeps the corrupt table as evidence: as it is, whether that is enough."""

    now: str
    enough: bool

    def describe(self) -> str | Mapping[str, object]:
        return {"is": shortened(self.now), "enough": self.enough} if self.now or not self.enough else "not looked at"


def keeping(run: GRun) -> list[Target]:
    things = ("protection", "policy", KEPT_UNTIL)
    return [Target(each, f"{thing} of {table(run)}") for each in run.service.regions for thing in things]


def see_kept(run: GRun, target: Target) -> EvidenceGuard:
    if not_the_remedy(run, Remedy.SWITCH):
        return EvidenceGuard("", True)
    arn, thing = table_arn(run, target.region), target.thing.partition(" of ")[0]
    if thing == "protection":
        on = settings.settings(run.aws, target.region, table(run)).protected
        return EvidenceGuard("on" if on else "off", on)
    if thing == "policy":
        statements = policies.policy(run.aws, target.region, arn).statements
        return EvidenceGuard("\n".join(statements), keeps(run, target.region) in statements)
    until = dict(settings.tags(run.aws, target.region, arn)).get(KEPT_UNTIL, "")
    return EvidenceGuard(until, _long_enough(run, until))


def keeps(run: GRun, where: str) -> str:
    """Nobody writes to the corrupt table but who recovers it; replication itself goes on (aws-facts G.2)."""
    allowed = [role_arn(run, run.facts.roles.recovery), role_arn(run, REPLICATION)]
    return policies.statement(lets_only(allowed, table_arn(run, where)))


def _kept_until(run: GRun) -> datetime:
    """So long after the decision; the same however often it is asked."""
    made = run.history.last(Kind.DECISION, step=titles.DECIDE)
    since = parse_time(made["time"]) if made else run.clock.now()
    return since + timedelta(days=run.facts.keep_days)


def _long_enough(run: GRun, until: str) -> bool:
    try:
        return parse_time(until) >= _kept_until(run).replace(microsecond=0)
    except ValueError:
        return False


def is_kept(run: GRun, target: Target, seen: EvidenceGuard) -> Check:
    other = not_the_remedy(run, Remedy.SWITCH)
    if other:
        return other
    return yes(shortened(seen.now)) if seen.enough else no(f"{shortened(seen.now)} is not enough")


def keep(run: GRun, target: Target, seen: EvidenceGuard) -> None:
    arn, thing = table_arn(run, target.region), target.thing.partition(" of ")[0]
    if thing == "protection":
        settings.protect(run.aws, target.region, table(run))
    elif thing == "policy":
        now = policies.policy(run.aws, target.region, arn)
        # The denial of the halt stays beside it; it stands already, but in a rehearsal, which has denied nothing.
        denied = denial(run, Target(target.region, table(run)))
        statements = [*now.without(DENY_SID, KEEP_SID), denied, keeps(run, target.region)]
        policies.put(run.aws, target.region, arn, statements, now)
    else:
        until = _kept_until(run).replace(microsecond=0)
        settings.tag(run.aws, target.region, arn, {KEPT_UNTIL: iso(until)})


def keep_no_longer(run: GRun, target: Target, before: EvidenceGuard) -> None:
    arn, thing = table_arn(run, target.region), target.thing.partition(" of ")[0]
    if thing == "protection":
        settings.protect(run.aws, target.region, table(run), on=before.now == "on")
    elif thing == "policy":
        now = policies.policy(run.aws, target.region, arn)
        was = TablePolicy(tuple(before.now.splitlines()))
        policies.put(run.aws, target.region, arn, now.with_that_of(was, DENY_SID, KEEP_SID), now)
    elif before.now:
        settings.tag(run.aws, target.region, arn, {KEPT_UNTIL: before.now})
    else:
        settings.untag(run.aws, target.region, arn, [KEPT_UNTIL])


KEEP = Step(
    titles.KEEP,
    changes="the corrupt table is kept as evidence: protected, read-only but for its recovery, tagged with a date",
    look=see_kept,
    expect=is_kept,
    act=keep,
    undo=keep_no_longer,
    targets=keeping,
    needs=(titles.DECIDE,),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=60, every=5),
    permissions=iam_actions(
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:PutResourcePolicy",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateTable",
        on=resources.table,
    ),
)

STEPS = (KEEP,)
