"""Plan A, the third part: from the region's return until everything is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drcore.calls.gate import RECOVERED, Waiver
from drcore.engine.consent import Consent
from drcore.engine.step import Check, Step, Target, Way, minutes, never, no, yes
from drcore.errors import Unknown
from drcore.plans.a import dns_and_levers, region_health, replication
from drcore.plans.a.facts import (
    LETTING_IN,
    failed,
    fault_time,
    let_in_again,
    matters_since,
    of_failed,
    serves,
    tried_before,
)
from drcore.plans.a.p2_failover import CHECK_OUT, CONFIRM, LATCH, ROUTING_OUT, failover_times, setting_of, wrong_setting
from drcore.plans.a.p4_continuity import REPLICATION, Replicated
from drcore.plans.a.region_health import Signals, Users
from drcore.plans.a.replication import Late, Version
from drcore.plans.shared.last_drill import last_drill, said
from drcore.plans.shared.status_page import resolved
from drcore.record import history
from drcore.record.evidence import Exhibit, Table
from drcore.services import arc, route53
from drcore.services.route53 import HealthCheck, Record

if TYPE_CHECKING:
    from drcore.engine.context import Run


# ── 16 Await recovery ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Recovering:
    """What the failed region shows, and what came late from it, at all looks until now."""

    signals: Signals
    late: tuple[Late, ...] = field(compare=False)


_SOON = 2  # looks after the return at which late writes are looked for: they come within seconds, and are written over


def see_recovery(run: Run, target: Target) -> Recovering:
    signals = region_health.read_signals(run, target.region, run.facts.window_minutes, patient=False)
    looks = [(time, seen) for time, _, seen in run.watched.get(RECOVERY.title, ()) if seen]
    late = set(looks[-1][1].late) if looks else set()
    silent = [(time, bool(region_health.unanswered(seen.signals))) for time, seen in looks]
    fresh = [was_away for _, was_away in silent[-_SOON:]].count(False) < _SOON
    fault = fault_time(run)
    if fault and fresh and not region_health.unanswered(signals):
        now = replication.versions(run, serves(run), matters_since(run))
        late |= set(replication.late(_before(run), now, target.region, fault=fault, away=_away(silent)))
    return Recovering(signals, tuple(sorted(late)))


def _away(looks: list[tuple[datetime, bool]]) -> Callable[[datetime], bool]:
    """Whether the region was away at a time, by the last look before it; away before the first one."""
    return lambda at: next((was_away for time, was_away in reversed(looks) if time <= at), True)


def _seen_first(run: Run) -> Replicated | None:
    """What was seen of replication while the region was away: at the first look, as later ones see what came late."""
    for line in run.record.events:
        if line["event"] == "look" and line["step"] == REPLICATION.title and line["state"]:
            first: Replicated = REPLICATION.from_json(line["state"])
            return first
    return None


def _before(run: Run) -> tuple[Version, ...]:
    """The items decided since shortly before the fault, as they stood before the region came back."""
    first = _seen_first(run)
    return first.items if first else ()


def has_recovered(run: Run, target: Target, seen: Recovering) -> Check:
    found = region_health.trouble(run, seen.signals)
    if found:
        return no(f"{'; '.join(found)}. Users are served elsewhere meanwhile")
    silent = seen.signals.unread
    if silent or seen.signals.queue_age_s is None:
        return no(silent or "its services answer, its metrics have not come back")
    probe = seen.signals.probe
    return yes(f"{probe.good} of {probe.sent} probes answered, its services answer, its metrics are back")


def show_recovery(run: Run, states: Mapping[Target, Recovering]) -> Iterator[Exhibit]:
    signals = {target: seen.signals for target, seen in states.items()}
    yield region_health.signals_table("recovery", "What the region shows", signals)
    looks = [(time, seen.signals.probe) for time, _, seen in run.watched.get(RECOVERY.title, ()) if seen]
    yield region_health.probes_chart(run, "recovery-probes", looks)


RECOVERY = Step(
    title="Await recovery",
    plan="A.manual 3",
    changes="nothing: waits until the region has been well for long enough; one that flaps is not",
    look=see_recovery,
    expect=has_recovered,
    targets=lambda run: [Target(failed(run))],
    needs=(CONFIRM.title, LATCH.title, REPLICATION.title),
    within=minutes("recovery_minutes"),
    every=60,
    hold=minutes("recovery_hold_minutes"),
    shows=show_recovery,
    moment=RECOVERED,
    waiver=Waiver("whether the region has come back can be asked nowhere but there; no user waits for the answer"),
)


# ── 17 Reconcile ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Whether both regions hold the same: age of each region's canary in the other, items that differ."""

    ages_s: tuple[tuple[str, float | None], ...]
    differing: tuple[str, ...]


