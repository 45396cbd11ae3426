"""The jobs that wait for the service to come back: how many, how old, how many failed as writes were denied.

None is received to find that out. The counts of the queues are approximate, and the age of the oldest message leaves
out those that were received several times: how many are older than the recovery point is what the log of the jobs says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from drcore.clock import iso, parse_time
from drcore.engine.labels import label
from drcore.engine.outcome import Answer, Check, no, yes
from drcore.errors import Rejected, Unknown
from drcore.plans.g.decisions import halted_at, recovery_point
from drcore.plans.g.facts import GRun
from drcore.plans.shared.flag_profiles import FlagProfile, all_deployed
from drcore.record.evidence import Table
from drcore.services import logs, sqs
from drcore.services.cloudwatch import Metric
from drcore.services.logs import LogQuery
from drcore.services.sqs import QueueCounts

T = TypeVar("T")
_WITHIN_S = 60  # seconds that a query of the log may take
_MINUTES = 5  # of the metric: the newest whole minute of them counts
_DENIED = "AccessDenied"  # of the code under which DynamoDB refuses a write that a policy denies
# By job, what became of it last: those that are done are not of interest.
_NOT_DONE = (
    'filter event = "job"'
    " | stats latest(state) as state, latest(error) as error, latest(made_at) as made_at by job"
    ' | filter state != "done" | sort made_at asc'
)


@dataclass(frozen=True, slots=True)
class RegionsJobs:
    """The jobs of one region. None: it could not be told, `unknown` says why.

    `old` were made before the recovery point and are not done, `before_halt` before nothing wrote any more, those
    included. `denied` failed as writes were denied, and lie among the `dead` ones.
    """

    region: str
    waiting: int | None
    oldest_s: float | None = field(metadata=label("oldest by the queue's metric", unit="s"))
    dead: int | None = field(metadata=label("in the dead-letter queue"))
    old: int | None = field(metadata=label("made before the recovery point"))
    oldest: datetime | None = field(metadata=label("oldest by the log"))
    denied: int | None = field(metadata=label("failed as writes were denied"))
    before_halt: int | None = field(metadata=label("made before the halt"))
    unknown: str = ""


def profile(run: GRun) -> FlagProfile:
    """Where the flag lies that holds old jobs."""
    at = run.facts.configuration
    return FlagProfile.of_one(run.facts.jobs.filter, at.application, at.strategy)


def read(run: GRun) -> tuple[RegionsJobs, ...]:
    """The jobs of each region. What cannot be read is None, with why: a person may decide all the same."""
    return tuple(_read(run, region) for region in run.service.regions)


def _read(run: GRun, region: str) -> RegionsJobs:
    why: list[str] = []

    def tried(look: Callable[[], T]) -> T | None:
        try:
            return look()
        except (Unknown, Rejected) as error:
            why.append(str(error))
            return None

    jobs = run.facts.jobs
    queue = tried(lambda: sqs.counts(run.aws, region, jobs.queue))
    dead = tried(lambda: sqs.counts(run.aws, region, jobs.dead_letters))
    oldest = tried(lambda: _oldest_s(run, region))
    by_log = tried(lambda: _by_log(run, region, queue)) if queue else None
    old, first, denied, before_halt = by_log or (None, None, None, None)
    return RegionsJobs(
        region,
        queue.messages if queue else None,
        oldest,
        dead.messages if dead else None,
        old,
        first,
        denied,
        before_halt,
        "; ".join(why),
    )


def _oldest_s(run: GRun, region: str) -> float | None:
    age = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", (("QueueName", run.facts.jobs.queue),))
    (points,) = run.metrics.read(region, (age,), *run.metrics.last(_MINUTES))
    return points.values[-1] if points.values else None


def _by_log(run: GRun, region: str, queue: QueueCounts) -> tuple[int, datetime | None, int, int | None]:
    """Of jobs not done: (made before the recovery point, when the oldest was made, denied, made before the halt)."""
    until = run.clock.now() - timedelta(seconds=logs.SEARCHABLE_S)
    since = until - timedelta(seconds=queue.keeps_s)
    query = LogQuery(region, (run.facts.jobs.log,), _NOT_DONE)
    (rows,) = logs.insights(run.aws, run.clock, [query], since, until, within=_WITHIN_S)
    point = recovery_point(run)
    made = [(row.text("made_at"), row.text("state"), row.text("error") or "") for row in rows]
    moments = [parse_time(each) for each, _, _ in made if each]
    if len(moments) < len(made):
        raise Unknown(f"logs in {region}: {len(made) - len(moments)} jobs of {run.facts.jobs.log} have no made_at")
    halted = halted_at(run)
    denied = sum(state == "dead" and _DENIED in error for _, state, error in made) if halted else 0
    before_halt = sum(each < halted for each in moments) if halted else None
    return sum(each < point for each in moments), min(moments, default=None), denied, before_halt


def total(regions: tuple[RegionsJobs, ...], number: Callable[[RegionsJobs], int | None]) -> int | None:
    """A number of all regions; None where one is not known."""
    numbers = [number(each) for each in regions]
    return None if None in numbers else sum(each or 0 for each in numbers)


def in_words(number: int | None) -> str:
    """A number as it is shown and typed."""
    return "AN UNKNOWN NUMBER OF" if number is None else str(number)


def jobs_table(regions: tuple[RegionsJobs, ...], point: str) -> Table:
    """The numbers of each region beside each other."""
    rows = tuple(
        (
            *(each.region, each.waiting, each.oldest_s, each.dead, each.denied, each.old, each.before_halt),
            iso(each.oldest) if each.oldest else None,
            each.unknown,
        )
        for each in regions
    )
    columns = (
        *("region", "jobs in the queue", "oldest by its metric, s", "in the dead-letter queue"),
        *("failed as writes were denied", "made before the recovery point", "made before the halt"),
        *("oldest by the log", "not known"),
    )
    return Table("jobs", f"Jobs that wait; the recovery point is {point}", columns, rows)


def can_be_counted(run: GRun, region: str) -> Check:
    """Preflight: the queue, its dead-letter queue, the log."""
    jobs = run.facts.jobs
    queue, dead = sqs.counts(run.aws, region, jobs.queue), sqs.counts(run.aws, region, jobs.dead_letters)
    if queue.dead_letters != dead.arn:
        seen = queue.dead_letters or "none"
        return no(f"dead_letters: expected the dead-letter queue of {jobs.queue}, seen {dead.arn}, its own is {seen}")
    days = logs.retention_days(run.aws, region, jobs.log)
    if days is not None and 86_400 * days < queue.keeps_s:
        return no(
            f"{jobs.log} is kept for {days} days, a job for {queue.keeps_s / 86_400:.0f}: older ones are not seen"
        )
    return yes(f"{queue.messages} in {jobs.queue}, {dead.messages} in {jobs.dead_letters}")


def can_be_held(run: GRun, region: str) -> Check:
    """Preflight: the flag by which workers hold old jobs."""
    flag = run.facts.jobs.filter.flag
    deployed = all_deployed(run, region, profile(run), [flag])
    return yes(flag) if deployed.answer is Answer.YES else no(f"{deployed.why}: old jobs cannot be held")


def why_not_held(run: GRun) -> str:
    """Why old jobs cannot be held; empty where they can."""
    for region in run.service.regions:
        try:
            check = can_be_held(run, region)
        except (Unknown, Rejected) as error:
            return str(error)
        if check.answer is not Answer.YES:
            return check.why
    return ""
