"""Plan G, phase 10: the workers are resumed with the last good release, never with the faulty one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.clock import parse_time
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.metric_minutes import ONE, minute_of
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.g import complaints, resources, titles, worker_releases
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.decisions import decided_release
from drcore.plans.g.facts import GRun
from drcore.plans.g.halted import to_bring_back
from drcore.plans.g.p02_halt_writers import WORKERS, Working, first_part, second_part, the_workers
from drcore.plans.g.tables import in_use
from drcore.plans.shared.good_minutes import last_look
from drcore.record.evidence import Exhibit, Table
from drcore.services import ecs, logs


@dataclass(frozen=True, slots=True)
class ResumedWorkers:
    """The workers of a region: how many are wanted, run, of which release; what the log says since."""

    desired: int = field(metadata=label("desired tasks"))
    running: int = field(compare=False)
    task_definition: str = field(compare=False)
    rollout: str = field(compare=False)
    wanted: int | None = field(compare=False)
    good: worker_releases.GoodRelease = field(compare=False)
    complaints: Complaints = field(compare=False)
    judged: tuple[datetime, datetime] = field(compare=False)  # from the first minute on that no look had judged before


def parts(run: GRun) -> list[Target]:
    """The first workers of every region, then all of every region."""
    return [part(target) for part in (first_part, second_part) for target in the_workers(run)]


def first_ones(run: GRun, target: Target) -> list[Target]:
    """All workers of a region are resumed only where the first ones of every region have done well."""
    firsts = [first_part(each) for each in the_workers(run)]
    return [] if target in firsts else firsts


def see_resumed(run: GRun, target: Target) -> ResumedWorkers:
    workers = run.facts.workers
    service = ecs.service(run.aws, target.region, workers.cluster, workers.service)
    whole = Target(target.region, workers.service)
    judged = _to_judge(run, target)
    was = to_bring_back(run, WORKERS, whole, Working(service.desired, service.task_definition, ()))
    return ResumedWorkers(
        service.desired,
        service.running,
        service.task_definition,
        service.rollout,
        None if was is None else _share(run, target, was.desired),
        worker_releases.good_everywhere(run)[target.region],  # one release in all regions, or none is started
        complaints.read(run, target.region, *judged),
        judged,
    )


def _to_judge(run: GRun, target: Target) -> tuple[datetime, datetime]:
    """The minutes whose log lines can all be found, and that no look has judged before; the last one at least."""
    until = minute_of(run.clock.now() - timedelta(seconds=logs.SEARCHABLE_S))
    before: ResumedWorkers | None = last_look(run, titles.WORKERS_AGAIN, target)
    return min(until - ONE, before.judged[1]) if before else until - ONE, until


def _share(run: GRun, target: Target, all_of_them: int) -> int:
    if target == second_part(Target(target.region, run.facts.workers.service)):
        return all_of_them
    percent: float = run.facts.first_workers_percent
    return math.ceil(all_of_them * percent / 100)


def workers_run(run: GRun, target: Target, seen: ResumedWorkers) -> Check:
    if seen.wanted is None:
        return yes(f"this run has not halted them; {seen.desired} tasks are desired")
    if not seen.good.task_definition:
        return never(f"no good release is known but {decided_release(run)}: name one, -p good_release=")
    if run.rehearsing:
        return no(f"to be {seen.wanted} tasks of {seen.good.release}, after they were halted")
    if seen.task_definition != seen.good.task_definition or seen.desired < seen.wanted:
        return no(f"{seen.desired} tasks of {seen.task_definition}, to be {seen.wanted} of {seen.good.task_definition}")
    trouble_of_rollout = rollout_trouble(seen)
    if trouble_of_rollout:
        return trouble_of_rollout
    if seen.running < seen.wanted or seen.rollout != "COMPLETED":
        return no(f"{seen.running} of {seen.wanted} tasks run, the deployment is {seen.rollout}")
    trouble = complaints.trouble(run, seen.complaints)
    if trouble:
        return no(f"{seen.running} tasks run; {'; '.join(trouble)}")
    act = run.history.act(titles.WORKERS_AGAIN, target)
    if act and seen.judged[0] < parse_time(act.last["time"]):
        return no(f"{seen.running} tasks run; what was logged since they were started cannot all be found yet")
    return yes(f"{seen.running} tasks run, of release {seen.good.release}")


def rollout_trouble(seen: ResumedWorkers) -> Check | None:
    """What is wrong with the service's deployment, and does not pass by itself."""
    if seen.rollout == "FAILED":
        return never(f"the deployment of {seen.good.release} has failed: look at the events of the service")
    if seen.rollout not in ("IN_PROGRESS", "COMPLETED"):  # as where CodeDeploy, or another tool, deploys the service
        text = seen.rollout or "nothing"
        return unknown(f"{seen.running} of {seen.wanted} tasks run; of the deployment ECS says {text}")
    return None


def resume_workers(run: GRun, target: Target, seen: ResumedWorkers) -> None:
    workers = run.facts.workers
    definition, wanted = seen.good.task_definition, seen.wanted or 0
    asked = seen.task_definition == definition and seen.desired >= wanted and seen.rollout == "IN_PROGRESS"
    if not asked:  # by this run, before it was resumed
        ecs.deploy(run.aws, target.region, workers.cluster, workers.service, definition, wanted)


def halt_workers(run: GRun, target: Target, before: ResumedWorkers) -> None:
    workers = run.facts.workers
    ecs.scale(run.aws, target.region, workers.cluster, workers.service, before.desired)


def show_resumed(run: GRun, states: Mapping[Target, ResumedWorkers]) -> Iterator[Exhibit]:
    rows = tuple(
        (target.region, target.thing, seen.wanted, seen.running, seen.task_definition, seen.good.release)
        for target, seen in states.items()
    )
    columns = ("region", "workers", "wanted", "running", "task definition", "release")
    yield Table("workers-resumed", "The workers after they were resumed", columns, rows)
    yield from complaints.charts(run, "resumed", 30)


WORKERS_AGAIN = Step(
    titles.WORKERS_AGAIN,
    changes="new tasks of the last good release: a part of them first, then all of them",
    look=see_resumed,
    expect=workers_run,
    act=resume_workers,
    undo=halt_workers,
    targets=parts,
    depends_on=first_ones,
    needs=(titles.ALLOW, titles.HOLD_JOBS, titles.IMPORTS),
    consent=Consent.TYPED,
    phrase=lambda run, states: (
        f"START {', '.join(sorted({seen.good.release for seen in states.values()}))} ON {in_use(run)}: "
        + ", ".join(f"{seen.wanted} in {target.region}" for target, seen in states.items())
    ),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(
        within=lambda run: 60 * run.facts.start_minutes + logs.SEARCHABLE_S,
        every=20,
        hold=lambda run: 60 * run.facts.gate_minutes,
    ),
    shows=show_resumed,
    permissions=iam_actions("ecs:UpdateService", on=resources.workers),
)

STEPS = (WORKERS_AGAIN,)