def see_reconciled(run: Run, target: Target) -> Reconciled:
    here, there, now = serves(run), failed(run), run.clock.now()
    ages = tuple(
        (f"{of} in {seen_in}", replication.age(replication.canary(run, of, seen_in), now))
        for of, seen_in in ((here, there), (there, here))
    )
    since = matters_since(run)
    ours, theirs = replication.versions(run, here, since), replication.versions(run, there, since)
    settled = now - timedelta(seconds=quiet_s(run))
    return Reconciled(ages, replication.differing(ours, theirs, settled))


def came_late(run: Run) -> tuple[Late, ...]:
    """What was seen to come late while the region's return was awaited."""
    found = run.results.get(RECOVERY.title)
    return tuple(late for seen in (found.states.values() if found else ()) for late in seen.late)


def quiet_s(run: Run) -> float:
    """Ten times the longest lag before the outage, at least of its line: so long replication must be quiet."""
    first, line = _seen_first(run), float(run.facts.thresholds.lag_s)
    return 10 * max(line, first.longest_s or 0 if first else 0)


def is_reconciled(run: Run, target: Target, seen: Reconciled) -> Check:
    limit = run.facts.canary.every_s + run.facts.thresholds.lag_s
    found = [
        f"canary of {name} {'is not there' if age is None else f'is {age:g} s old'}"
        for name, age in seen.ages_s
        if age is None or age > limit
    ]
    found += [f"{len(seen.differing)} items differ"] if seen.differing else []
    if found:
        return no("; ".join(found))
    late = came_late(run)
    worse = sum(each.overwrote for each in late)
    told = f"both regions hold the same; {len(late)} late writes were seen to come, {worse} over a newer decision"
    return yes(f"{told}: see the list" if worse else told)


def show_reconciled(run: Run, states: Mapping[Target, Reconciled]) -> Iterator[Exhibit]:
    yield replication.late_table("late-writes", came_late(run))
    yield replication.lag_chart(run, "replication-lag-after")


RECONCILE = Step(
    title="Reconcile",
    plan="A.manual 3",
    changes="nothing: late writes, who won, whether replication is quiet for ten times its longest lag",
    look=see_reconciled,
    expect=is_reconciled,
    targets=of_failed("table with"),
    needs=(RECOVERY.title, REPLICATION.title),
    within=minutes("reconcile_minutes"),
    every=10,
    hold=quiet_s,
    shows=show_reconciled,
)


# ── 18 Save the DNS settings ─────────────────────────────────────────────────────────────────────────────────────────

FAILBACK = Waiver("failback changes DNS, and only Route 53's control plane can; the region is well again", ("route53",))


@dataclass(frozen=True, slots=True)
class Settings:
    """The DNS settings as they were before this run: all record sets, the failed region's health check."""

    records: tuple[Record, ...]
    check: HealthCheck


def see_settings(run: Run, target: Target) -> Settings:
    for line in run.record.events:
        if line["event"] == "look" and line["step"] == SAVE.title and line["state"]:
            first: Settings = SAVE.from_json(line["state"])
            return first
    check, pinned = dns_and_levers.own_check(run, failed(run)), _pinned_before(run)
    records = route53.records(run.aws, run.facts.zone, run.facts.record)
    return Settings(records, replace(check, disabled=pinned.disabled, inverted=pinned.inverted) if pinned else check)


