"""Plan A, phase 6: DNS is made ready to let the region in, while it is still kept out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from drcore.calls.gate import Waiver
from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, StepName, Target, never, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Unknown
from drcore.plans.a import dns_and_levers, resources, titles
from drcore.plans.a.earlier import first_seen, let_in_again
from drcore.plans.a.facts import ARun
from drcore.plans.a.p2_failover import wrong_setting
from drcore.plans.a.p3_hold_out import CHECK_OUT, setting_of
from drcore.plans.a.regions import failed, of_failed
from drcore.record.events import Kind
from drcore.record.evidence import Exhibit, Table
from drcore.services import arc, route53
from drcore.services.route53 import HealthCheck, RecordSet

# ── Save the DNS settings ────────────────────────────────────────────────────────────────────────────────────────────

FAILBACK = Waiver(
    "failback changes DNS, which only Route 53's control plane can do; the region is well again", ("route53",)
)


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """The DNS settings as they were before this run: all record sets, the failed region's health check."""

    records: tuple[RecordSet, ...]
    check: HealthCheck

    def describe(self) -> Mapping[str, object]:
        sets = {f"record set {record.id}": tuple(dns_and_levers.described(record).items()) for record in self.records}
        return {**sets, "health check": self.check}


def see_settings(run: ARun, target: Target) -> DnsSettings:
    first = first_seen(run, SAVE)
    if first:
        return first
    check, pinned = dns_and_levers.own_check(run, failed(run)), _pinned_before(run)
    records = route53.records(run.aws, run.facts.zone, run.facts.record)
    return DnsSettings(records, replace(check, disabled=pinned.disabled, inverted=pinned.inverted) if pinned else check)


def _pinned_before(run: ARun) -> HealthCheck | None:
    """How the health check was set before this run pinned it; None where it did not, or undid it."""
    act = run.history.act(titles.CHECK_OUT)
    return setting_of(CHECK_OUT.from_json(act.first["before"])) if act else None


def are_saved(run: ARun, target: Target, seen: DnsSettings) -> Check:
    if failed(run) not in {record.id for record in seen.records}:
        return never(
            f"{run.facts.record} has no record set for {failed(run)}: restore it from your infrastructure code"
        )
    return yes(", ".join(f"{record.id} weight {record.weight}" for record in seen.records))


def show_settings(run: ARun, states: Mapping[Target, DnsSettings]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield _records_table("dns-saved", "DNS as it was before this run changed it", seen.records)


def _records_table(name: str, title: str, records: tuple[RecordSet, ...]) -> Table:
    rows = tuple((r.id, r.weight, r.ttl, ", ".join(r.values), r.health_check) for r in records)
    return Table(name, title, ("record set", "weight", "TTL, s", "values", "health check"), rows)


SAVE = Step(
    titles.SAVE,
    changes="nothing: reads all record sets, which are compared with at the end",
    look=see_settings,
    expect=are_saved,
    targets=of_failed("DNS settings with"),
    needs=(titles.RECONCILE,),
    # Route 53's control plane may come back after the region.
    patience=Patience(within=lambda run: 60 * run.facts.recovery_minutes, every=60),
    shows=show_settings,
    waiver=FAILBACK,
)


def saved(run: ARun) -> DnsSettings:
    """What SAVE has read. Raises Unknown where it has not."""
    result = run.result(titles.SAVE)
    states = list(result.states.values()) if result else []
    if not states:
        raise Unknown("the DNS settings have not been saved")
    settings: DnsSettings = states[0]
    return settings


# ── Lower the weight ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Weighted:
    """The failed region's record set, whether the last change of it has reached all of Route 53's servers."""

    record: RecordSet
    everywhere: bool = field(compare=False)

    def describe(self) -> Mapping[str, object]:
        return dns_and_levers.described(self.record)


def see_lowered(run: ARun, target: Target) -> Weighted:
    return Weighted(dns_and_levers.own_record(run, target.region), is_everywhere(run, titles.LOWER))


def is_everywhere(run: ARun, step: StepName) -> bool:
    """Whether the step's last change has gone from PENDING to INSYNC; true where the change is not known."""
    changes = [line["answer"] for line in run.history.lines(Kind.ACTED, step=step) if line["answer"]]
    return route53.is_everywhere(run.aws, changes[-1]) if changes else True


def weight_of_part(run: ARun, number: int) -> int:
    """The weight for one part of the way back, of the weight that was saved; at least 1, as 0 means no traffic."""
    whole = next(record.weight for record in saved(run).records if record.id == failed(run))
    percent: float = run.facts.steps_percent[number]
    return max(1, round(whole * percent / 100))


def set_weight(run: ARun, target: Target, record: RecordSet, weight: int) -> str:
    return route53.upsert(
        run.aws, run.facts.zone, record.weighing(weight), f"drcore {run.id}: {target.region} to {weight}"
    )


def is_lowered(run: ARun, target: Target, seen: Weighted) -> Check:
    if let_in_again(run):
        return yes("the weight was lowered, and this run has let the region in since")
    wanted = weight_of_part(run, 0)
    if seen.record.weight != wanted:
        return no(f"weight {seen.record.weight}, must be {wanted} before the region is let in")
    if not seen.everywhere:
        return no(f"weight {wanted}, not yet on all of Route 53's servers")
    return yes(f"weight {wanted} on all of Route 53's servers")


def lower(run: ARun, target: Target, seen: Weighted) -> str:
    return set_weight(run, target, seen.record, weight_of_part(run, 0))


def put_record_back(run: ARun, target: Target, before: Weighted) -> str:
    return set_weight(run, target, before.record, before.record.weight)


LOWER = Step(
    titles.LOWER,
    changes="the region's record set gets the first part of its weight, while the region is still kept out",
    look=see_lowered,
    expect=is_lowered,
    act=lower,
    undo=put_record_back,
    targets=lambda run: [Target(failed(run))],
    needs=(titles.SAVE,),
    consent=Consent.GO,
    phrase=lambda run, states: f"SET THE WEIGHT OF {failed(run)} TO {weight_of_part(run, 0)}",
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=180, every=10),
    permissions=iam_actions("route53:ChangeResourceRecordSets", on=resources.zone),
    waiver=FAILBACK,
)


