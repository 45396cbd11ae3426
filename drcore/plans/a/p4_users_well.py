"""Plan A, phase 4: users are well again, which ends the RTO; the status page says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepResult, Target, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step
from drcore.plans.a import region_charts, region_health, titles
from drcore.plans.a.facts import ARun
from drcore.plans.a.p2_failover import by_whom, failover_times, levers_pulled
from drcore.plans.a.region_health import UserFailures
from drcore.plans.a.regions import computed_failover_s, serving, serving_region
from drcore.plans.shared.status_page import update
from drcore.record.evidence import Exhibit

# ── Users are well again ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class MarketsServed:
    """How users are served in each market, how the regions that go on do over the last minute."""

    users: UserFailures = field(metadata=label(""))
    load: region_health.Load = field(metadata=label(""))


def see_served(run: ARun, target: Target) -> MarketsServed:
    return MarketsServed(region_health.read_users(run, target.region), region_health.read_load(run, target.region, 1))


def users_are_well(run: ARun, target: Target, seen: MarketsServed) -> Check:
    facts, load = run.facts.thresholds, seen.load
    problems = region_health.failing(run, seen.users)
    if load.error_percent is not None and load.error_percent > facts.error_rate_percent:
        problems.append(f"{load.error_percent:.1f} % errors")
    if load.p99_ms is not None and load.p99_ms > facts.p99_ms:
        problems.append(f"p99 {load.p99_ms:.0f} ms")
    if problems:
        return no("; ".join(problems))
    unmeasured = [market for market, value in seen.users.percent if value is None]
    if unmeasured or load.requests < run.facts.minimum_sample:
        missing = (
            f"no probe from {', '.join(unmeasured)}" if unmeasured else f"{load.requests} requests in the last minute"
        )
        return unknown(f"{missing}: too little data")
    by_market = ", ".join(f"{market} {value:.2g} %" for market, value in seen.users.percent)
    return yes(
        f"failing users: {by_market}; {load.requests} requests in the last minute, {load.error_percent:g} % errors"
    )


def when_well(result: StepResult) -> datetime | None:
    """When the last bad minute ended: the metrics tell it better than the look that read them."""
    ended = [each.after.users.well_since for each in result.targets if each.after]
    return max((at for at in ended if at), default=result.since) if result.since else None


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
        within=lambda run: 60 * run.facts.failover_minutes + 2 * computed_failover_s(run),
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