def _pinned_before(run: Run) -> HealthCheck | None:
    """How the health check was set before this run pinned it; None where it did not, or undid it."""
    act = history.act_of(run.record.events, CHECK_OUT.title)
    return setting_of(CHECK_OUT.from_json(act.first["before"])) if act else None


def are_saved(run: Run, target: Target, seen: Settings) -> Check:
    if failed(run) not in {record.id for record in seen.records}:
        return never(
            f"{run.facts.record} has no record set for {failed(run)}: restore it from your infrastructure code"
        )
    return yes(", ".join(f"{record.id} weight {record.weight}" for record in seen.records))


def show_settings(run: Run, states: Mapping[Target, Settings]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield _records_table("dns-saved", "DNS as it was before this run changed it", seen.records)


def _records_table(name: str, title: str, records: tuple[Record, ...]) -> Table:
    rows = tuple((r.id, r.weight, r.ttl, ", ".join(r.values), r.health_check) for r in records)
    return Table(name, title, ("record set", "weight", "TTL, s", "values", "health check"), rows)


SAVE = Step(
    title="Save the DNS settings",
    plan="A.manual 4",
    changes="nothing: reads the record sets whole, to be compared with at the end",
    look=see_settings,
    expect=are_saved,
    targets=of_failed("record sets beside"),
    needs=(RECONCILE.title,),
    within=minutes("recovery_minutes"),  # Route 53's control plane may come back after the region
    every=60,
    shows=show_settings,
    waiver=FAILBACK,
)


def saved(run: Run) -> Settings:
    """What SAVE has read. Raises Unknown where it has not."""
    found = run.results.get(SAVE.title)
    states = list(found.states.values()) if found else []
    if not states:
        raise Unknown("the DNS settings have not been saved")
    settings: Settings = states[0]
    return settings


# ── 19 Lower the weight ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Weighted:
    """The failed region's record set, whether the last change of it has reached all of Route 53's servers."""

    record: Record
    everywhere: bool = field(compare=False)


def see_lowered(run: Run, target: Target) -> Weighted:
    return Weighted(dns_and_levers.own_record(run, target.region), is_everywhere(run, LOWER))


def is_everywhere(run: Run, step: Step) -> bool:
    """Whether the step's last change has gone from PENDING to INSYNC; true where it has changed nothing."""
    changed = run.last("acted", step)
    return route53.is_everywhere(run.aws, changed["answer"]) if changed else True


def part(run: Run, number: int) -> int:
    """The weight for one part of the way back, of the weight that was saved; at least 1, as 0 means no traffic."""
    whole = next(record.weight for record in saved(run).records if record.id == failed(run))
    percent: float = run.facts.steps_percent[number]
    return max(1, round(whole * percent / 100))


def weigh(run: Run, target: Target, record: Record, weight: int) -> str:
    return route53.upsert(
        run.aws, run.facts.zone, record.weighing(weight), f"drcore {run.id}: {target.region} to {weight}"
    )


def is_lowered(run: Run, target: Target, seen: Weighted) -> Check:
    if let_in_again(run):
        return yes("it was lowered, and this run has let the region in since")
    wanted = part(run, 0)
    if seen.record.weight != wanted:
        return no(f"weight {seen.record.weight}, to be {wanted} before the region is let in")
    return yes(f"weight {wanted} everywhere") if seen.everywhere else no(f"weight {wanted}, not yet on all servers")


def lower(run: Run, target: Target, seen: Weighted) -> str:
    return weigh(run, target, seen.record, part(run, 0))


def put_record_back(run: Run, target: Target, before: Weighted) -> str:
    return weigh(run, target, before.record, before.record.weight)


LOWER = Step(
    title="Lower the weight",
    plan="A.manual 4",
    changes="the region's record set is written whole with the first part of its weight, while it is still kept out",
    look=see_lowered,
    expect=is_lowered,
    act=lower,
    undo=put_record_back,
    targets=lambda run: [Target(failed(run))],
    needs=(SAVE.title,),
    consent=Consent.GO,
    phrase=lambda run, states: f"SET THE WEIGHT OF {failed(run)} TO {part(run, 0)}",
    way=Way.REVERSIBLE,
    within=180,
    every=10,
    permissions=("route53:ChangeResourceRecordSets", "route53:GetChange", "route53:ListResourceRecordSets"),
    waiver=FAILBACK,
)


# ── 20 Health check as before, 21 Routing control in ─────────────────────────────────────────────────────────────────


def see_check(run: Run, target: Target) -> HealthCheck:
    return dns_and_levers.own_check(run, target.region)


def check_is_as_before(run: Run, target: Target, seen: HealthCheck) -> Check:
    if seen == saved(run).check:
        wrong = "; ".join(wrong_setting(run, seen))
        return yes(f"as it was before this run{f'. Have it mended: {wrong}' if wrong else ''}")
    return no("this run has pinned it to unhealthy")


def set_check_as_before(run: Run, target: Target, seen: HealthCheck) -> None:
    was = saved(run).check
    route53.set_health_check(run.aws, seen, disabled=was.disabled, inverted=was.inverted)


def pin_again(run: Run, target: Target, before: HealthCheck) -> None:
    now = dns_and_levers.own_check(run, target.region)
    route53.set_health_check(run.aws, now, disabled=before.disabled, inverted=before.inverted)


CHECK_BACK = Step(
    title="Health check as before",
    plan="A.manual 4",
    changes="the region's health check gets back the settings that it had before this run",
    look=see_check,
    expect=check_is_as_before,
    act=set_check_as_before,
    undo=pin_again,
    targets=lambda run: [Target(failed(run))],
    needs=(SAVE.title, LOWER.title),
    consent=Consent.GO,
    phrase=lambda run, states: f"SET THE HEALTH CHECK OF {failed(run)} AS IT WAS",
    way=Way.REVERSIBLE,
    within=30,
    every=5,
    permissions=("route53:UpdateHealthCheck", "route53:GetHealthCheck"),
    waiver=FAILBACK,
)


def see_control(run: Run, target: Target) -> arc.Control:
    return dns_and_levers.control(run, target.region) if run.facts.arc else arc.Control(True)


def control_is_in(run: Run, target: Target, seen: arc.Control) -> Check:
    if seen.on:
        return yes("the routing control lets traffic in" if run.facts.arc else "there is no ARC cluster")
    if not run.intended(ROUTING_OUT, target):
        return yes("it is off, but this run has not turned it off, and leaves it so")
    return no("this run has turned it off")


def turn_on(run: Run, target: Target, seen: arc.Control) -> None:
    dns_and_levers.set_control(run, target.region, on=True, at=seen)


def turn_off_again(run: Run, target: Target, before: arc.Control) -> None:
    dns_and_levers.set_control(run, target.region, on=before.on, at=dns_and_levers.control(run, target.region))


ROUTING_IN = Step(
    title="Routing control in",
    plan="A.manual 4",
    changes="the ARC routing control of the region → On, where this run has turned it off",
    look=see_control,
    expect=control_is_in,
    act=turn_on,
    undo=turn_off_again,
    targets=lambda run: [Target(failed(run))],
    needs=(LOWER.title,),
    consent=Consent.GO,
    phrase=lambda run, states: f"TURN THE ROUTING CONTROL OF {failed(run)} ON",
    way=Way.REVERSIBLE,
    within=30,
    every=5,
    permissions=("route53-recovery-cluster:UpdateRoutingControlState",),
)


# ── 22 Let the region in, 23 to 25 Rebalance ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Balance:
    """The region on its way back: whether the lever keeps it out, its record set, how it does, how users are served."""

    out: bool
    record: Record
    everywhere: bool = field(compare=False)
    kept: dns_and_levers.Kept = field(compare=False)
    signals: Signals = field(compare=False)
    users: Users = field(compare=False)


def _see_balance(run: Run, target: Target, step: Step) -> Balance:
    kept = dns_and_levers.lever(run, target.region)
    return Balance(
        target.region in kept.out,
        dns_and_levers.own_record(run, target.region),
        is_everywhere(run, step),
        kept,
        region_health.read_signals(run, target.region, 1),
        region_health.read_users(run, serves(run)),
    )


def gate(run: Run, seen: Balance) -> Check | None:
    """What keeps a region from the next part of its traffic: NEVER means that it must go out again. None: nothing."""
    hard = region_health.failing(run, seen.users) + region_health.unanswered(seen.signals)
    if hard:
        return never(f"{'; '.join(hard)}: the region must stay out. Go back to {RECOVERY.title}")
    soft = region_health.trouble(run, seen.signals)
    return no("; ".join(soft)) if soft else None


def keep_out(run: Run, target: Target, seen: Balance) -> None:
    dns_and_levers.set_lever(run, target.region, seen.kept, out=True)


def show_balance(run: Run, states: Mapping[Target, Balance]) -> Iterator[Exhibit]:
    weight = next((seen.record.weight for seen in states.values()), 0)
    yield region_health.traffic_chart(run, f"traffic-at-weight-{weight}", run.service.regions, 30)


def see_let_in(run: Run, target: Target) -> Balance:
    return _see_balance(run, target, LET_IN)


def is_let_in(run: Run, target: Target, seen: Balance) -> Check:
    held = gate(run, seen)
    if held:
        return held
    if seen.out:
        return no(f"kept out, with weight {seen.record.weight} for when it is let in")
    if not seen.signals.load.requests:
        return no("let in, no traffic has been measured yet")
    return yes(f"{seen.signals.load.requests} requests in the last minute, well")


def let_in(run: Run, target: Target, seen: Balance) -> None:
    if seen.out or not tried_before(run, LET_IN):  # else it is in by an act whose answer was lost: traffic is to come
        dns_and_levers.set_lever(run, target.region, seen.kept, out=False)


def put_lever_back(run: Run, target: Target, before: Balance) -> None:
    dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=before.out)


