"""Plan A: a whole AWS region is away.

The phase files are the procedure, in the order of their numbers; each owns its steps, and PLAN strings them together.
"A.auto" and "A.manual" are the two lists of the plan's text.

Once the failed region is known no call goes there, and none to a control plane that stands in us-east-1 only, but
where a step's waiver says why (`drcore.calls.gate`). Every state that passes is remembered by a moment of the run, so
that a run that was killed can look at it again when it is over.
"""

from __future__ import annotations

from collections.abc import Iterator

from drcore.engine.outcome import Check, no, yes
from drcore.engine.preflight import checked
from drcore.engine.step import Plan
from drcore.plans.a import (
    by_hand,
    dns_and_levers,
    p1_confirm,
    p2_failover,
    p3_hold_out,
    p4_continuity,
    p4_users_well,
    p5_reconcile,
    p6_fail_back,
    p7_rebalance,
    p8_close,
    region_health,
    replication,
    titles,
)
from drcore.plans.a.facts import ARun, Facts, Incident
from drcore.plans.a.p1_confirm import ACKNOWLEDGE, CONFIRM, DETECT, INVESTIGATING, NOTIFY
from drcore.plans.a.p2_failover import FAILOVER, HEALTH_CHECKS
from drcore.plans.a.p3_hold_out import CHECK_OUT, LATCH, LEVER_OUT, PULL, ROUTING_OUT
from drcore.plans.a.p4_continuity import CAPACITY, REPLICATION, WRITE
from drcore.plans.a.p4_users_well import REROUTED, USERS
from drcore.plans.a.p5_reconcile import RECONCILE, RECOVERY
from drcore.plans.a.p6_fail_back import CHECK_BACK, LOWER, ROUTING_IN, SAVE
from drcore.plans.a.p7_rebalance import LET_IN, REBALANCE_2, REBALANCE_3, REBALANCE_FULL
from drcore.plans.a.p8_close import CLOSE, RESOLVED
from drcore.plans.a.region_health import metrics, user_failure
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.plans.shared.on_call import on_call_topic, second_on_call_topic
from drcore.plans.shared.traffic import can_be_proved
from drcore.services import dns


def must_exist(run: ARun) -> Iterator[tuple[str, Check] | tuple[str, Check, bool]]:
    """Preflight: what the plan leans on, asked where the runner stands: DNS, the table, the lever."""
    here = run.service.runner_region
    other = run.failed_region or next(region for region in run.service.regions if region != here)
    yield *on_call_topic(run), False
    yield second_on_call_topic(run)
    yield "name servers", checked(_name_servers, run), False
    for region in run.service.regions:
        # What cannot be told apart by its address is UNKNOWN later, and keeps no lever from being pulled.
        yield f"load balancer of {region}", checked(_balancer, run, region), False
    yield f"traffic in {here}", checked(_traffic, run, here), False
    yield "global table", checked(_table, run, here)
    yield "lever", checked(_lever, run, other)
    users = [user_failure(market) for market in run.facts.markets]
    yield from metrics_in_time(run, {here: [*users, *metrics(run, here)[:3]]})


def _name_servers(run: ARun) -> Check:
    seen = dns_and_levers.read_name_servers(run)
    text = f"{run.facts.record}: {seen}"
    return no(f"{text}: correct load_balancers in a.yaml") if seen.unknown_percent else yes(text)


def _traffic(run: ARun, region: str) -> Check:
    minutes, balancer = run.facts.window_minutes, run.facts.load_balancers[region].name
    requests = region_health.read_load(run, region, minutes).requests
    return can_be_proved(USERS.name, balancer, requests, minutes, run.facts.minimum_sample)


def _balancer(run: ARun, region: str) -> Check:
    host = run.facts.load_balancers[region].host
    return yes(f"{host}: {', '.join(dns.addresses(run.calls, run.facts.resolver, host))}")


def _table(run: ARun, region: str) -> Check:
    return yes(f"canary {replication.canary(run, region, region).seq} of {region}")


def _lever(run: ARun, region: str) -> Check:
    return yes(f"out: {', '.join(dns_and_levers.lever(run, region).out) or 'none'}")


PLAN = Plan[Facts](
    id="a",
    title="Full AWS regional outage",
    notebook="a_regional_outage.ipynb",
    steps=(
        *p1_confirm.STEPS,
        *p2_failover.STEPS,
        *p3_hold_out.STEPS,
        *p4_continuity.STEPS,
        *p4_users_well.STEPS,
        *p5_reconcile.STEPS,
        *p6_fail_back.STEPS,
        *p7_rebalance.STEPS,
        *p8_close.STEPS,
    ),
    goal=USERS,
    stands=titles.STANDS,
    facts=Facts,
    incident=Incident,
    faults=(
        "region-outage:duration=20",  # long enough to see it through, short enough to see it come back
        "region-flapping:duration=12",
        "region-outage-no-failover:duration=12",
        "region-outage-control-plane:duration=12",
    ),
    rto=lambda run: 60 * run.facts.rto_minutes,
    rpo=lambda run: run.facts.rpo_s,
    must_exist=must_exist,
    by_hand=by_hand.card,
)
