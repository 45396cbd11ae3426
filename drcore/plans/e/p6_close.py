"""Plan E, phase 6: deployments may enter again; who did what, what is to be reported, how everything is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import EVERYWHERE, Check, StepResult, Target, no, unknown, yes
from drcore.engine.step import Patience, Step, regions
from drcore.learn.postmortem import Sentence
from drcore.plans.e import clocks, stolen_uses, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import decided_finding, decided_mode, nothing_to_do, open_findings
from drcore.plans.e.stolen_uses import Uses
from drcore.plans.shared.close import close, drills
from drcore.plans.shared.deploy_freeze import unfreeze
from drcore.plans.shared.postmortem import postmortem, seen_in
from drcore.record.events import Kind
from drcore.record.evidence import Cell, Exhibit, Table

# ── Unfreeze the pipeline ────────────────────────────────────────────────────────────────────────────────────────────


UNFREEZE = unfreeze(titles.UNFREEZE, needs=(titles.VERIFY,))


# ── What was done ────────────────────────────────────────────────────────────────────────────────────────────────────


def see_uses(run: ERun, target: Target) -> Uses:
    """All uses of stolen tokens, from when the hole was there; where none was decided on, of the last hour."""
    finding = decided_finding(run)
    since = finding.exposed_since if finding else run.metrics.last(60)[0]
    return stolen_uses.uses_since(run, target.region, since)


def is_told(run: ERun, target: Target, seen: Uses) -> Check:
    if not seen.accepted and not seen.refused:
        why = nothing_to_do(run)
        text = f"no use of a stolen token is in {run.facts.security_logs}, accepted or refused"
        return yes(f"{why}; {text}") if why else unknown(f"{text}: that is not the same as none")
    if not seen.accepted:
        return yes(f"no stolen token was accepted, {seen.refused} were refused, by the log lines that can be found now")
    last = f", the last at {seen.last_accepted:%H:%M:%S}" if seen.last_accepted else ""
    return yes(f"stolen tokens of {seen.users} users were accepted {seen.accepted} times{last}; {seen.refused} refused")


def show_uses(run: ERun, states: Mapping[Target, Uses]) -> Iterator[Exhibit]:
    done = tuple(
        (target.region, what, count, None) for target, seen in states.items() for what, count in seen.what
    ) + tuple(
        (target.region, f"from {source}", None, count)
        for target, seen in states.items()
        for source, count in seen.sources
    )
    columns = ("region", "what", "accepted", "tries in all")
    yield Table("attacker", "What was done with stolen tokens since the hole was there", columns, done)
    yield own_calls(run)


def own_calls(run: ERun) -> Table:
    """Every call by which this run has changed something: when, where, what it was answered, as whom.

    In another account it was made under the role there, which this run took on.
    """
    host = next(run.history.lines(Kind.HOST), {})
    who = str(host.get("user", run.who))
    rows: list[tuple[Cell, ...]] = [
        (line["time"], line["call"], line["region"], line["answer"], line.get("role") or who)
        for line in run.history.lines(Kind.CALL)
        if line["write"]
    ]
    title = f"Every call of this run that changes something: {len(rows)}, as {who}"
    return Table("own-calls", title, ("time", "call", "region", "answer", "who"), tuple(rows))


AUDIT = Step(
    titles.AUDIT,
    changes="nothing: the log lines of stolen tokens are read, and this run's own calls",
    look=see_uses,
    expect=is_told,
    targets=regions,
    needs=(titles.VERIFY,),
    only_tells=True,
    patience=Patience(within=60, every=10),
    shows=show_uses,
)


# ── Draft the reports ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports that are drafted: one for each duty of the parameters."""

    drafts: int = field(metadata=label("reports drafted, none sent"))


def see_reports(run: ERun, target: Target) -> Reports:
    return Reports(len(tuple(clocks.drafts(run))))


def are_drafted(run: ERun, target: Target, seen: Reports) -> Check:
    return yes(f"{seen.drafts} drafted; a person completes and sends them" if seen.drafts else "none is due")