LET_IN = Step(
    title=LETTING_IN,
    plan="A.manual 4",
    changes="the lever says in: the region gets the first part of its traffic; it goes out again if that does not hold",
    look=see_let_in,
    expect=is_let_in,
    act=let_in,
    undo=put_lever_back,
    back_out=keep_out,
    targets=lambda run: [Target(failed(run))],
    needs=(RECONCILE.title, LOWER.title, CHECK_BACK.title, ROUTING_IN.title),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"LET {failed(run)} IN WITH {run.facts.steps_percent[0]:g} % OF ITS TRAFFIC",
    way=Way.REVERSIBLE,
    within=600,
    every=60,
    hold=minutes("gate_minutes"),
    shows=show_balance,
    permissions=("s3:PutObject",),
    waiver=FAILBACK,
)


def _part(title: str, number: int, needs: Callable[[], str]) -> Step:
    """One part of the way back: the record set's weight, a gate that must hold, the lever pulled again where not."""

    def look(run: Run, target: Target) -> Balance:
        return _see_balance(run, target, step)

    def expect(run: Run, target: Target, seen: Balance) -> Check:
        if seen.out:
            return never(f"the lever keeps the region out: go back to {LET_IN.title}")
        held, wanted = gate(run, seen), part(run, number)
        if held:
            return held
        if seen.record.weight < wanted:  # more than that was reached before this run was resumed
            return no(f"weight {seen.record.weight}, to be {wanted}")
        if not seen.everywhere:
            return no(f"weight {wanted}, not yet on all servers")
        if not seen.signals.load.requests:
            return no("no traffic has been measured")
        return yes(f"weight {seen.record.weight}, {seen.signals.load.requests} requests in the last minute, well")

    def act(run: Run, target: Target, seen: Balance) -> str:
        return weigh(run, target, seen.record, part(run, number))

    def undo(run: Run, target: Target, before: Balance) -> str:
        return weigh(run, target, before.record, before.record.weight)

    step = Step(
        title=title,
        plan="A.manual 4",
        changes="the region's record set is written whole with more of its weight; it goes out if that does not hold",
        look=look,
        expect=expect,
        act=act,
        undo=undo,
        back_out=keep_out,
        targets=lambda run: [Target(failed(run))],
        needs=(needs(),),
        consent=Consent.GO,
        phrase=lambda run, states: f"GIVE {failed(run)} {run.facts.steps_percent[number]:g} % OF ITS TRAFFIC",
        way=Way.REVERSIBLE,
        within=600,
        every=60,
        hold=minutes("gate_minutes"),
        shows=show_balance,
        permissions=("route53:ChangeResourceRecordSets",),
        waiver=FAILBACK,
    )
    return step


