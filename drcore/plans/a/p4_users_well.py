"""Plan A, phase 4: users are well again, which ends the RTO; the status page says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Between, Check, StepResult, Target, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step
from drcore.plans.a import region_charts, region_health, titles
from drcore.plans.a.facts import ARun
from drcore.plans.a.p2_failover import by_whom, failover_times, levers_pulled
from drcore.plans.a.region_health import UserFailures
from drcore.plans.a.regions import computed_failover_s, serving, serving_region
from drcore.plans.shared.good_minutes import GoodMinutes, last_look, too_early, when_good
from drcore.plans.shared.status_page import update
from drcore.record.evidence import Exhibit

# ── Users are well again ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class MarketsServed:
    """How users are served in each market, how the regions that go on do, over the last whole minute."""

    users: UserFailures = field(metadata=label(""))
    load: region_health.Load = field(metadata=label(""))
    minutes: GoodMinutes = field(metadata=label(""))


def see_served(run: ARun, target: Target) -> MarketsServed:
    before: MarketsServed | None = last_look(run, titles.USERS, target)
    return MarketsServed(*region_health.read_served(run, target.region, before.minutes if before else None))


def users_are_well(run: ARun, target: Target, seen: MarketsServed) -> Check:
    load = seen.load
    problems = region_health.failing(run, seen.users) + region_health.too_high(run, load)
    if problems:
        return no("; ".join(problems))
    unmeasured = [market for market, value in seen.users.percent if value is None]
    if unmeasured or load.requests < run.facts.minimum_sample:
        missing = (
            f"no probe from {', '.join(unmeasured)}"
            if unmeasured
            else f"{load.requests} requests in the last whole minute"
        )
        return unknown(f"{missing}: too little data")
    if seen.minutes.newly_bad:
        return no(f"the minute {seen.minutes.newly_bad:%H:%M} was not good")
    by_market = ", ".join(f"{market} {value:.2g} %" for market, value in seen.users.percent)
    measured = f"{load.requests} requests in the last whole minute, {load.error_percent:g} % errors"
    return too_early(run, seen.minutes) or yes(f"failing users: {by_market}; {measured}")


def when_well(result: StepResult) -> Between | datetime | None:
    """By the data of the minutes: the look that read them came later."""
    if not result.since:
        return None
    return when_good(seen.minutes for seen in result.states.values()) or result.since


def show_users(run: ARun, states: Mapping[Target, MarketsServed]) -> Iterator[Exhibit]:
    yield region_charts.users_chart(run, "users", serving_region(run))
    yield region_charts.traffic_chart(run, "traffic-after", run.service.regions)
    yield failover_times(run, "failover-times-measured")
    yield by_whom(run, "failover-by-whom")


USERS = Step(
    titles.USERS,
    changes="nothing: watches failing users in each market, errors, latency, for as long as they must be good",
    look=see_served,
    expect=users_are_well,
    targets=serving,
    needs=(titles.CONFIRM, titles.LATCH),
    patience=Patience(
        # Some resolvers keep an answer for longer than its TTL.
        within=lambda run: 60 * run.facts.failover_minutes + 2 * computed_failover_s(run) + run.metrics.delay_s,
        every=30,
        hold=lambda run: 60 * run.facts.hold_minutes,
    ),
    shows=show_users,
    settles=Settles("healthy", at=when_well),
)


# ── Tell users what we know ──────────────────────────────────────────────────────────────────────────────────────────


def words_rerouted(run: ARun) -> str:
    """The plan's own text, each sentence only where it was verified."""
    sentences = ["We are aware of a major outage affecting one of our hosting provider's data centers."]
    by_hand = levers_pulled(run)
    well = "healthy" in run.moments
    if "failover" in run.moments:
        moved = "We have rerouted traffic" if by_hand else "Our system has automatically rerouted traffic"
        sentences.append(f"{moved} to a healthy region" + (", and the service is operational." if well else "."))
        sentences.append("Some users may experience slightly increased latency.")
    return " ".join(sentences)


REROUTED = update(titles.REROUTED, words_rerouted, needs=(titles.INVESTIGATING, titles.USERS))


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (USERS, REROUTED)
