"""Plan A, phase 8: everything is as it was before the incident."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from drcore.engine.outcome import Check, Target, no, yes
from drcore.plans.a import dns_and_levers, region_charts, region_health, titles
from drcore.plans.a.facts import ARun
from drcore.plans.a.p2_failover import by_whom, failover_times
from drcore.plans.a.p6_fail_back import FAILBACK, saved
from drcore.plans.a.region_health import UserFailures
from drcore.plans.a.regions import failed, of_failed, serving_region
from drcore.plans.shared.close import close, drills
from drcore.plans.shared.status_page import resolved
from drcore.record.evidence import Exhibit, Table
from drcore.services import route53
from drcore.services.route53 import HealthCheck, RecordSet

# ── Tell users that it is resolved ───────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: ARun) -> str:
    return "The data center has recovered, and the service runs from all regions again. Thank you for your patience."


RESOLVED = resolved(titles.RESOLVED, words_resolved, needs=(titles.REBALANCE_FULL,))


# ── Close ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class EndState:
    """The DNS settings now, how users are served from all regions, when this plan was drilled last."""

    records: tuple[RecordSet, ...]
    check: HealthCheck
    out: bool
    users: UserFailures
    last_drill: datetime | None
    next_drill: datetime | None

    def describe(self) -> Mapping[str, object]:
        sets = {f"record set {record.id}": tuple(dns_and_levers.described(record).items()) for record in self.records}
        return {
            **sets,
            "health check": self.check,
            "kept out": self.out,
            **self.users.describe(),
            "last drill": self.last_drill,
            "next drill": self.next_drill,
        }


def see_closed(run: ARun, target: Target) -> EndState:
    return EndState(
        route53.records(run.aws, run.facts.zone, run.facts.record),
        dns_and_levers.own_check(run, failed(run)),
        failed(run) in dns_and_levers.lever(run, failed(run)).out,
        region_health.read_users(run, serving_region(run)),
        *drills(run),
    )


def is_closed(run: ARun, target: Target, seen: EndState) -> Check:
    before = saved(run)
    differences = [
        f"record set {record.id} is not as it was" for record in seen.records if record not in before.records
    ]
    differences += [
        f"record set {record.id} is gone" for record in before.records if record.id not in _ids(seen.records)
    ]
    differences += [] if seen.check == before.check else ["the health check is not as it was"]
    differences += [f"the lever keeps {failed(run)} out"] if seen.out else []
    differences += region_health.failing(run, seen.users)
    return no("; ".join(differences)) if differences else yes("all DNS record sets are as they were; users are well")


def _ids(records: tuple[RecordSet, ...]) -> set[str]:
    return {record.id for record in records}


def show_closed(run: ARun, states: Mapping[Target, EndState]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield _compared(saved(run).records, seen.records)
    minutes = 60.0
    begun = min(run.moments.values(), default=None)
    if begun:
        minutes = max(minutes, (run.clock.now() - begun).total_seconds() // 60 + 10)
    yield region_charts.traffic_chart(run, "traffic-whole", run.service.regions, minutes)
    yield region_charts.users_chart(run, "users-whole", serving_region(run), minutes)
    yield dns_and_levers.checkers_chart(run, "checkers-whole", minutes=minutes)
    yield failover_times(run, "failover-times-whole")
    yield by_whom(run, "failover-by-whom-whole")


def _compared(before: tuple[RecordSet, ...], now: tuple[RecordSet, ...]) -> Table:
    was = {record.id: record for record in before}
    rows = tuple(
        (
            record.id,
            was[record.id].weight if record.id in was else None,
            record.weight,
            record.health_check,
            "unchanged" if was.get(record.id) == record else "CHANGED",
        )
        for record in now
    )
    columns = ("record set", "weight before", "weight now", "health check", "record set as a whole")
    return Table("dns-compared", "DNS record sets compared with what was saved", columns, rows)


CLOSE = close(
    titles.CLOSE,
    changes="nothing: compares DNS with what was saved, reads how users are served, when the next drill is due",
    look=see_closed,
    expect=is_closed,
    targets=of_failed("DNS settings with"),
    needs=(titles.REBALANCE_FULL,),
    within=lambda run: 120 + run.metrics.delay_s,
    every=30,
    shows=show_closed,
    waiver=FAILBACK,
)


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (RESOLVED, CLOSE)