SECOND = _part("Rebalance, second part", 1, lambda: LET_IN.title)
THIRD = _part("Rebalance, third part", 2, lambda: SECOND.title)
FULL = _part("Rebalance in full", 3, lambda: THIRD.title)


# ── 26 Tell users that it is resolved ────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: Run) -> str:
    return "The data center has recovered, and the service runs from all regions again. Thank you for your patience."


RESOLVED = resolved("Tell users that it is resolved", words_resolved, plan="A.manual 2", needs=(FULL.title,))


# ── 27 Close ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Closed:
    """The DNS settings now, how users are served from all regions, when this plan was drilled last."""

    records: tuple[Record, ...]
    check: HealthCheck
    out: bool
    users: Users
    last_drill: datetime | None
    next_drill: datetime | None


def see_closed(run: Run, target: Target) -> Closed:
    last = last_drill(run)
    return Closed(
        route53.records(run.aws, run.facts.zone, run.facts.record),
        dns_and_levers.own_check(run, failed(run)),
        failed(run) in dns_and_levers.lever(run, failed(run)).out,
        region_health.read_users(run, serves(run)),
        last,
        last + timedelta(days=run.facts.drill_every_days) if last else None,
    )


def is_closed(run: Run, target: Target, seen: Closed) -> Check:
    before = saved(run)
    found = [f"record set {record.id} is not as it was" for record in seen.records if record not in before.records]
    found += [f"record set {record.id} is gone" for record in before.records if record.id not in _ids(seen.records)]
    found += [] if seen.check == before.check else ["the health check is not as it was"]
    found += [f"the lever keeps {failed(run)} out"] if seen.out else []
    found += region_health.failing(run, seen.users)
    drills = said(seen.last_drill, seen.next_drill, run.clock.now())
    if found:
        return no(f"{'; '.join(found)}; {drills}")
    return yes(f"DNS is as it was, record by record; users are well; {drills}")


