"""Plan A, the first part: from the first sign until the failed region is out, for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from drcore.calls.gate import Waiver
from drcore.clock import parse_time
from drcore.engine.consent import Consent
from drcore.engine.preflight import elsewhere
from drcore.engine.step import Check, Outcome, Step, StepResult, Target, Way, minutes, never, no, yes
from drcore.errors import Rejected, Unknown
from drcore.plans.a import dns_and_levers, region_health
from drcore.plans.a.dns_and_levers import Answers
from drcore.plans.a.facts import (
    computed_failover_s,
    failed,
    fault_time,
    let_in_again,
    of_failed,
    serves,
    serving,
    tried_before,
)
from drcore.plans.a.region_health import Signals, Users
from drcore.plans.shared.detection import detect
from drcore.plans.shared.on_call import notify_on_call
from drcore.plans.shared.status_page import investigating
from drcore.record import history
from drcore.record.evidence import Exhibit, Series, Table
from drcore.services import arc, health, route53
from drcore.services.route53 import HealthCheck

if TYPE_CHECKING:
    from drcore.engine.context import Run


# ── 1 Detect ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Detected:
    """A region's signals, with how users are served by what this region's copy of the probe says (None: no answer)."""

    signals: Signals
    users: Users | None


def see_signals(run: Run, target: Target) -> Detected:
    try:
        users = region_health.read_users(run, target.region)
    except Unknown:
        users = None
    return Detected(region_health.read_signals(run, target.region, run.facts.window_minutes), users)


def where_to_look(run: Run) -> list[Target]:
    return [Target(region) for region in run.service.regions if region != run.calls.away]


def trouble_is_seen(run: Run, target: Target, seen: Detected) -> Check:
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.failed_region:
        users = "; ".join(region_health.failing(run, seen.users)) if seen.users else ""
        return yes(f"{run.failed_region} was named: {run.incident.reason or 'no reason given'}. {users}".rstrip(". "))
    found = region_health.trouble(run, seen.signals)
    if found:
        return yes("; ".join(found))
    unseen = region_health.unmeasured(seen.signals)
    return no(f"no trouble; not known: {'; '.join(unseen)}" if unseen else "no trouble")


def when_detected(result: StepResult) -> datetime | None:
    return result.since if result.outcome in (Outcome.DONE, Outcome.ALREADY) else None


def show_trouble(run: Run, states: Mapping[Target, Detected]) -> Iterator[Exhibit]:
    signals = {target: seen.signals for target, seen in states.items()}
    yield region_health.signals_table("detected", "What each region shows", signals)
    yield region_health.users_chart(run, "detected-users", run.service.runner_region)
    if not run.calls.away:
        yield _said_by_aws(run)


def _said_by_aws(run: Run) -> Table:
    title = "What AWS Health says; it comes late, and is never waited for"
    columns = ("service", "region", "issue", "since")
    try:
        found = health.issues(run.aws, run.service.regions)
    except (Unknown, Rejected) as error:
        return Table("aws-health", title, columns, ((f"not known: {error}", "", "", ""),))
    return Table("aws-health", title, columns, tuple((e.service, e.region, e.code, e.began) for e in found))


DETECT = detect(
    plan="A.trigger",
    changes="nothing: core services of each region, the external probe, AWS Health are read",
    look=see_signals,
    expect=trouble_is_seen,
    targets=where_to_look,
    every=10,
    shows=show_trouble,
    at=when_detected,
)


# ── 2 Confirm the failed region ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Proposal:
    """The region that is to be confirmed as failed (empty: none), why, and what has been decided (empty: nothing)."""

    region: str
    evidence: str = field(compare=False)
    choice: str = ""
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_proposal(run: Run, target: Target) -> Proposal:
    decided = run.decided(CONFIRM)
    states = run.results[DETECT.title].states if DETECT.title in run.results else {}
    found = {each.region: region_health.trouble(run, seen.signals) for each, seen in states.items()}
    told = "; ".join(f"{region}: {', '.join(why) or 'no trouble'}" for region, why in found.items())
    return Proposal(
        failed(run),
        run.incident.reason if run.incident.failed_region else told,
        decided.choice,
        decided.by,
        decided.reason,
    )


def is_confirmed(run: Run, target: Target, seen: Proposal) -> Check:
    if seen.choice:
        return yes(f"{seen.choice}, by {seen.by}: {seen.reason}")
    if run.incident.failed_region:
        return yes(f"{seen.region} was named in the parameters: {seen.evidence or 'no reason given'}")
    if not seen.region:
        return never(
            f"no one region shows that it has failed ({seen.evidence}). If you know better, name it: -p failed_region="
        )
    if seen.region == run.service.runner_region:
        return never(f"the runner stands in {seen.region}, the region that has failed: {elsewhere(run)}")
    return no(f"to be confirmed: {seen.region} has failed ({seen.evidence})")


def confirm(run: Run, target: Target, seen: Proposal) -> None:
    run.decide(CONFIRM, f"{seen.region} has failed", failed_region=seen.region)


CONFIRM = Step(
    title="Confirm the failed region",
    plan="A.manual 1",
    changes="records who confirmed which region has failed; from now on nothing is asked of it",
    look=see_proposal,
    expect=is_confirmed,
    act=confirm,
    needs=(DETECT.title,),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"{failed(run)} HAS FAILED, {serves(run)} SERVES",
    way=Way.REVERSIBLE,
    within=10,
    moment="decided",
)


# ── 3 Notify on-call, 4 Tell users that we investigate ───────────────────────────────────────────────────────────────


def words_for_on_call(run: Run) -> str:
    if not failed(run):
        return ""
    seen = run.results.get(CONFIRM.title)
    return f"Region {failed(run)} has failed. {seen.why if seen else ''}".strip()


NOTIFY = notify_on_call(words_for_on_call, plan="A.manual 1", needs=(CONFIRM.title,))


def words_investigating(run: Run) -> str:
    if not failed(run):
        return ""
    return "We are investigating a problem at one of our hosting provider's data centers. Some requests may fail."


INVESTIGATING = investigating(
    "Tell users that we investigate", words_investigating, plan="A.manual 2", needs=(CONFIRM.title,)
)


# ── 5 Health checks ──────────────────────────────────────────────────────────────────────────────────────────────────

ROUTE53 = Waiver(
    "Route 53 can be asked in us-east-1 only. Its answer is looked at, not needed: where none comes, DNS itself is "
    "asked, and the step says that the control plane is down",
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


def see_checkers(run: Run, target: Target) -> Checking:
    checks = run.facts.health_checks
    try:
        setting = route53.health_check(run.aws, checks[failed(run)])
        down = route53.checkers(run.aws, checks[failed(run)]).down_percent
        others = [route53.checkers(run.aws, checks[each.region]).down_percent for each in serving(run)]
    except Unknown as error:
        return Checking(None, None, None, str(error))
    return Checking(down, max((each for each in others if each is not None), default=None), setting)


def wrong_setting(run: Run, setting: HealthCheck) -> list[str]:
    """What is wrong with how a health check is set, in words."""
    facts, found = run.facts, []
    if setting.disabled:
        found.append("it is disabled, which means always healthy")
    if setting.inverted:
        found.append("it is inverted")
    if setting.address and setting.address != facts.addresses[failed(run)]:
        found.append(f"it asks {setting.address}, which is not the region's {facts.addresses[failed(run)]}")
    if setting.path != facts.health_path:
        found.append(f"it asks for {setting.path}, not for {facts.health_path}")
    if (setting.interval, setting.threshold) != (facts.checker_interval_s, facts.failure_threshold):
        found.append(f"{setting.interval} s times {setting.threshold} are not the parameters' interval and threshold")
    return found


def checkers_see_it(run: Run, target: Target, seen: Checking) -> Check:
    if "failover" in run.moments:
        return yes("DNS has moved, seen before this run was resumed")
    if seen.silent:
        return never(f"the control plane of Route 53 does not answer; its checkers go on without it: {seen.silent}")
    wrong = "; ".join(wrong_setting(run, seen.setting)) if seen.setting else ""
    told = f"{seen.down_percent} % of the checkers see {failed(run)} down" + (f"; {wrong}" if wrong else "")
    if seen.down_percent is not None and seen.down_percent >= run.facts.thresholds.checker_down_percent:
        return yes(told)
    return no(told)


def show_checkers(run: Run, states: Mapping[Target, Checking]) -> Iterator[Exhibit]:
    asked = [(time, seen) for time, _, seen in run.watched.get(CHECKS.title, ()) if seen and not seen.silent]
    if asked:
        times, down = tuple(time for time, _ in asked), tuple(seen.down_percent for _, seen in asked)
        yield dns_and_levers.checkers_chart(run, "checkers", (Series(f"{failed(run)}, asked", times, down),))


CHECKS = Step(
    title="Health checks",
    plan="A.auto 1",
    changes="nothing: asks how many of Route 53's checkers see the region down",
    look=see_checkers,
    expect=checkers_see_it,
    targets=of_failed("checkers of"),
    needs=(CONFIRM.title,),
    gate=False,
    within=lambda run: run.facts.checker_interval_s * run.facts.failure_threshold + 30,
    every=10,
    shows=show_checkers,
    waiver=ROUTE53,
)


# ── 6 Confirm failover ───────────────────────────────────────────────────────────────────────────────────────────────


def see_answers(run: Run, target: Target) -> Answers:
    before = run.watched.get(FAILOVER.title)
    silent = before[-1][2].api_silent if before else ""
    return (
        replace(dns_and_levers.quick(run), api_silent=silent) if silent else dns_and_levers.ask(run)
    )  # waited for once only


def dns_has_moved(run: Run, target: Target, seen: Answers) -> Check:
    if "failover" in run.moments:
        return yes(f"DNS moved at {run.moments['failover']:%H:%M:%S}, seen before this run was resumed")
    told = f"DNS: {seen}"
    if seen.api_silent:
        told += f"; the control plane of Route 53 does not answer, which says nothing of DNS: {seen.api_silent}"
    elif failed(run) in seen.api and not seen.of(failed(run)):
        told += f"; the API still says {failed(run)}, but the answers of the name servers count"
    return no(told) if seen.of(failed(run)) else yes(told)


def show_failover(run: Run, states: Mapping[Target, Answers]) -> Iterator[Exhibit]:
    looks = [(time, seen) for time, _, seen in run.watched.get(FAILOVER.title, ()) if seen]
    yield dns_and_levers.answers_chart(run, "dns-answers", looks)
    yield region_health.traffic_chart(run, "traffic", run.service.regions)
    yield failover_times(run, "failover-times")


def failover_times(run: Run, name: str) -> Table:
    facts, start = run.facts, fault_time(run)
    checks = facts.checker_interval_s * facts.failure_threshold
    users = region_health.read_users(run, serves(run))
    last = round((users.last_client - start).total_seconds(), 1) if users.last_client and start else None
    rows = [
        ("checkers agree", f"{facts.checker_interval_s:g} s times {facts.failure_threshold}", checks, None),
        ("DNS moves", f"+ {facts.propagation_s:g} s", checks + facts.propagation_s, _after(run, start, "failover")),
        ("users are well", "", None, _after(run, start, "healthy")),
        ("the last client moves", f"+ {facts.ttl_s:g} s TTL", computed_failover_s(run), last),
    ]
    return Table(name, "Failover, computed and measured", ("what", "how", "at most, s", "measured, s"), tuple(rows))


def _after(run: Run, start: datetime | None, moment: str) -> float | None:
    at = run.moments.get(moment)
    return round((at - start).total_seconds(), 1) if at and start else None


FAILOVER = Step(
    title="Confirm failover",
    plan="A.auto 2, A.manual 1",
    changes="nothing: asks the name servers themselves, then Route 53's API, where clients are sent",
    look=see_answers,
    expect=dns_has_moved,
    targets=of_failed("DNS without"),
    needs=(CONFIRM.title,),
    gate=False,
    within=minutes("failover_minutes"),
    every=10,
    shows=show_failover,
    moment="failover",
    waiver=ROUTE53,
)


# ── 7 to 9 The levers, where DNS has not moved by itself ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Pulled:
    """Whether a lever keeps the region out, where DNS sends clients. `of` is what a change of the lever needs to know.

    `waited`: it was pulled, and DNS has had its time to follow. `unused`: why it is not there to be pulled.
    """

    out: bool
    answers: Answers = field(compare=False)
    of: arc.Control | dns_and_levers.Kept | HealthCheck | None = field(compare=False)
    waited: bool = field(default=False, compare=False)
    unused: str = field(default="", compare=False)


def _waited(run: Run, step: Step) -> bool:
    pulled = history.act_of(run.record.events, step.title)
    since = parse_time(pulled.last["time"]) if pulled else run.clock.now()
    return run.clock.now() - since >= timedelta(minutes=run.facts.lever_minutes)


def _is_done(run: Run, step: Step, seen: Pulled) -> bool:
    """Whether this run has pulled the lever already, by an act whose answer was lost: then DNS is only waited for."""
    return seen.out and tried_before(run, step)


def is_pulled(run: Run, target: Target, seen: Pulled) -> Check:
    at = run.moments.get("failover")
    if at:
        return yes(f"not needed: DNS moved at {at:%H:%M:%S}")
    if not seen.answers.of(failed(run)):
        return yes(f"DNS has followed: {seen.answers}")
    if seen.unused:
        return yes(f"{seen.unused}: go on to the next lever")
    if seen.out and seen.waited:
        return yes(f"it is out, but DNS does not follow: {seen.answers}. Go on to the next lever")
    return no(f"it is {'out' if seen.out else 'in'}; DNS: {seen.answers}")


def when_followed(result: StepResult) -> datetime | None:
    followed = all(
        each.after and not dict(each.after.answers.percent).get(each.target.region) for each in result.targets
    )
    return result.since if followed and result.outcome is Outcome.DONE else None


def _lever(title: str, changes: str, look: Callable[[Run, Target], Pulled], **differs: Any) -> Step:
    """A lever as a step: pulled only where DNS has not moved, given its time before the next one is pulled."""
    given: dict[str, Any] = {
        "expect": is_pulled,
        "targets": lambda run: [Target(failed(run))],
        "consent": Consent.GO,
        "phrase": lambda run, states: f"KEEP {failed(run)} OUT: {changes}",
        "way": Way.REVERSIBLE,
        "within": lambda run: 60 * run.facts.lever_minutes + 30,
        "every": 10,
        "moment": "failover",
        "at": when_followed,
        "needs": (CONFIRM.title, FAILOVER.title),
    }
    return Step(title=title, plan="A.manual 1", changes=changes, look=look, **(given | differs))


# ── 7 Routing control out ────────────────────────────────────────────────────────────────────────────────────────────


def see_control_pulled(run: Run, target: Target) -> Pulled:
    answers = dns_and_levers.quick(run)
    if not run.facts.arc:
        return Pulled(False, answers, None, unused="there is no ARC cluster")
    try:
        control = dns_and_levers.control(run, target.region)
    except Unknown as error:
        return Pulled(False, answers, None, unused=str(error))
    return Pulled(not control.on, answers, control, _waited(run, ROUTING_OUT))


def turn_off(run: Run, target: Target, seen: Pulled) -> None:
    assert isinstance(seen.of, arc.Control)  # read wherever it is to be turned
    if not _is_done(run, ROUTING_OUT, seen):
        dns_and_levers.set_control(run, target.region, on=False, at=seen.of)


def turn_back(run: Run, target: Target, before: Pulled) -> None:
    dns_and_levers.set_control(run, target.region, on=not before.out, at=dns_and_levers.control(run, target.region))


ROUTING_OUT = _lever(
    "Routing control out",
    "the ARC routing control of the region → Off, at an endpoint in another region",
    see_control_pulled,
    act=turn_off,
    undo=turn_back,
    permissions=("route53-recovery-cluster:UpdateRoutingControlState",),
)


# ── 8 Lever out ──────────────────────────────────────────────────────────────────────────────────────────────────────


def see_lever_pulled(run: Run, target: Target) -> Pulled:
    kept = dns_and_levers.lever(run, target.region)
    return Pulled(target.region in kept.out, dns_and_levers.quick(run), kept, _waited(run, LEVER_OUT))


def pull(run: Run, target: Target, seen: Pulled) -> None:
    if not _is_done(run, LEVER_OUT, seen):
        dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=True)


def push(run: Run, target: Target, before: Pulled) -> None:
    dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=before.out)


LEVER_OUT = _lever(
    "Lever out",
    "the object that the region's health endpoint reads says out; the object lies in another region",
    see_lever_pulled,
    act=pull,
    undo=push,
    permissions=("s3:PutObject",),
)


# ── 9 Health check out ───────────────────────────────────────────────────────────────────────────────────────────────


def see_check_pulled(run: Run, target: Target) -> Pulled:
    answers = dns_and_levers.quick(run)
    if "failover" in run.moments or not answers.of(target.region):
        return Pulled(False, answers, None)  # nothing needs the control plane
    check = dns_and_levers.own_check(run, target.region)
    return Pulled(check.disabled and check.inverted, answers, check)


def pin(run: Run, target: Target, seen: Pulled) -> None:
    if not _is_done(run, CHECK_OUT, seen):
        route53.set_health_check(run.aws, setting_of(seen), disabled=True, inverted=True)


def unpin(run: Run, target: Target, before: Pulled) -> None:
    was = setting_of(before)
    now = dns_and_levers.own_check(run, target.region)
    route53.set_health_check(run.aws, now, disabled=was.disabled, inverted=was.inverted)


def setting_of(seen: Pulled) -> HealthCheck:
    assert isinstance(seen.of, HealthCheck)  # read wherever it is to be changed
    return seen.of


CHECK_OUT = _lever(
    "Health check out",
    "the region's health check is disabled and inverted: unhealthy, whatever its endpoint does",
    see_check_pulled,
    act=pin,
    undo=unpin,
    permissions=("route53:UpdateHealthCheck",),
    waiver=Waiver("the last lever: the two that need no control plane in us-east-1 have not moved DNS", ("route53",)),
)


# ── 10 Latch the region out ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Latched:
    """Whether the lever keeps the region out."""

    out: bool
    kept: dns_and_levers.Kept = field(compare=False)


def see_latch(run: Run, target: Target) -> Latched:
    kept = dns_and_levers.lever(run, target.region)
    return Latched(target.region in kept.out, kept)


def is_latched(run: Run, target: Target, seen: Latched) -> Check:
    if let_in_again(run):
        return yes("it was kept out, and this run has let it in again")
    return (
        yes("automatic out, manual in: it stays out until it is let in")
        if seen.out
        else no("it would come back by itself")
    )


def latch(run: Run, target: Target, seen: Latched) -> None:
    dns_and_levers.set_lever(run, target.region, seen.kept, out=True)


def unlatch(run: Run, target: Target, before: Latched) -> None:
    dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=before.out)


LATCH = Step(
    title="Latch the region out",
    plan="A.manual 3",
    changes="the lever says out: a region that flaps does not come back by itself",
    look=see_latch,
    expect=is_latched,
    act=latch,
    undo=unlatch,
    targets=lambda run: [Target(failed(run))],
    needs=(CONFIRM.title, CHECK_OUT.title),
    consent=Consent.GO,
    phrase=lambda run, states: f"KEEP {failed(run)} OUT UNTIL IT IS LET IN",
    way=Way.REVERSIBLE,
    within=20,
    every=2,
    permissions=("s3:PutObject",),
)
