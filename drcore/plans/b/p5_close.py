"""Plan B, the end: which merges were made by the fallback, to be resolved again; what it has cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.engine.outcome import Check, StepResult, Target, yes
from drcore.plans.b import health, titles
from drcore.plans.b.causes import WITHIN_S
from drcore.plans.b.facts import BRun
from drcore.plans.shared.close import close, drills
from drcore.record.evidence import Cell, Exhibit, Table
from drcore.services import logs
from drcore.services.logs import LogQuery, LogRow

_FALLBACKS = (
    'filter event = "conflict_resolution" and strategy != "AiMerge"'
    " | fields @timestamp, job, user, integration, service, error, strategy | sort @timestamp asc"
)
_AT_A_TIME = timedelta(minutes=30)  # one answer holds 10,000 rows


@dataclass(frozen=True, slots=True)
class AiCost:
    """What the failure has cost, and when this plan was drilled last. None: there was no failure."""

    since: datetime | None
    until: datetime | None
    fallbacks: int
    failed: int
    users: int
    last_drill: datetime | None
    next_drill: datetime | None

    def describe(self) -> Mapping[str, object]:
        return {
            "conflicts resolved by Prioritize Source": self.fallbacks,
            "jobs failed with their fallback": self.failed,
            "users": self.users,
            "from": self.since,
            "until": self.until,
            "last drill": self.last_drill,
            "next drill": self.next_drill,
        }


def see_cost(run: BRun, target: Target) -> AiCost:
    span = _span(run)
    if span is None:
        return AiCost(None, None, 0, 0, 0, *drills(run))
    rows = [row for _, row in _degraded(run, *span)]
    failed = sum(row.text("strategy") == "none" for row in rows)
    users = {row.text("user") for row in rows}
    return AiCost(*span, len(rows) - failed, failed, len(users), *drills(run))


def _span(run: BRun) -> tuple[datetime, datetime] | None:
    """From the first minute that was not good until users were well; None where there was no trouble."""
    if "detected" not in run.moments:
        return None
    begun = [at for region in run.service.regions if (at := health.harm_since(run, region))]
    since = run.moments.get("fault") or min([*begun, run.moments["detected"]])
    until = run.clock.now() - timedelta(seconds=logs.SEARCHABLE_S)
    return since, max(min(run.moments.get("healthy", until), until), since + timedelta(minutes=1))


def _degraded(run: BRun, since: datetime, until: datetime) -> Iterator[tuple[str, LogRow]]:
    """Each conflict of a span that the AI did not merge, by region."""
    groups = (run.facts.jobs.group,)
    queries = [LogQuery(region, groups, _FALLBACKS) for region in run.service.regions]
    while since < until:
        end = min(since + _AT_A_TIME, until)
        answers = logs.insights(run.aws, run.clock, queries, since, end, within=WITHIN_S)
        for query, rows in zip(queries, answers, strict=True):
            yield from ((query.region, row) for row in rows)
        since = end


def cost_is_known(run: BRun, target: Target, seen: AiCost) -> Check:
    if seen.since is None:
        return yes("there was no failure, nothing is to be resolved again")
    failed = f", {seen.failed} jobs failed with their fallback" if seen.failed else ""
    return yes(f"{seen.fallbacks} conflicts of {seen.users} users are to be resolved again{failed}")


def show_cost(run: BRun, states: Mapping[Target, AiCost]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows: tuple[tuple[Cell, ...], ...] = ()
        if seen.since and seen.until:
            rows = tuple(
                (region, *(row.text(name) for name in _COLUMNS))
                for region, row in _degraded(run, seen.since, seen.until)
            )
        title = "Conflicts that were not merged by the AI, to be resolved again"
        yield Table("to-be-resolved-again", title, ("region", "time", *_COLUMNS[1:]), rows)


def cost_in_verdict(run: BRun, result: StepResult) -> str:
    """What it has cost users, with how it was counted; empty where there was no failure."""
    for seen in result.states.values():
        if seen.since and seen.until:
            minutes = (seen.until - seen.since).total_seconds() / 60
            took = f"from {seen.since:%H:%M} to {seen.until:%H:%M}, {minutes:.0f} min"
            hit = f"{seen.fallbacks:,} conflicts were resolved without the AI, {seen.failed:,} failed"
            return f"users: {seen.users:,} were hit, {hit}, {took} (by the log of the sync jobs, a line a conflict)"
    return ""


_COLUMNS = ("@timestamp", "job", "user", "integration", "service", "error", "strategy")

CLOSE = close(
    titles.CLOSE,
    changes="nothing: the conflicts to be resolved again, what it has cost, when the next drill is due",
    look=see_cost,
    expect=cost_is_known,
    shows=show_cost,
    needs=(titles.VERIFY,),
    within=60,
    remark=cost_in_verdict,
)


STEPS = (CLOSE,)