def _ids(records: tuple[Record, ...]) -> set[str]:
    return {record.id for record in records}


def show_closed(run: Run, states: Mapping[Target, Closed]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield _compared(saved(run).records, seen.records)
    minutes = 60.0
    begun = min(run.moments.values(), default=None)
    if begun:
        minutes = max(minutes, (run.clock.now() - begun).total_seconds() // 60 + 10)
    yield region_health.traffic_chart(run, "traffic-whole", run.service.regions, minutes)
    yield region_health.users_chart(run, "users-whole", serves(run), minutes)
    yield dns_and_levers.checkers_chart(run, "checkers-whole", minutes=minutes)
    yield failover_times(run, "failover-times-whole")


def _compared(before: tuple[Record, ...], now: tuple[Record, ...]) -> Table:
    was = {record.id: record for record in before}
    rows = tuple(
        (
            record.id,
            was[record.id].weight if record.id in was else None,
            record.weight,
            record.health_check,
            "as it was" if was.get(record.id) == record else "NOT AS IT WAS",
        )
        for record in now
    )
    columns = ("record set", "weight before", "weight now", "health check", "whole record")
    return Table("dns-compared", "DNS, compared record by record with what was saved", columns, rows)


CLOSE = Step(
    title="Close",
    plan="A.RTO, A.RPO",
    changes="nothing: DNS compared with what was saved, users, when the next drill is due",
    look=see_closed,
    expect=is_closed,
    targets=of_failed("DNS with"),
    needs=(FULL.title,),
    within=120,
    every=30,
    shows=show_closed,
    waiver=FAILBACK,
)
