"""Plan A: a whole AWS region is away.

The steps stand in the order in which they are done; PLAN at the end lists them. What each step looks at, expects,
does is right above it. "A.auto" and "A.manual" are the two lists of the plan's text.

Once the failed region is known no call goes there, and none to a control plane that stands in us-east-1 only, but
where a step's waiver says why (`drcore.calls.gate`). Every state that passes is remembered by a moment of the run, so
that a run that was killed can look at it again when it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from drcore.engine.step import Check, Plan, no, unknown, yes
from drcore.errors import Rejected, Unknown
from drcore.plans.a import dns_and_levers, replication
from drcore.plans.a.facts import Facts, Incident
from drcore.plans.a.p2_failover import (
    CHECK_OUT,
    CHECKS,
    CONFIRM,
    DETECT,
    FAILOVER,
    INVESTIGATING,
    LATCH,
    LEVER_OUT,
    NOTIFY,
    ROUTING_OUT,
)
from drcore.plans.a.p4_continuity import CAPACITY, REPLICATION, REROUTED, USERS, WRITE
from drcore.plans.a.p6_fail_back import (
    CHECK_BACK,
    CLOSE,
    FULL,
    LET_IN,
    LOWER,
    RECONCILE,
    RECOVERY,
    RESOLVED,
    ROUTING_IN,
    SAVE,
    SECOND,
    THIRD,
)

if TYPE_CHECKING:
    from drcore.engine.context import Run


__all__ = [
    "CAPACITY",
    "CHECKS",
    "CHECK_BACK",
    "CHECK_OUT",
    "CLOSE",
    "CONFIRM",
    "DETECT",
    "FAILOVER",
    "FULL",
    "INVESTIGATING",
    "LATCH",
    "LET_IN",
    "LEVER_OUT",
    "LOWER",
    "NOTIFY",
    "PLAN",
    "RECONCILE",
    "RECOVERY",
    "REPLICATION",
    "REROUTED",
    "RESOLVED",
    "ROUTING_IN",
    "ROUTING_OUT",
    "SAVE",
    "SECOND",
    "THIRD",
    "USERS",
    "WRITE",
]  # the notebook calls each step by its name here


def must_exist(run: Run) -> Iterator[tuple[str, Check]]:
    """Preflight: what the plan leans on, asked where the runner stands: DNS, the table, the lever."""
    here = run.service.runner_region
    other = run.failed_region or next(region for region in run.service.regions if region != here)
    looks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("name servers", lambda: f"{run.facts.record}: {dns_and_levers.quick(run)}"),
        ("global table", lambda: f"canary {replication.canary(run, here, here).seq} of {here}"),
        ("lever", lambda: f"out: {', '.join(dns_and_levers.lever(run, other).out) or 'none'}"),
    )
    for what, look in looks:
        try:
            yield what, yes(look())
        except Rejected as error:
            yield what, no(str(error))
        except Unknown as error:
            yield what, unknown(str(error))


PLAN = Plan(
    id="a",
    title="Full AWS regional outage",
    notebook="a_regional_outage.ipynb",
    steps=(
        DETECT,
        CONFIRM,
        NOTIFY,
        INVESTIGATING,
        CHECKS,
        FAILOVER,
        ROUTING_OUT,
        LEVER_OUT,
        CHECK_OUT,
        LATCH,
        WRITE,
        REPLICATION,
        CAPACITY,
        USERS,
        REROUTED,
        RECOVERY,
        RECONCILE,
        SAVE,
        LOWER,
        CHECK_BACK,
        ROUTING_IN,
        LET_IN,
        SECOND,
        THIRD,
        FULL,
        RESOLVED,
        CLOSE,
    ),
    goal=USERS,
    facts=Facts,
    incident=Incident,
    faults=(
        "region-outage:duration=20",  # long enough to see it through, short enough to see it come back
        "region-flapping:duration=12",
        "region-outage-no-failover:duration=12",
        "region-outage-control-plane:duration=12",
    ),
    rto=lambda run: 60 * float(run.facts.rto_minutes),
    rpo=lambda run: float(run.facts.rpo_s),
    must_exist=must_exist,
)