# ── Health check as before, Routing control in ───────────────────────────────────────────────────────────────────────


def see_check(run: ARun, target: Target) -> HealthCheck:
    return dns_and_levers.own_check(run, target.region)


def check_is_as_before(run: ARun, target: Target, seen: HealthCheck) -> Check:
    if seen == saved(run).check:
        wrong = "; ".join(wrong_setting(run, seen))
        return yes(f"as it was before this run{f'. Have it corrected: {wrong}' if wrong else ''}")
    return no("this run has pinned it to unhealthy")


def set_check_as_before(run: ARun, target: Target, seen: HealthCheck) -> None:
    was = saved(run).check
    route53.set_health_check(run.aws, seen, disabled=was.disabled, inverted=was.inverted)


def pin_again(run: ARun, target: Target, before: HealthCheck) -> None:
    now = dns_and_levers.own_check(run, target.region)
    route53.set_health_check(run.aws, now, disabled=before.disabled, inverted=before.inverted)


CHECK_BACK = Step(
    titles.CHECK_BACK,
    changes="the region's health check gets the settings that it had before this run",
    look=see_check,
    expect=check_is_as_before,
    act=set_check_as_before,
    undo=pin_again,
    targets=lambda run: [Target(failed(run))],
    needs=(titles.SAVE, titles.LOWER),
    consent=Consent.GO,
    phrase=lambda run, states: f"SET THE HEALTH CHECK OF {failed(run)} AS IT WAS",
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=30, every=5),
    permissions=iam_actions("route53:UpdateHealthCheck", on=resources.checks),
    waiver=FAILBACK,
)


def see_control(run: ARun, target: Target) -> arc.Control:
    return dns_and_levers.control(run, target.region) if run.facts.arc else arc.Control(True)


def control_is_in(run: ARun, target: Target, seen: arc.Control) -> Check:
    if seen.on:
        return yes("the routing control lets traffic in" if run.facts.arc else "there is no ARC cluster")
    if not run.intended(titles.ROUTING_OUT, target):
        return yes("it is off, but not by this run, which leaves it so")
    return no("this run has turned it off")


def turn_on(run: ARun, target: Target, seen: arc.Control) -> None:
    dns_and_levers.set_control(run, target.region, on=True, at=seen)


def turn_off_again(run: ARun, target: Target, before: arc.Control) -> None:
    dns_and_levers.set_control(run, target.region, on=before.on, at=dns_and_levers.control(run, target.region))


ROUTING_IN = Step(
    titles.ROUTING_IN,
    changes="the region's ARC routing control → On, where this run has turned it off",
    look=see_control,
    expect=control_is_in,
    act=turn_on,
    undo=turn_off_again,
    targets=lambda run: [Target(failed(run))],
    needs=(titles.LOWER,),
    consent=Consent.GO,
    phrase=lambda run, states: f"TURN THE ROUTING CONTROL OF {failed(run)} ON",
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=30, every=5),
    permissions=iam_actions("route53-recovery-cluster:UpdateRoutingControlState", on=resources.controls),
)


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (SAVE, LOWER, CHECK_BACK, ROUTING_IN)
