"""Plan A, phase 3: the levers that take the region out where DNS has not moved; the latch that keeps it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.calls.gate import Waiver
from drcore.clock import parse_time
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Outcome, StepName, StepResult, Target, no, yes
from drcore.engine.permissions import Permission, iam_actions
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.errors import Unknown
from drcore.plans.a import dns_and_levers, resources, titles
from drcore.plans.a.dns_and_levers import Answers
from drcore.plans.a.earlier import let_in_again, tried_before
from drcore.plans.a.facts import ARun, Facts
from drcore.plans.a.regions import failed
from drcore.plans.shared.decision import decision, taken
from drcore.services import arc, route53
from drcore.services.route53 import HealthCheck

# ── Pull the levers ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LeverDecision:
    """Where DNS sends clients after the automation has had its time; what was decided about it (empty: nothing)."""

    answers: Answers = field(compare=False, metadata=label(""))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_decision(run: ARun, target: Target) -> LeverDecision:
    return LeverDecision(dns_and_levers.read_name_servers(run), *taken(run, titles.PULL))


def is_to_be_pulled(run: ARun, target: Target, seen: LeverDecision) -> Check:
    at = run.moments.get("failover")
    if at:
        return yes(f"not needed: DNS moved at {at:%H:%M:%S}")
    if seen.answers.leave_out(failed(run)):
        return yes(f"not needed: DNS has moved: {seen.answers}")
    return no(f"the automation has had its time; DNS answers: {seen.answers}")


PULL = decision(
    titles.PULL,
    changes="records who decided to pull the levers: one after the other, the next only where DNS does not follow",
    look=see_decision,
    expect=is_to_be_pulled,
    choice=lambda run, seen: f"take {failed(run)} out by its levers",
    phrase=lambda run, states: f"TAKE {failed(run)} OUT: ROUTING CONTROL, THEN LEVER, THEN HEALTH CHECK",
    needs=(titles.CONFIRM,),
)


# ── The levers, where DNS has not moved by itself ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Pulled:
    """Whether a lever keeps the region out, where DNS sends clients. `of` is what a change of the lever needs to know.

    `waited`: it was pulled, and DNS has had its time to follow. `unused`: why it is not there to be pulled.
    """

    out: bool = field(metadata=label("kept out by this lever"))
    answers: Answers = field(compare=False)
    of: arc.Control | dns_and_levers.LeverState | HealthCheck | None = field(compare=False)
    waited: bool = field(default=False, compare=False)
    unused: str = field(default="", compare=False)


def _waited(run: ARun, step: StepName) -> bool:
    pulled = run.history.act(step)
    since = parse_time(pulled.last["time"]) if pulled else run.clock.now()
    return run.clock.now() - since >= timedelta(minutes=run.facts.lever_minutes)


def _is_done(run: ARun, step: StepName, seen: Pulled) -> bool:
    """Whether this run has pulled the lever already, by an act whose answer was lost: then DNS is only waited for."""
    return seen.out and tried_before(run, step)


def is_pulled(run: ARun, target: Target, seen: Pulled) -> Check:
    at = run.moments.get("failover")
    if at:
        return yes(f"not needed: DNS moved at {at:%H:%M:%S}")
    if seen.answers.leave_out(failed(run)):
        return yes(f"DNS has followed: {seen.answers}")
    if not (run.rehearsing or run.decided(titles.PULL).choice):
        return yes(f"not pulled: DNS had moved when that was to be decided. Now it answers: {seen.answers}")
    if seen.unused:
        return yes(f"{seen.unused}: go on to the next lever")
    if seen.out and seen.waited:
        return yes(f"set to out, but DNS does not follow: {seen.answers}. Go on to the next lever")
    return no(f"set to {'out' if seen.out else 'in'}; DNS answers: {seen.answers}")


def when_followed(result: StepResult) -> datetime | None:
    followed = all(each.after and each.after.answers.leave_out(each.target.region) for each in result.targets)
    return result.since if followed and result.outcome is Outcome.DONE else None


def _lever(
    name: StepName,
    changes: str,
    *,
    look: Callable[[ARun, Target], Pulled],
    act: Callable[[ARun, Target, Pulled], None],
    undo: Callable[[ARun, Target, Pulled], None],
    permissions: tuple[Permission, ...],
    waiver: Waiver | None = None,
) -> Step[Facts, Pulled]:
    """A lever as a step: pulled only where DNS has not moved, given its time before the next one is pulled.

    PULL has asked for all of them at once: a person who types a phrase for each loses a minute with each.
    """
    return Step(
        name,
        changes=changes,
        look=look,
        expect=is_pulled,
        act=act,
        undo=undo,
        targets=lambda run: [Target(failed(run))],
        needs=(titles.CONFIRM, titles.PULL),
        goes_on=True,
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=lambda run: 60 * run.facts.lever_minutes + 30, every=10),
        settles=Settles("failover", at=when_followed),
        permissions=permissions,
        waiver=waiver,
    )


# ── Routing control out ──────────────────────────────────────────────────────────────────────────────────────────────


def see_control_pulled(run: ARun, target: Target) -> Pulled:
    answers = dns_and_levers.read_name_servers(run)
    if not run.facts.arc:
        return Pulled(False, answers, None, unused="there is no ARC cluster")
    try:
        control = dns_and_levers.control(run, target.region)
    except Unknown as error:
        return Pulled(False, answers, None, unused=str(error))
    return Pulled(not control.on, answers, control, _waited(run, titles.ROUTING_OUT))


def turn_off(run: ARun, target: Target, seen: Pulled) -> None:
    assert isinstance(seen.of, arc.Control)  # read wherever it is to be turned
    if not _is_done(run, titles.ROUTING_OUT, seen):
        dns_and_levers.set_control(run, target.region, on=False, at=seen.of)


def turn_back(run: ARun, target: Target, before: Pulled) -> None:
    dns_and_levers.set_control(run, target.region, on=not before.out, at=dns_and_levers.control(run, target.region))


ROUTING_OUT = _lever(
    titles.ROUTING_OUT,
    "the region's ARC routing control → Off, at an endpoint in another region",
    look=see_control_pulled,
    act=turn_off,
    undo=turn_back,
    permissions=iam_actions("route53-recovery-cluster:UpdateRoutingControlState", on=resources.controls),
)


# ── Lever out ────────────────────────────────────────────────────────────────────────────────────────────────────────


def see_lever_pulled(run: ARun, target: Target) -> Pulled:
    kept = dns_and_levers.lever(run, target.region)
    return Pulled(
        target.region in kept.out, dns_and_levers.read_name_servers(run), kept, _waited(run, titles.LEVER_OUT)
    )


def pull(run: ARun, target: Target, seen: Pulled) -> None:
    if not _is_done(run, titles.LEVER_OUT, seen):
        dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=True)


def push(run: ARun, target: Target, before: Pulled) -> None:
    dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=before.out)


LEVER_OUT = _lever(
    titles.LEVER_OUT,
    "writes out to the object that the region's health endpoint reads, which is stored in another region",
    look=see_lever_pulled,
    act=pull,
    undo=push,
    permissions=iam_actions("s3:PutObject", on=resources.levers),
)


# ── Health check out ─────────────────────────────────────────────────────────────────────────────────────────────────


def see_check_pulled(run: ARun, target: Target) -> Pulled:
    answers = dns_and_levers.read_name_servers(run)
    if "failover" in run.moments or answers.leave_out(target.region):
        return Pulled(False, answers, None)  # nothing needs the control plane
    check = dns_and_levers.own_check(run, target.region)
    return Pulled(check.disabled and check.inverted, answers, check)


def pin(run: ARun, target: Target, seen: Pulled) -> None:
    if not _is_done(run, titles.CHECK_OUT, seen):
        route53.set_health_check(run.aws, setting_of(seen), disabled=True, inverted=True)


def unpin(run: ARun, target: Target, before: Pulled) -> None:
    was = setting_of(before)
    now = dns_and_levers.own_check(run, target.region)
    route53.set_health_check(run.aws, now, disabled=was.disabled, inverted=was.inverted)


def setting_of(seen: Pulled) -> HealthCheck:
    assert isinstance(seen.of, HealthCheck)  # read wherever it is to be changed
    return seen.of


CHECK_OUT = _lever(
    titles.CHECK_OUT,
    "disables and inverts the region's health check: unhealthy, whatever its endpoint answers",
    look=see_check_pulled,
    act=pin,
    undo=unpin,
    permissions=iam_actions("route53:UpdateHealthCheck", on=resources.checks),
    waiver=Waiver("the last lever: the two that need no control plane in us-east-1 have not moved DNS", ("route53",)),
)


# ── Latch the region out ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Latched:
    """Whether the lever keeps the region out."""

    out: bool = field(metadata=label("kept out"))
    kept: dns_and_levers.LeverState = field(compare=False)


def see_latch(run: ARun, target: Target) -> Latched:
    kept = dns_and_levers.lever(run, target.region)
    return Latched(target.region in kept.out, kept)


def is_latched(run: ARun, target: Target, seen: Latched) -> Check:
    if let_in_again(run):
        return yes("the region was kept out, and this run has let it in again")
    return (
        yes("the lever keeps the region out until somebody lets it in")
        if seen.out
        else no("the region would get traffic again as soon as its health check passes")
    )


def latch(run: ARun, target: Target, seen: Latched) -> None:
    dns_and_levers.set_lever(run, target.region, seen.kept, out=True)


def unlatch(run: ARun, target: Target, before: Latched) -> None:
    dns_and_levers.set_lever(run, target.region, dns_and_levers.lever(run, target.region), out=before.out)


LATCH = Step(
    titles.LATCH,
    changes="writes out to the lever, so that a region that flaps does not come back by itself",
    look=see_latch,
    expect=is_latched,
    act=latch,
    undo=unlatch,
    targets=lambda run: [Target(failed(run))],
    needs=(titles.CONFIRM,),
    consent=Consent.GO,
    phrase=lambda run, states: f"KEEP {failed(run)} OUT UNTIL IT IS LET IN",
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=20, every=2),
    permissions=iam_actions("s3:PutObject", on=resources.levers),
)


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (PULL, ROUTING_OUT, LEVER_OUT, CHECK_OUT, LATCH)
