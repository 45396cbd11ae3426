"""Plan A, phase 2: whether DNS has moved users by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from drcore.calls.gate import HOME_OF_GLOBAL, Waiver
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step
from drcore.errors import Unknown
from drcore.plans.a import dns_and_levers, region_charts, region_health, titles
from drcore.plans.a.dns_and_levers import Answers
from drcore.plans.a.facts import ARun
from drcore.plans.a.regions import (
    automation_waits_s,
    computed_automation_s,
    computed_failover_s,
    failed,
    fault_time,
    of_failed,
    serving,
    serving_region,
)
from drcore.record.evidence import Exhibit, Series, Table
from drcore.services import route53
from drcore.services.route53 import HealthCheck

# ── Health checks ────────────────────────────────────────────────────────────────────────────────────────────────────

ROUTE53 = Waiver(
    "Route 53's API is in us-east-1 only. Its answer is shown, but not needed: without one, DNS itself is queried, "
    "and the step says that the control plane is down",
    ("route53",),
)


@dataclass(frozen=True, slots=True)
class Checking:
    """How many of the checkers see the failed region down, how many see the others down, how the check is set.

    `silent` says why Route 53's control plane could not be asked; empty when it could.
    """

    down_percent: float | None
    others_down_percent: float | None
    setting: HealthCheck | None
    silent: str = ""

    def describe(self) -> str | Mapping[str, object]:
        return self.silent or {
            "checkers that report the region down": f"{self.down_percent} %",
            "checkers that report another region down": f"{self.others_down_percent} %",
            "health check": self.setting,
        }


def see_checkers(run: ARun, target: Target) -> Checking:
    checks = run.facts.health_checks
    try:
        setting = route53.health_check(run.aws, checks[failed(run)])
        down = route53.checkers(run.aws, checks[failed(run)]).down_percent
        others = [route53.checkers(run.aws, checks[other.region]).down_percent for other in serving(run)]
    except Unknown as error:
        if failed(run) != HOME_OF_GLOBAL:
            raise
        return Checking(None, None, None, str(error))  # its control plane stands in the region that is away
    return Checking(down, max((percent for percent in others if percent is not None), default=None), setting)


def wrong_setting(run: ARun, setting: HealthCheck) -> list[str]:
    """What is wrong with how a health check is set, in words."""
    facts, problems = run.facts, []
    if setting.disabled:
        problems.append("it is disabled, which means always healthy")
    if setting.inverted:
        problems.append("it is inverted")
    if setting.address:
        problems.append(f"it asks {setting.address}, a fixed address: those of a load balancer change")
    elif setting.host != facts.health_hosts[failed(run)]:
        problems.append(f"it asks {setting.host}, which is not the region's {facts.health_hosts[failed(run)]}")
    if setting.path != facts.health_path:
        problems.append(f"it asks for {setting.path}, not for {facts.health_path}")
    if (setting.interval, setting.threshold) != (facts.checker_interval_s, facts.failure_threshold):
        problems.append(
            f"{setting.interval} s times {setting.threshold} are not the parameters' interval and threshold"
        )
    return problems


def checkers_see_it(run: ARun, target: Target, seen: Checking) -> Check:
    if "failover" in run.moments:
        return yes("DNS moved before this run was resumed")
    if seen.silent:
        return never(
            f"the control plane of Route 53 does not answer; the health checkers go on without it: {seen.silent}"
        )
    wrong = "; ".join(wrong_setting(run, seen.setting)) if seen.setting else ""
    why = f"{seen.down_percent} % of the checkers report {failed(run)} down{f'; {wrong}' if wrong else ''}"
    if seen.down_percent is not None and seen.down_percent >= run.facts.thresholds.checker_down_percent:
        return yes(why)
    return no(why)


def show_checkers(run: ARun, states: Mapping[Target, Checking]) -> Iterator[Exhibit]:
    asked = [(time, seen) for time, _, seen in run.looks(titles.HEALTH_CHECKS) if seen and not seen.silent]
    if asked:
        times, down = tuple(time for time, _ in asked), tuple(seen.down_percent for _, seen in asked)
        yield dns_and_levers.checkers_chart(run, "checkers", (Series(f"{failed(run)}, read by this run", times, down),))


HEALTH_CHECKS = Step(
    titles.HEALTH_CHECKS,
    changes="nothing: reads how many of Route 53's health checkers report the region down",
    look=see_checkers,
    expect=checkers_see_it,
    targets=of_failed("health checkers of"),
    needs=(titles.CONFIRM,),
    gate=False,
    only_tells=True,
    patience=Patience(within=lambda run: run.facts.checker_interval_s * run.facts.failure_threshold + 30, every=10),
    shows=show_checkers,
    waiver=ROUTE53,
)


# ── Confirm failover ─────────────────────────────────────────────────────────────────────────────────────────────────


def see_answers(run: ARun, target: Target) -> Answers:
    before = run.looks(titles.FAILOVER)
    silent = before[-1][2].api_silent if before else ""
    return (
        replace(dns_and_levers.read_name_servers(run), api_silent=silent)
        if silent
        else dns_and_levers.read_answers(run)
    )  # waited for once only


def dns_has_moved(run: ARun, target: Target, seen: Answers) -> Check:
    if "failover" in run.moments:
        return yes(f"DNS moved at {run.moments['failover']:%H:%M:%S}, seen before this run was resumed")
    why = f"DNS answers: {seen}"
    if seen.api_silent:
        why += f"; the control plane of Route 53 does not answer, which says nothing of DNS itself: {seen.api_silent}"
    elif failed(run) in seen.api and not seen.of(failed(run)):
        why += f"; the API still answers {failed(run)}, but clients follow the name servers"
    if seen.of(failed(run)):
        return no(why)
    return (
        unknown(f"{why}. Of {seen.unknown_percent:g} % of them it is not known where they lead")
        if (seen.unknown_percent)
        else yes(why)
    )


def show_failover(run: ARun, states: Mapping[Target, Answers]) -> Iterator[Exhibit]:
    looks = [(time, seen) for time, _, seen in run.looks(titles.FAILOVER) if seen]
    yield dns_and_levers.answers_chart(run, "dns-answers", looks)
    yield region_charts.traffic_chart(run, "traffic", run.service.regions)
    yield failover_times(run, "failover-times")


def failover_times(run: ARun, name: str) -> Table:
    facts, start = run.facts, fault_time(run)
    checks = facts.checker_interval_s * facts.failure_threshold
    users = region_health.read_users(run, serving_region(run))
    last = round((users.last_client - start).total_seconds(), 1) if users.last_client and start else None
    rows = [
        ("checkers agree", f"{facts.checker_interval_s:g} s times {facts.failure_threshold}", checks, None),
        ("DNS moves", f"+ {facts.propagation_s:g} s", checks + facts.propagation_s, _after(run, start, "failover")),
        ("users are well", "not computed", None, _after(run, start, "healthy")),
        ("the last client moves", f"+ {facts.ttl_s:g} s TTL", computed_failover_s(run), last),
    ]
    columns = ("event", "computed from", "computed, at most, s", "measured, s")
    return Table(name, "Failover times, computed and measured", columns, tuple(rows))


def by_whom(run: ARun, name: str) -> Table:
    """The automatic failover and the levers pulled by a person, apart, as what follows from them differs.

    The target holds for the automatic failover. Where a person had to pull a lever it is measured, and said to be
    missed where it is: that the levers worked does not make the automation work.
    """
    target, start, well = 60 * run.facts.rto_minutes, fault_time(run), _after(run, fault_time(run), "healthy")
    moved, pulled = _after(run, start, "failover"), levers_pulled(run)
    waited = f"not within {computed_automation_s(run) + 30:g} s of the fault"
    itself = moved is not None and not pulled
    rows = (
        (
            "automatic failover",
            f"DNS moved after {moved:g} s" if itself else waited,
            well if itself else None,
            target,
            _met(well, target) if itself else "TARGET MISSED",
        ),
        (
            "levers pulled by a person",
            ", ".join(pulled) or "none was needed",
            well if pulled else None,
            target,
            _met(well, target) if pulled else "not used",
        ),
    )
    columns = ("who", "what", "users are well after, s", "target, s", "target met")
    return Table(name, "Failover by itself, and by a person", columns, rows)


def levers_pulled(run: ARun) -> tuple[str, ...]:
    """The levers that this run has pulled to take the region out, in words."""
    levers = (titles.ROUTING_OUT, titles.LEVER_OUT, titles.CHECK_OUT)
    return tuple(lever.title for lever in levers if run.intended(lever, Target(failed(run))))


def _met(seconds: float | None, target: float) -> str:
    if seconds is None:
        return "not yet known"
    return "yes" if seconds <= target else "TARGET MISSED"


def _after(run: ARun, start: datetime | None, moment: str) -> float | None:
    at = run.moments.get(moment)
    return round((at - start).total_seconds(), 1) if at and start else None


FAILOVER = Step(
    titles.FAILOVER,
    changes="nothing: queries the name servers, then Route 53's API, for where clients are sent",
    look=see_answers,
    expect=dns_has_moved,
    targets=of_failed("failover from"),
    needs=(titles.CONFIRM,),
    gate=False,
    goes_on=True,  # where it is not known where DNS leads, the levers are pulled
    patience=Patience(within=automation_waits_s, every=10),
    shows=show_failover,
    settles=Settles("failover"),
    waiver=ROUTE53,
)


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (HEALTH_CHECKS, FAILOVER)
