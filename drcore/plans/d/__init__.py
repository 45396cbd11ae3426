"""Plan D: a major partner's API is out.

`titles.py` is the plan on one page. A phase is a file, its steps stand there in the order in which they are done.

What was decided (`paused.py`) is carried to every act in every region. The goal is that users are spared: no sync meets
the partner's trouble, the app says why. Letting the partner in again comes after it, however long the outage takes.
"""

from __future__ import annotations

from collections.abc import Iterator

from drcore.engine.outcome import Check, no, yes
from drcore.engine.preflight import checked
from drcore.engine.step import Plan, Round
from drcore.plans.d import (
    by_hand,
    p1_detect,
    p2_decide,
    p3_pause,
    p4_verify,
    p5_monitor,
    p6_let_in,
    p7_close,
    titles,
)
from drcore.plans.d.facts import DRun, Facts, Incident
from drcore.plans.d.p1_detect import ACKNOWLEDGE, DETECT, NOTIFY
from drcore.plans.d.p2_decide import DECIDE
from drcore.plans.d.p3_pause import CLEAR, PAUSE
from drcore.plans.d.p4_verify import PAUSED, VERIFY
from drcore.plans.d.p5_monitor import DECIDE_BACK, MONITOR, another_is_out
from drcore.plans.d.p6_let_in import BACKLOG, LET_IN, RESOLVED
from drcore.plans.d.p7_close import CLOSE
from drcore.plans.d.partner_signals import counted, read_page, read_rates
from drcore.plans.d.paused import all_flags
from drcore.plans.shared.flag_profiles import flags_in_place
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.plans.shared.on_call import on_call_topic, second_on_call_topic
from drcore.plans.shared.traffic import can_be_proved


def must_exist(run: DRun) -> Iterator[tuple[str, Check] | tuple[str, Check, bool]]:
    """Preflight: the way to on-call, the flags in every region, the credentials; traffic and pages stop nobody."""
    yield "partner", checked(_named, run)
    yield on_call_topic(run)
    yield second_on_call_topic(run)
    yield from flags_in_place(run, run.facts.flags, all_flags(run), ramp=True)
    for name in run.facts.partners:
        yield f"credential for {name}", checked(_credential, run, name), False
        yield f"status page of {name}", checked(_page, run, name), False
        for region in run.service.regions:
            yield f"traffic to {name} in {region}", checked(_traffic, run, region, name), False
    metrics = [each for name in run.facts.partners for each in counted(run, name)]
    yield from metrics_in_time(run, dict.fromkeys(run.service.regions, metrics))


def _named(run: DRun) -> Check:
    known = ", ".join(run.facts.partners)
    if run.incident.partner and run.incident.partner not in run.facts.partners:
        return no(f"expected one of {known}, seen {run.incident.partner!r}")
    return yes(run.incident.partner or f"none is named; known are {known}")


def _credential(run: DRun, name: str) -> Check:
    reference = run.facts.partners[name].credential
    run.secret(reference)
    return yes(f"{reference.secret} is there")


def _page(run: DRun, name: str) -> Check:
    page = read_page(run, name)
    return no(page.unread) if page.unread else yes(page.describe())


def _traffic(run: DRun, region: str, name: str) -> Check:
    minutes = run.facts.window_minutes
    rates, _ = read_rates(run, region, name, *run.metrics.last(minutes))
    made = sum(rate.calls or 0 for rate in rates)
    return can_be_proved(VERIFY.name, name, made, minutes, 1)


PLAN = Plan(
    id="d",
    title="Major third-party API outage",
    notebook="d_third_party_outage.ipynb",
    steps=(
        *p1_detect.STEPS,
        *p2_decide.STEPS,
        *p3_pause.STEPS,
        *p4_verify.STEPS,
        *p5_monitor.STEPS,
        *p6_let_in.STEPS,
        *p7_close.STEPS,
    ),
    goal=VERIFY,
    stands=titles.STANDS,
    rounds=(Round(titles.MONITOR, titles.RESOLVED, another_is_out),),  # each partner that is back later
    facts=Facts,
    incident=Incident,
    faults=(
        "partner-outage",
        "partner-degraded:duration=8,page_lag=2",
        "partner-outage-two:duration=8,page_lag=2,second_longer=10",
        "partner-status-page-lies:duration=8",
        "our-secret-expired:duration=8",
        "flag-deployment-in-the-way:duration=8,page_lag=2",
        "flag-under-experiment:duration=8,page_lag=2,deployment=true",
    ),
    short_of_goal=("flag-monitor-rolls-back:duration=8,page_lag=2",),  # an alarm takes back the pause: a person decides
    rto=lambda run: 60 * float(run.facts.rto_minutes),
    must_exist=must_exist,
    by_hand=by_hand.card,
)
