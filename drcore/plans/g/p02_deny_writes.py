"""Plan G, phase 2: writes to the table are denied to the roles of the service, in every region.

The surest lever comes first: it holds against every writer of the service, also one that nobody knows, and waits for
none of the steps that halt them.
"""

from __future__ import annotations

from datetime import datetime

from drcore.engine.outcome import AS_EXPECTED, Between, Check, StepResult, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.plans.g import resources, titles
from drcore.plans.g.facts import GRun
from drcore.plans.g.halted import resumed
from drcore.plans.g.tables import DENY_SID, denies, role_arn, table, table_arn
from drcore.services.dynamodb import policies
from drcore.services.dynamodb.policies import TablePolicy


def the_table(run: GRun) -> list[Target]:
    return [Target(region, table(run)) for region in run.service.regions]


def denial(run: GRun, target: Target) -> str:
    """Who may not write: the roles of the service. The role that recovers the table is not among them."""
    roles = [role_arn(run, role) for role in run.facts.roles.writers]
    return policies.statement(denies(roles, table_arn(run, target.region, target.thing)))


def see_policy(run: GRun, target: Target) -> TablePolicy:
    return policies.policy(run.aws, target.region, table_arn(run, target.region, target.thing))


def is_denied(run: GRun, target: Target, seen: TablePolicy) -> Check:
    if denial(run, target) in seen.statements:
        return yes(f"{', '.join(run.facts.roles.writers)} may not write")
    others = f"; the policy has {len(seen.statements)} statements, which stay" if seen.statements else ""
    return resumed(run, titles.ALLOW, target) or no(f"the roles of the service may write{others}")


def deny(run: GRun, target: Target, seen: TablePolicy) -> None:
    arn = table_arn(run, target.region, target.thing)
    policies.put(run.aws, target.region, arn, [*seen.without(DENY_SID), denial(run, target)], seen)


def policy_as_before(run: GRun, target: Target, before: TablePolicy) -> None:
    now, arn = see_policy(run, target), table_arn(run, target.region, target.thing)
    policies.put(run.aws, target.region, arn, now.with_that_of(before, DENY_SID), now)


def when_denied(result: StepResult) -> datetime | Between | None:
    """It may hold from the moment at which it is seen, and does once it was seen for long enough."""
    if result.outcome not in AS_EXPECTED:
        return None
    return Between(result.since, result.ended) if result.since else result.ended


DENY = Step(
    titles.DENY,
    changes="the table's own policy, in each region, denies writes to the roles of the service",
    look=see_policy,
    expect=is_denied,
    act=deny,
    undo=policy_as_before,
    targets=the_table,
    needs=(titles.HALT,),
    goes_on=True,
    reversibility=Reversibility.REVERSIBLE,
    # It is seen before it holds for every request: AWS names no time.
    patience=Patience(
        within=lambda run: 60 + run.facts.policy_takes_s, every=5, hold=lambda run: run.facts.policy_takes_s
    ),
    settles=Settles("denied", at=when_denied),
    permissions=iam_actions("dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy", on=resources.table),
)

STEPS = (DENY,)
