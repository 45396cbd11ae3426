"""Plan G, phase 12, after the event sources: jobs that have failed are tried again, where that was decided.

A redrive gives each message a new age. How old its job is the job itself says, so that one that is held stays held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from drcore.clock import parse_time
from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, Target, never, no, not_needed, not_this_way, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.plans.g import resources, titles
from drcore.plans.g.facts import GRun
from drcore.plans.g.p09_waiting_jobs import decided_jobs
from drcore.services import sqs
from drcore.services.sqs import LastRedrive

_CLOCKS_DIFFER = timedelta(minutes=1)  # between the machine that wrote the journal and AWS, at most


@dataclass(frozen=True, slots=True)
class Redriven:
    """The dead-letter queue of a region, its newest redrive; `moving`: one runs."""

    moving: bool
    dead: int = field(compare=False)
    arn: str = field(compare=False)
    last: LastRedrive = field(compare=False)

    def describe(self) -> Mapping[str, object]:
        last = f"{self.last.status}, {self.last.moved} of {self.last.to_move} moved" if self.last.status else "none"
        return {"in the dead-letter queue": self.dead, "newest redrive": last}


def see_redriven(run: GRun, target: Target) -> Redriven:
    dead = sqs.counts(run.aws, target.region, run.facts.jobs.dead_letters)
    last = sqs.last_redrive(run.aws, target.region, dead.arn)
    return Redriven(last.status in ("RUNNING", "CANCELLING"), dead.messages, dead.arn, last)


def is_redriven(run: GRun, target: Target, seen: Redriven) -> Check:
    decided = decided_jobs(run)
    if decided and not decided.redrives:
        return not_this_way(f"{seen.dead} failed jobs are kept, as was decided")
    act = run.history.act(titles.REDRIVE, target)
    if act is None or seen.last.started is None or seen.last.started < parse_time(act.first["time"]) - _CLOCKS_DIFFER:
        if seen.moving:
            return no(f"another redrive runs since {seen.last.started}: {seen.last.moved} of {seen.last.to_move}")
        return no(f"{seen.dead} failed jobs") if seen.dead or act else not_needed("no job has failed")
    match seen.last.status:
        case "COMPLETED":
            return yes(f"{seen.last.moved} failed jobs are tried again; {seen.dead} are in the dead-letter queue now")
        case "FAILED" | "CANCELLED":
            return never(f"the redrive is {seen.last.status} after {seen.last.moved} jobs: {seen.last.why_failed}")
        case "RUNNING" | "CANCELLING":
            return no(f"{seen.last.moved} of {seen.last.to_move} jobs are moved, the redrive is {seen.last.status}")
    return unknown(f"{seen.last.moved} jobs are moved, and the redrive is {seen.last.status}")


def redrive(run: GRun, target: Target, seen: Redriven) -> None:
    if not seen.moving or run.rehearsing:  # by this run, before it was resumed
        sqs.redrive(run.aws, target.region, seen.arn)


def stop_redrive(run: GRun, target: Target, before: Redriven) -> None:
    now = see_redriven(run, target)
    if now.moving:
        sqs.stop_redrive(run.aws, target.region, now.last.handle)


REDRIVE = Step(
    titles.REDRIVE,
    changes="the dead-letter queue goes back to the queue of jobs, in each region; what has run by then has run",
    look=see_redriven,
    expect=is_redriven,
    act=redrive,
    undo=stop_redrive,
    targets=regions,
    needs=(titles.SOURCES_AGAIN,),
    consent=Consent.GO,
    phrase=lambda run, states: (
        "REDRIVE " + ", ".join(f"{seen.dead} JOBS IN {at.region}" for at, seen in states.items())
    ),
    reversibility=Reversibility.COMPENSABLE,
    goes_on=True,
    patience=Patience(within=lambda run: 60 * run.facts.start_minutes, every=10),
    permissions=(
        *iam_actions(
            *("sqs:StartMessageMoveTask", "sqs:CancelMessageMoveTask", "sqs:DeleteMessage"), on=resources.dead_letters
        ),
        *iam_actions("sqs:SendMessage", on=resources.jobs),
    ),
)

STEPS = (REDRIVE,)
