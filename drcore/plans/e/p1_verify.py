"""Plan E, phase 1: evidence first, then what was found, how bad it is, what is decided of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from drcore.engine.consent import Choice
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, not_needed, yes
from drcore.engine.permissions import evidence, iam_actions
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.plans.e import findings, resources, stolen_uses, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import MAINTENANCE, READ_ONLY, TRACK, Severity, the_finding
from drcore.plans.e.reach import in_reach
from drcore.plans.e.sweep_versions import frozen_key
from drcore.plans.e.sweeping import Amount, tokens_in
from drcore.plans.e.token_secrets import token_secrets
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.decision import choices, taken
from drcore.plans.shared.detection import detect
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.evidence import Exhibit, Table
from drcore.services import lambda_, logs, s3, servicechecks
from drcore.services.securitydesk import SecurityFinding

# ── Keep the logs ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days a log group keeps its lines; None: for ever."""

    days: int | None = field(metadata=label("days"))


def security_logs(run: ERun) -> list[Target]:
    return [Target(region, run.facts.security_logs) for region in run.service.regions]


def see_retention(run: ERun, target: Target) -> Retention:
    return Retention(logs.retention_days(run.aws, target.region, target.thing))


def is_kept(run: ERun, target: Target, seen: Retention) -> Check:
    if the_finding(run) is None:
        return not_needed("no finding is open")
    if seen.days is None or seen.days >= run.facts.keep_logs_days:
        return yes("for ever" if seen.days is None else f"{seen.days} days")
    return no(f"{seen.days} days, to be {run.facts.keep_logs_days}")


def keep_logs(run: ERun, target: Target, seen: Retention) -> None:
    logs.keep_for(run.aws, target.region, target.thing, run.facts.keep_logs_days)


def keep_as_before(run: ERun, target: Target, before: Retention) -> None:
    if before.days is not None:  # where it was for ever nothing was changed
        logs.keep_for(run.aws, target.region, target.thing, before.days)


KEEP_LOGS = Step(
    titles.KEEP_LOGS,
    changes="the log lines that tell of it are kept for years",
    look=see_retention,
    expect=is_kept,
    act=keep_logs,
    undo=keep_as_before,
    targets=security_logs,
    goes_on=True,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=30, every=5),
    permissions=iam_actions("logs:PutRetentionPolicy", on=resources.security_logs),
)


# ── Freeze the evidence ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FrozenEvidence:
    """The object that holds it, under Object Lock; an empty one: it is not there yet."""

    key: str = field(metadata=label("object"))


def see_frozen(run: ERun, target: Target) -> FrozenEvidence:
    bucket, key = run.service.evidence.buckets[target.region], frozen_key(run.id)
    return FrozenEvidence(key if s3.kept(run.aws, target.region, bucket, key).etag else "")


def is_frozen(run: ERun, target: Target, seen: FrozenEvidence) -> Check:
    if seen.key:
        return yes(f"frozen as {seen.key}")
    finding = the_finding(run)
    return no(f"what is known of {finding.id} is not frozen yet") if finding else not_needed("no finding is open")


def freeze_evidence(run: ERun, target: Target, seen: FrozenEvidence) -> None:
    """As it is before anything is changed: the finding, what serves, which version of each secret is current."""
    finding = the_finding(run)
    held = {
        "finding": findings.for_evidence(finding),
        "serving": {
            region: {name: str(lambda_.alias(run.aws, region, name, run.facts.alias)) for name in run.facts.functions}
            for region in in_reach(run)
        },
        "secrets": {
            region: {each.name: each.current for each in token_secrets(run, Target(region))} for region in in_reach(run)
        },
    }
    until = run.clock.now() + timedelta(days=run.service.evidence.retain_days)
    body = json.dumps(held, sort_keys=True, indent=1).encode()
    s3.put_locked(run.aws, target.region, run.service.evidence.buckets[target.region], frozen_key(run.id), body, until)


def evidence_store(run: ERun) -> list[Target]:
    return [Target(run.service.runner_region, "the evidence store")]


FREEZE_EVIDENCE = Step(
    titles.FREEZE_EVIDENCE,
    changes="what is known of the finding is stored where nobody can change it",
    look=see_frozen,
    expect=is_frozen,
    act=freeze_evidence,
    targets=evidence_store,
    goes_on=True,
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=30, every=5),
    permissions=iam_actions("s3:PutObject", "s3:PutObjectRetention", on=evidence("frozen/*")),
)


# ── Verify the finding ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Exposure:
    """The finding that is open (empty: none is), whether this region shows the hole, uses of stolen tokens."""

    finding: str = field(metadata=label("finding"))
    title: str = field(compare=False)
    exposed: bool = field(metadata=label("the hole is there"))
    accepted: int = field(compare=False, metadata=label("uses of stolen tokens accepted, 15 min"))


def see_exposure(run: ERun, target: Target) -> Exposure:
    finding = the_finding(run)
    if finding is None:
        return Exposure("", "", False, 0)
    exposed = servicechecks.is_exposed(run.http, exposure_url(run, target.region, finding))
    return Exposure(finding.id, finding.title, exposed, stolen_uses.counted(run, target.region, 15)[0])


def exposure_url(run: ERun, region: str, finding: SecurityFinding) -> str:
    """Where a region is asked whether it still has the hole."""
    return run.service.api[region] + run.facts.checks.exposure.format(finding=finding.id)


