"""Plan G, phase 9, before anything works: a person decides what becomes of the jobs that have waited.

A restored table is an old truth, and a job that was made before the recovery point knows an older one still. One that
was made after it, and before the halt, may know corrupted settings. Such jobs are held by a flag that the workers ask
before each job, never by receiving them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from weakref import WeakKeyDictionary

from drcore.clock import iso
from drcore.engine.consent import Choice
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, yes
from drcore.errors import Unknown
from drcore.plans.g import job_counts, titles
from drcore.plans.g.decisions import halted_at, recovery_point, remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.job_counts import RegionsJobs, in_words, total
from drcore.plans.shared.decision import choices, taken
from drcore.plans.shared.flag_values import Value
from drcore.plans.shared.flags import change_flags
from drcore.record.evidence import Cell, Exhibit


class JobsAnswer(StrEnum):
    """What becomes of old jobs (they run, or are held), of those that failed (they are redriven, or stay).

    Where all from before the halt are held, so are those that failed: a redrive would only set them aside again.
    """

    RUN_REDRIVE = "run-and-redrive"
    RUN_KEEP = "run-and-keep"
    HOLD_REDRIVE = "hold-and-redrive"
    HOLD_KEEP = "hold-and-keep"
    HOLD_ALL = "hold-all-and-keep"

    @property
    def holds(self) -> bool:
        """Whether old jobs are held."""
        return self in (JobsAnswer.HOLD_REDRIVE, JobsAnswer.HOLD_KEEP, JobsAnswer.HOLD_ALL)

    @property
    def redrives(self) -> bool:
        """Whether failed jobs are tried again."""
        return self in (JobsAnswer.RUN_REDRIVE, JobsAnswer.HOLD_REDRIVE)


_NO_HALT = "it is not known since when nothing writes"


# ── Decide on jobs ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class JobsChoice:
    """The jobs of each region, the recovery point, the halt, why old ones cannot be held; what was decided.

    Empty: nothing was decided; it is not known when nothing wrote any more.
    """

    jobs: tuple[RegionsJobs, ...] = field(compare=False)
    point: str = field(compare=False, metadata=label("recovery point"))
    barred: str = field(compare=False, metadata=label("why old jobs cannot be held"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)
    halt: str = field(default="", compare=False, metadata=label("nothing writes since"))


_decided_on: WeakKeyDictionary[GRun, tuple[RegionsJobs, ...]] = WeakKeyDictionary()


def see_jobs(run: GRun, target: Target) -> JobsChoice:
    decided = taken(run, titles.JOBS)
    if not decided[0] or run not in _decided_on:  # what was decided on is shown again, not what has become of it
        _decided_on[run] = job_counts.read(run)
    return JobsChoice(_decided_on[run], _point(run), job_counts.why_not_held(run), *decided, _halt(run))


def _point(run: GRun) -> str:
    try:
        return iso(recovery_point(run))
    except Unknown:
        return "not known yet"


def _halt(run: GRun) -> str:
    halted = halted_at(run)
    return iso(halted) if halted else ""


def is_to_be_decided(run: GRun, target: Target, seen: JobsChoice) -> Check | None:
    """Nothing is to be decided where it is known of every region that no job waits and none has failed."""
    numbers = [number for each in seen.jobs for number in (each.waiting, each.dead, each.old, each.denied)]
    return yes("no job waits, none has failed") if numbers and not any(each != 0 for each in numbers) else None


def answers(run: GRun, seen: JobsChoice) -> tuple[Choice, ...]:
    """Each with what would run then; the advice holds old jobs after a switch, as the table is older than they are."""
    old, dead = total(seen.jobs, lambda jobs: jobs.old), total(seen.jobs, lambda jobs: jobs.dead)
    waiting, denied = total(seen.jobs, lambda jobs: jobs.waiting), total(seen.jobs, lambda jobs: jobs.denied)
    before_halt = total(seen.jobs, lambda jobs: jobs.before_halt)
    later = None if before_halt is None or old is None else before_halt - old
    switched = remedy(run) is Remedy.SWITCH
    best = JobsAnswer.HOLD_REDRIVE if switched and not seen.barred else JobsAnswer.RUN_REDRIVE
    why = "a job older than the table would change what it does not know" if switched else "no data was taken back"

    def choice(answer: JobsAnswer) -> Choice:
        all_ = answer is JobsAnswer.HOLD_ALL
        holds = f"HOLD {in_words(old)} OLD JOBS" if answer.holds else f"RUN {in_words(old)} OLD JOBS"
        holds = f"HOLD ALL {in_words(before_halt)} JOBS FROM BEFORE THE HALT" if all_ else holds
        redrives = f"REDRIVE {in_words(dead)} FAILED JOBS" if answer.redrives else f"KEEP {in_words(dead)} FAILED JOBS"
        numbers: dict[str, Cell] = {
            "jobs in the queue": waiting,
            "old jobs that change data": 0 if answer.holds else old,
            "jobs between recovery point and halt that change data": 0 if all_ else later,
            "failed jobs that are tried again": dead if answer.redrives else 0,
            "of these failed as writes were denied": denied if answer.redrives else 0,
            "how it is undone": "flag off, then a redrive" if answer.holds else "not: what has run has run",
        }
        return Choice(
            answer,
            f"{holds}, {redrives}",
            numbers,
            why if answer is best else "",
            (seen.barred or (_NO_HALT if all_ and not seen.halt else "")) if answer.holds else "",
        )

    return tuple(choice(each) for each in JobsAnswer)


def decided_jobs(run: GRun) -> JobsAnswer | None:
    """What was decided; None: nothing yet, or there was nothing to decide."""
    choice = run.decided(titles.JOBS).choice
    return JobsAnswer(choice) if choice in set(JobsAnswer) else None


def show_jobs(run: GRun, states: Mapping[Target, JobsChoice]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield job_counts.jobs_table(seen.jobs, seen.point)


JOBS = choices(
    titles.JOBS,
    changes="records what becomes of jobs from before the recovery point or the halt, and of jobs that have failed",
    look=see_jobs,
    answers=answers,
    expect=is_to_be_decided,
    needs=(titles.ALLOW,),
    shows=show_jobs,
)


# ── Hold old jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def held_before(run: GRun) -> str:
    """The moment before which a job was made that is held; empty where all jobs are to run. Raises Unknown."""
    decided = decided_jobs(run)
    if decided is JobsAnswer.HOLD_ALL:
        return _halt(run)
    return iso(recovery_point(run)) if decided and decided.holds else ""


def not_before(run: GRun) -> dict[str, dict[str, Value]]:
    """The flag with that moment; nothing where all jobs are to run."""
    moment = held_before(run)
    return {run.facts.jobs.filter.flag: {"enabled": True, "made_at": moment}} if moment else {}


HOLD_JOBS = change_flags(
    titles.HOLD_JOBS,
    changes="a flag in every region, by which workers set jobs aside that were made before a moment: the recovery "
    "point, or the halt",
    where=job_counts.profile,
    of=lambda run, part: (run.facts.jobs.filter.flag,),
    wanted=lambda run, part: not_before(run),
    idle=lambda run, target: "" if not_before(run) else "jobs of any age are to run",
    phrase=lambda run, states: f"HOLD JOBS MADE BEFORE {held_before(run)} IN {', '.join(run.service.regions)}",
    needs=(titles.JOBS,),
    within=lambda run: 60 * run.facts.start_minutes,
)


def what_stays_on(run: GRun) -> tuple[str, ...]:
    """What the decision on jobs leaves for after this plan, in words: the flag that holds, what was not redriven."""
    decided, parts = decided_jobs(run), []
    if decided and decided.holds and run.history.intended(titles.HOLD_JOBS):
        flag, where = run.facts.jobs.filter.flag, ", ".join(run.service.regions)
        held = f"jobs made before {held_before(run)} are set aside until it is switched off"
        parts.append(f"the flag {flag} stays on in {where}: {held}, and then redriven")
    if decided and not decided.redrives:
        parts.append(f"failed jobs stay in {run.facts.jobs.dead_letters}")
    return tuple(parts)


STEPS = (JOBS, HOLD_JOBS)
