"""Plan A, phase 7: the region is let in, its traffic raised part by part behind a gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.clock import parse_time
from drcore.engine.consent import Consent
from drcore.engine.metric_minutes import ONE
from drcore.engine.outcome import Check, StepName, Target, never, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.a import dns_and_levers, region_charts, region_health, resources, titles
from drcore.plans.a.earlier import tried_before
from drcore.plans.a.facts import ARun, Facts
from drcore.plans.a.p6_fail_back import FAILBACK, is_everywhere, set_weight, weight_of_part
from drcore.plans.a.region_health import RegionSignals, UserFailures
from drcore.plans.a.regions import failed, serving_region
from drcore.plans.shared.good_minutes import last_look
from drcore.record.evidence import Exhibit
from drcore.services.route53 import RecordSet

# ── Let the region in, Rebalance ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Balance:
    """The region on its way back: whether the lever keeps it out, its record set, how it does, how users are served."""

    out: bool
    record: RecordSet
    everywhere: bool = field(compare=False)
    kept: dns_and_levers.LeverState = field(compare=False)
    signals: RegionSignals = field(compare=False)
    users: UserFailures = field(compare=False)
    judged: tuple[datetime, datetime] = field(compare=False)  # from the first minute on that no look had judged before

    def describe(self) -> Mapping[str, object]:
        return {"kept out": self.out, **dns_and_levers.described(self.record)}


def _see_balance(run: ARun, target: Target, step: StepName) -> Balance:
    kept = dns_and_levers.lever(run, target.region)
    since, until = run.metrics.last(1)
    before: Balance | None = last_look(run, step, target)
    if before:
        since = min(since, before.judged[1])
    minutes = (until - since) // ONE
    return Balance(
        target.region in kept.out,
        dns_and_levers.own_record(run, target.region),
        is_everywhere(run, step),
        kept,
        region_health.read_signals(run, target.region, minutes),
        region_health.read_users(run, serving_region(run), minutes),
        (since, until),
    )


def gate_check(run: ARun, seen: Balance) -> Check | None:
    """What keeps a region from the next part of its traffic: NEVER means that it must go out again. None: nothing."""
    hard = region_health.failing(run, seen.users) + region_health.unanswered(seen.signals)
    if hard:
        return never(f"{'; '.join(hard)}: the region must stay out. Go back to {titles.RECOVERY.title}")
    soft = region_health.trouble(run, seen.signals)
    return no("; ".join(soft)) if soft else None


def _measured_since(run: ARun, step: StepName, seen: Balance) -> Check | None:
    """What is measured of the time before a change says nothing of it. None: there is a whole minute since."""
    act = run.history.act(step)
    if act and seen.judged[0] < parse_time(act.last["time"]):
        return no(f"the last minute that can be read ended at {seen.judged[1]:%H:%M}: none has begun since the change")
    return None if seen.signals.load.requests else no("no traffic has been measured yet")


def keep_out(run: ARun, target: Target, seen: Balance) -> None:
    # Not by what was seen: that may be from before a restart, where it is backed out of in blindness.
    dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=True)


def show_balance(run: ARun, states: Mapping[Target, Balance]) -> Iterator[Exhibit]:
    weight = next((seen.record.weight for seen in states.values()), 0)
    yield region_charts.traffic_chart(run, f"traffic-at-weight-{weight}", run.service.regions, 30)


_GATE: Patience[Facts] = Patience(
    within=lambda run: 600 + run.metrics.delay_s, every=60, hold=lambda run: 60 * run.facts.gate_minutes
)


def see_let_in(run: ARun, target: Target) -> Balance:
    return _see_balance(run, target, titles.LET_IN)


def is_let_in(run: ARun, target: Target, seen: Balance) -> Check:
    held = gate_check(run, seen)
    if held:
        return held
    if seen.out:
        return no(f"kept out; its weight is {seen.record.weight}")
    return _measured_since(run, titles.LET_IN, seen) or yes(f"well with {_requests(seen)}")


def _requests(seen: Balance) -> str:
    since, until = seen.judged
    return f"{seen.signals.load.requests} requests from {since:%H:%M} to {until:%H:%M}"


def let_in(run: ARun, target: Target, seen: Balance) -> None:
    # Where it is in by an act whose answer was lost, traffic is only waited for.
    if seen.out or not tried_before(run, titles.LET_IN):
        dns_and_levers.set_lever(run, target.region, seen.kept, out=False)


def put_lever_back(run: ARun, target: Target, before: Balance) -> None:
    dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=before.out)


LET_IN = Step(
    titles.LET_IN,
    changes="writes in to the lever: the region gets the first part of its traffic; out again if it does not cope",
    look=see_let_in,
    expect=is_let_in,
    act=let_in,
    undo=put_lever_back,
    back_out=keep_out,
    targets=lambda run: [Target(failed(run))],
    needs=(titles.RECONCILE, titles.LOWER, titles.CHECK_BACK, titles.ROUTING_IN),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"LET {failed(run)} IN WITH {run.facts.steps_percent[0]:g} % OF ITS TRAFFIC",
    reversibility=Reversibility.REVERSIBLE,
    patience=_GATE,
    shows=show_balance,
    permissions=iam_actions("s3:PutObject", on=resources.levers),
    waiver=FAILBACK,
)


def _rebalance(name: StepName, number: int, needs: StepName) -> Step[Facts, Balance]:
    """One part of the way back: the record set's weight, a gate that must hold, the lever pulled again where not."""

    def look(run: ARun, target: Target) -> Balance:
        return _see_balance(run, target, name)

    def expect(run: ARun, target: Target, seen: Balance) -> Check:
        if seen.out:
            return never(f"the lever keeps the region out: go back to {titles.LET_IN.title}")
        held, wanted = gate_check(run, seen), weight_of_part(run, number)
        if held:
            return held
        if seen.record.weight < wanted:  # more than that was reached before this run was resumed
            return no(f"weight {seen.record.weight}, must be {wanted}")
        if not seen.everywhere:
            return no(f"weight {wanted}, not yet on all of Route 53's servers")
        return _measured_since(run, name, seen) or yes(f"weight {seen.record.weight}, well with {_requests(seen)}")

    def act(run: ARun, target: Target, seen: Balance) -> str:
        # Where the weight is set by an act whose answer was lost, a whole minute with it is only waited for.
        wanted = weight_of_part(run, number)
        return set_weight(run, target, seen.record, wanted) if seen.record.weight < wanted else ""

    def undo(run: ARun, target: Target, before: Balance) -> str:
        return set_weight(run, target, before.record, before.record.weight)

    return Step(
        name,
        changes="the region's record set gets more of its weight; the region goes out again if it does not cope",
        look=look,
        expect=expect,
        act=act,
        supposed=lambda run, target, seen: set_weight(run, target, seen.record, weight_of_part(run, number)),
        undo=undo,
        back_out=keep_out,
        targets=lambda run: [Target(failed(run))],
        needs=(needs,),
        consent=Consent.GO,
        phrase=lambda run, states: f"GIVE {failed(run)} {run.facts.steps_percent[number]:g} % OF ITS TRAFFIC",
        reversibility=Reversibility.REVERSIBLE,
        patience=_GATE,
        shows=show_balance,
        permissions=(
            *iam_actions("route53:ChangeResourceRecordSets", on=resources.zone),
            *iam_actions("s3:PutObject", on=resources.levers),  # backing out pulls the lever
        ),
        waiver=FAILBACK,
    )


REBALANCE_2 = _rebalance(titles.REBALANCE_2, 1, needs=titles.LET_IN)
REBALANCE_3 = _rebalance(titles.REBALANCE_3, 2, needs=titles.REBALANCE_2)
REBALANCE_FULL = _rebalance(titles.REBALANCE_FULL, 3, needs=titles.REBALANCE_3)


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (LET_IN, REBALANCE_2, REBALANCE_3, REBALANCE_FULL)