def is_verified(run: ERun, target: Target, seen: Exposure) -> Check:
    if seen.exposed:
        return yes(f"{seen.finding} is there: {seen.title}; {seen.accepted} uses of stolen tokens in 15 minutes")
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if seen.finding and findings.is_taken_up_again(run):
        return yes(f"{seen.finding} is closed, and named: what an earlier run of this plan has left of it is done")
    return no(f"{seen.finding} is not there" if seen.finding else "no finding is open")


def show_exposure(run: ERun, states: Mapping[Target, Exposure]) -> Iterator[Exhibit]:
    if any(seen.finding for seen in states.values()):
        yield from stolen_uses.chart(run, "verified-uses")


DETECT = detect(
    titles.DETECT,
    changes="nothing: the finding is read at the security desk, and its hole is looked for in each region",
    look=see_exposure,
    expect=is_verified,
    targets=regions,
    every=30,
    shows=show_exposure,
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.desk_key),
)


# ── Notify on-call ───────────────────────────────────────────────────────────────────────────────────────────────────


def words_for_on_call(run: ERun) -> str:
    if "detected" not in run.moments:
        return ""
    finding = the_finding(run)
    if finding is None:
        return ""
    weighed = findings.severity(finding)
    how_bad = f"SSVC {weighed.level or 'not told'}, CVSS {weighed.cvss or 'not told'}"
    return f"Vulnerability {finding.id}: {finding.title}. {how_bad}"


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.DETECT,))

ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


# ── Decide ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ContainmentChoice:
    """What is to be decided on, how bad it is, how much it is about; and what has been (empty: nothing yet)."""

    finding: SecurityFinding | None
    severity: Severity | None
    secrets: int = field(compare=False)
    tokens: int = field(compare=False, metadata=label("stored tokens"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)

    def describe(self) -> Mapping[str, object]:
        if self.finding is None or self.severity is None:
            return {"finding": "none is open"}
        return {
            "finding": f"{self.finding.id}: {self.finding.title}",
            "in": self.finding.where,
            "SSVC": f"{self.severity.level or 'not told'}, {self.severity.vector}",
            "CVSS 4.0": self.severity.cvss or "not told",
            "not clear": self.severity.unclear or "nothing",
            "mended by": self.finding.fixed_in or "not known",
            "stored tokens": f"{self.tokens:,} in {self.secrets} secrets",
            "decision": self.choice or "not taken",
        }


def see_choice(run: ERun, target: Target) -> ContainmentChoice:
    finding = the_finding(run)
    if finding is None:
        return ContainmentChoice(None, None, 0, 0, *taken(run, titles.DECIDE))
    held = Amount()
    for secret in token_secrets(run, Target(run.service.runner_region)):
        held.add(tokens_in(run, secret))
    taken_already = taken(run, titles.DECIDE)
    return ContainmentChoice(finding, findings.severity(finding), held.number, held.weight, *taken_already)


def needs_a_choice(run: ERun, target: Target, seen: ContainmentChoice) -> Check | None:
    return yes("no finding is open, there is nothing to decide") if seen.finding is None else None


def three_ways(run: ERun, seen: ContainmentChoice) -> tuple[Choice, ...]:
    if seen.finding is None:
        return (Choice(TRACK, "TRACK"),)
    best, why = findings.advice(run, seen.finding)
    name, where = seen.finding.id, ", ".join(in_reach(run))
    users = f"{seen.tokens:,}"
    return tuple(
        Choice(
            answer,
            phrase,
            {
                "users change settings": changes,
                "users look at their data": looks,
                "syncs and token refresh": syncs,
                "users who must sign in again": again,
            },
            recommended=why if answer == best else "",
        )
        for answer, phrase, changes, looks, syncs, again in (
            (READ_ONLY, f"CONTAIN {name}: READ-ONLY IN {where}", "no", "yes", "no", users),
            (MAINTENANCE, f"CONTAIN {name}: MAINTENANCE IN {where}", "no", "no", "no", users),
            (TRACK, f"TRACK {name}: CONTAIN NOTHING", "yes", "yes", "yes", "0"),
        )
    )


def show_severity(run: ERun, states: Mapping[Target, ContainmentChoice]) -> Iterator[Exhibit]:
    for seen in states.values():
        if seen.finding and seen.severity:
            given = seen.finding
            rows = (
                ("exploitation", given.exploitation),
                ("automatable", given.automatable),
                ("technical impact", given.technical_impact),
                ("mission & well-being", given.mission),
                ("SSVC (CISA)", f"{seen.severity.level or 'not told'}, {seen.severity.vector}"),
                ("CVSS 4.0", seen.severity.cvss or "not told"),
                ("known exploited (KEV)", "yes" if given.known_exploited else "no"),
            )
            title = f"Severity of {given.id}: SSVC says {seen.severity.level or 'nothing'}; a person decides"
            yield Table("severity", title, ("decision point", "value"), rows)


DECIDE = choices(
    titles.DECIDE,
    changes="records who decided how the finding is contained, and why; the clocks of law run from then on",
    look=see_choice,
    answers=three_ways,
    expect=needs_a_choice,
    needs=(titles.DETECT,),
    shows=show_severity,
    moment="decided",
)


STEPS = (KEEP_LOGS, FREEZE_EVIDENCE, DETECT, NOTIFY, ACKNOWLEDGE, DECIDE)