def show_reports(run: ERun, states: Mapping[Target, Reports]) -> Iterator[Exhibit]:
    yield from clocks.clocks_chart(run, "clocks-of-law")
    yield from clocks.drafts(run)
    if decided_mode(run):
        rows = (
            ("Which log lines, snapshots and versions are the evidence, and where do they lie?", "evidence"),
            ("Who could read the secrets with tokens, and who did? (CloudTrail, GetSecretValue)", "access"),
            ("Which other code gives out what it must not? (the same pattern elsewhere)", "code"),
            ("Do issuers that offer no revocation take a new client secret?", "issuers"),
            ("Are tokens in other places: logs, dumps, backups, accounts that e.yaml does not name?", "data"),
            ("Does somebody outside review the mending?", "review"),
        )
        yield Table("security-audit", "For the security audit: what people must find out", ("question", "about"), rows)


REPORTS = Step(
    titles.REPORTS,
    changes="nothing: a draft for each duty to report, and the questions of the security audit",
    look=see_reports,
    expect=are_drafted,
    targets=lambda run: EVERYWHERE,
    needs=(titles.VERIFY,),
    gate=False,
    patience=Patience(within=0),
    shows=show_reports,
)


# ── Postmortem ───────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(run: ERun) -> Iterator[Sentence]:
    finding = decided_finding(run)
    if finding:
        yield from seen_in(run, titles.DECIDE, f"{finding.id}: {finding.title}, in the {finding.where}", first=True)


def impact(run: ERun) -> Iterator[Sentence]:
    looked = run.result(titles.AUDIT)
    for target, seen in (looked.states if looked else {}).items():
        if seen:
            text = f"In {target.region} stolen tokens of {seen.users} users were accepted {seen.accepted} times"
            yield from seen_in(run, titles.AUDIT, text, target=target)


POSTMORTEM = postmortem(
    titles.POSTMORTEM,
    headline="a security vulnerability",
    summary=summary,
    impact=impact,
    needs=(titles.AUDIT,),
)


# ── Close ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LeftAfterwards:
    """The findings that are still open, what stays as it is after this plan, and when it was drilled last."""

    open: tuple[str, ...]
    stays: tuple[str, ...]
    last_drill: datetime | None
    next_drill: datetime | None

    def describe(self) -> Mapping[str, object]:
        return {
            "open findings": self.open or "none",
            "stays": self.stays or "nothing",
            "last drill": self.last_drill,
            "next drill": self.next_drill,
        }


def see_left(run: ERun, target: Target) -> LeftAfterwards:
    stays = () if nothing_to_do(run) else ("the token epoch", "the hotfix", "longer retention of the security logs")
    return LeftAfterwards(tuple(each.id for each in open_findings(run)), stays, *drills(run))


def is_left_well(run: ERun, target: Target, seen: LeftAfterwards) -> Check:
    finding = decided_finding(run)
    if finding and finding.id in seen.open and decided_mode(run):
        return no(f"{finding.id} is open again")
    return yes("no finding is open" if not seen.open else f"open, to be tracked: {', '.join(seen.open)}")


def show_left(run: ERun, states: Mapping[Target, LeftAfterwards]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple(("open finding", each) for each in seen.open) + tuple(("stays", each) for each in seen.stays)
        yield Table("left", "What is left after this plan", ("kind", "what"), rows)


def cost_in_verdict(run: ERun, result: StepResult) -> str:
    """What the hole and its containment have cost users, with how it was counted; empty where there was no finding."""
    looked, contained, lifted = (run.result(name) for name in (titles.AUDIT, titles.CONTAIN, titles.LIFT))
    if decided_finding(run) is None:
        return ""
    parts = [
        f"stolen tokens of {seen.users:,} users were accepted {seen.accepted:,} times in {target.region}"
        for target, seen in (looked.states if looked else {}).items()
    ]
    parts = parts or ["how often stolen tokens were accepted could not be read"]
    if contained and contained.since and decided_mode(run):
        until = lifted.since if lifted and lifted.since else None
        span = f"for {(until - contained.since).total_seconds() / 60:.0f} min" if until else "until now"
        parts.append(f"nobody could change anything {span} from {contained.since:%H:%M}")
    return f"users: {'; '.join(parts)} (by the log lines of the workers that can be found now; the mode by its acts)"


CLOSE = close(
    titles.CLOSE,
    changes="nothing: which findings are open, what stays, when the next drill is due",
    look=see_left,
    expect=is_left_well,
    shows=show_left,
    needs=(titles.VERIFY,),
    remark=cost_in_verdict,
)


STEPS = (UNFREEZE, AUDIT, REPORTS, POSTMORTEM, CLOSE)
