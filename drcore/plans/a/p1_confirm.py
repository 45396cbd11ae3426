"""Plan A, phase 1: from the first sign of trouble to a person's word on which region has failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.calls.gate import HOME_OF_GLOBAL
from drcore.engine.labels import label
from drcore.engine.outcome import AS_EXPECTED, Check, StepResult, Target, never, no, yes
from drcore.engine.preflight import elsewhere
from drcore.errors import Rejected, Unknown
from drcore.plans.a import region_charts, region_health, titles
from drcore.plans.a.earlier import first_seen
from drcore.plans.a.facts import ARun
from drcore.plans.a.region_health import RegionSignals, UserFailures
from drcore.plans.a.regions import failed, serving_region
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.decision import decision, taken
from drcore.plans.shared.detection import detect
from drcore.plans.shared.on_call import notify_on_call
from drcore.plans.shared.status_page import investigating
from drcore.record.evidence import Exhibit, Table
from drcore.services import aws_status, health

# ── Detect ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Detected:
    """A region's signals, with how users are served by what this region's copy of the probe says."""

    signals: RegionSignals = field(metadata=label(""))
    users: UserFailures = field(metadata=label(""))


def see_signals(run: ARun, target: Target) -> Detected:
    try:
        users = region_health.read_users(run, target.region)
    except Unknown:
        users = region_health.unmeasured_users(run)
    return Detected(region_health.read_signals(run, target.region, run.facts.window_minutes), users)


def where_to_look(run: ARun) -> list[Target]:
    return [Target(region) for region in run.service.regions if region != run.calls.failed_region]


def trouble_is_seen(run: ARun, target: Target, seen: Detected) -> Check:
    if "detected" in run.moments:
        return yes("detected before this run was resumed")
    if run.failed_region:
        users = "; ".join(region_health.failing(run, seen.users))
        return yes(f"{run.failed_region} was named: {run.incident.reason or 'no reason given'}. {users}".rstrip(". "))
    trouble = region_health.trouble(run, seen.signals)
    if trouble:
        return yes("; ".join(trouble))
    unmeasured = region_health.unmeasured(seen.signals)
    return no(f"no trouble; not measured: {'; '.join(unmeasured)}" if unmeasured else "no trouble")


def when_detected(result: StepResult) -> datetime | None:
    return result.since if result.outcome in AS_EXPECTED else None


def show_trouble(run: ARun, states: Mapping[Target, Detected]) -> Iterator[Exhibit]:
    signals = {target: seen.signals for target, seen in states.items()}
    yield region_charts.signals_table("detected", "Signals by region", signals)
    yield region_charts.users_chart(run, "detected-users", run.service.runner_region)
    if not run.calls.failed_region:
        yield _aws_health(run)


def _aws_health(run: ARun) -> Table:
    title = "AWS Health events (delayed; the plan does not wait for them)"
    columns = ("service", "region", "issue", "since")
    try:
        issues = health.issues(run.aws, run.service.regions)
    except (Unknown, Rejected) as error:
        return Table("aws-health", title, columns, ((f"unknown: {error}", "", "", ""),))
    return Table("aws-health", title, columns, tuple((e.service, e.region, e.code, e.began) for e in issues))


DETECT = detect(
    titles.DETECT,
    changes="nothing: reads the core services of each region, the external probe, AWS Health",
    look=see_signals,
    expect=trouble_is_seen,
    targets=where_to_look,
    every=10,
    shows=show_trouble,
    at=when_detected,
)


# ── Confirm the failed region ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RegionProposal:
    """The region that is to be confirmed as failed (empty: none), why, and what has been decided (empty: nothing).

    `aws` is what AWS says about its regions. It gates nothing: it comes late, and may not come at all.
    """

    region: str = field(metadata=label("region"))
    evidence: str = field(compare=False)
    aws: str = field(compare=False, metadata=label("AWS says"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_proposal(run: ARun, target: Target) -> RegionProposal:
    detected = run.result(titles.DETECT)
    states = detected.states if detected else {}
    troubles = {target.region: region_health.trouble(run, seen.signals) for target, seen in states.items()}
    evidence = "; ".join(f"{region}: {', '.join(trouble) or 'no trouble'}" for region, trouble in troubles.items())
    return RegionProposal(
        failed(run),
        run.incident.reason if run.incident.failed_region else evidence,
        _what_aws_says(run, troubles),
        *taken(run, CONFIRM),
    )


def _what_aws_says(run: ARun, troubles: Mapping[str, list[str]]) -> str:
    """AWS Health, unless the region that it stands in is in trouble; then AWS's public page; else a person asks."""
    if run.calls.failed_region:
        before = first_seen(run, CONFIRM)
        return before.aws if before else "not asked: which region has failed was named"
    silent = f"it stands in {HOME_OF_GLOBAL}, which shows trouble"
    if not troubles.get(HOME_OF_GLOBAL):
        try:
            return f"AWS Health: {_named(health.issues(run.aws, run.service.regions))}"
        except (Unknown, Rejected) as error:
            silent = str(error)
    try:
        page = _named(aws_status.issues(run.http, run.facts.aws_status, run.service.regions))
    except Unknown as error:
        return f"cannot be asked (AWS Health: {silent}; its public page: {error}). Ask AWS by telephone; do not wait"
    return f"its public page: {page} (AWS Health was not read: {silent})"


def _named(issues: Iterable[health.Event]) -> str:
    return "; ".join(f"{each.service} in {each.region} since {each.began:%H:%M}" for each in issues) or "no open issue"


def is_to_be_confirmed(run: ARun, target: Target, seen: RegionProposal) -> Check:
    if run.incident.failed_region:
        return yes(f"{seen.region} was named in the parameters: {seen.evidence or 'no reason given'}")
    if not seen.region:
        return never(
            f"the signals do not point at one failed region ({seen.evidence}). To name it yourself: -p failed_region="
        )
    if seen.region == run.service.runner_region:
        return never(f"the runner stands in {seen.region}, the region that has failed: {elsewhere(run)}")
    return no(f"to be confirmed: {seen.region} has failed ({seen.evidence})")


CONFIRM = decision(
    titles.CONFIRM,
    changes="records who confirmed which region has failed; from then on no call goes to it",
    look=see_proposal,
    expect=is_to_be_confirmed,
    choice=lambda run, seen: f"{seen.region} has failed",
    failed_region=lambda seen: seen.region,
    phrase=lambda run, states: f"{failed(run)} HAS FAILED, {serving_region(run)} SERVES",
    needs=(titles.DETECT,),
    moment="decided",
)


# ── Notify on-call, Tell users that we investigate ───────────────────────────────────────────────────────────────────


def words_for_on_call(run: ARun) -> str:
    if not failed(run):
        return ""
    confirmed = run.result(titles.CONFIRM)
    return f"Regional outage: {confirmed.why if confirmed else failed(run)}"


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.CONFIRM,))

ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


def words_investigating(run: ARun) -> str:
    if not failed(run):
        return ""
    return "We are investigating a problem at one of our hosting provider's data centers. Some requests may fail."


INVESTIGATING = investigating(titles.INVESTIGATING, words_investigating, needs=(titles.CONFIRM,))


# ── The steps, in order ──────────────────────────────────────────────────────────────────────────────────────────────

STEPS = (DETECT, CONFIRM, NOTIFY, ACKNOWLEDGE, INVESTIGATING)
