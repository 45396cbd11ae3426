"""Plan G, phase 2: every writer but the functions is halted, in every region: the API still answers.

What each step finds before it acts is in the journal; the steps that resume bring it back from there. One that fails
keeps no other from being tried: *Nothing writes* needs them all, and the plan ends there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Unknown
from drcore.plans.g import resources, titles, worker_releases
from drcore.plans.g.facts import GRun
from drcore.plans.g.halted import resumed
from drcore.plans.shared.deploy_freeze import freeze
from drcore.record.evidence import Exhibit, Table
from drcore.services import autoscaling, ecs, events, lambda_
from drcore.services.autoscaling import Scaling
from drcore.services.ecs import Task, TaskService
from drcore.services.events import Rule
from drcore.services.lambda_ import Source

# ── Freeze the pipeline ───────────────────────────────────────────────────────────────────────────────────────────────


FREEZE = replace(
    freeze(titles.FREEZE, until=titles.UNFREEZE, needs=(titles.HALT,), goes_on=True), consent=Consent.NONE, phrase=None
)


# ── Suspend auto scaling ──────────────────────────────────────────────────────────────────────────────────────────────


def the_workers(run: GRun) -> list[Target]:
    return [Target(region, run.facts.workers.service) for region in run.service.regions]


def see_scaling(run: GRun, target: Target) -> Scaling:
    return autoscaling.scaling(run.aws, target.region, run.facts.workers.cluster, target.thing)


def is_suspended(run: GRun, target: Target, seen: Scaling) -> Check:
    if seen.suspended:
        return yes("suspended")
    return resumed(run, titles.SCALING_AGAIN, target) or no(f"it may scale between {seen.least} and {seen.most} tasks")


def suspend(run: GRun, target: Target, seen: Scaling) -> None:
    all_of_it = replace(seen, inward=True, outward=True, scheduled=True)
    autoscaling.suspend(run.aws, target.region, run.facts.workers.cluster, target.thing, all_of_it)


def scale_again(run: GRun, target: Target, before: Scaling) -> None:
    autoscaling.suspend(run.aws, target.region, run.facts.workers.cluster, target.thing, before)


SCALING = Step(
    titles.SCALING,
    changes="auto scaling leaves the number of workers alone; its bounds and policies stay",
    look=see_scaling,
    expect=is_suspended,
    act=suspend,
    undo=scale_again,
    targets=the_workers,
    needs=(titles.HALT,),
    goes_on=True,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=60, every=5),
    permissions=iam_actions("application-autoscaling:RegisterScalableTarget", on=resources.scalable_targets),
)


# ── Stop schedules ────────────────────────────────────────────────────────────────────────────────────────────────────


def rules(run: GRun) -> list[Target]:
    return [Target(region, rule) for region in run.service.regions for rule in run.facts.rules]


def see_rule(run: GRun, target: Target) -> Rule:
    return events.rule(run.aws, target.region, target.thing)


def is_disabled(run: GRun, target: Target, seen: Rule) -> Check:
    if not seen.enabled:
        return yes("disabled")
    return resumed(run, titles.RULES_AGAIN, target) or no(f"it fires, {seen.when}")


def disable(run: GRun, target: Target, seen: Rule) -> None:
    events.disable(run.aws, target.region, target.thing)


def enable_as_before(run: GRun, target: Target, before: Rule) -> None:
    set_rule = events.enable if before.enabled else events.disable
    set_rule(run.aws, target.region, target.thing)


def show_rules(run: GRun, states: Mapping[Target, Rule]) -> Iterator[Exhibit]:
    prefix = f"{run.facts.workers.service.partition('-')[0]}-"
    rows = tuple(
        (region, name, "yes" if name in run.facts.rules else "NO: does it write?")
        for region in run.service.regions
        for name in events.enabled_rules(run.aws, region, prefix)
    )
    yield Table("rules-that-fire", f"Rules {prefix}… that still fire", ("region", "rule", "in the parameters"), rows)


RULES = Step(
    titles.RULES,
    changes="the rules that start writers on a schedule are disabled",
    look=see_rule,
    expect=is_disabled,
    act=disable,
    undo=enable_as_before,
    targets=rules,
    needs=(titles.HALT,),
    goes_on=True,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=60, every=5),
    shows=show_rules,
    permissions=iam_actions("events:DisableRule", "events:EnableRule", on=resources.rules),
)


# ── Stop workers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Working:
    """How many tasks the service should have; all tasks of the cluster that have not stopped, whoever started them."""

    desired: int = field(metadata=label("desired tasks"))
    task_definition: str = field(compare=False)
    tasks: tuple[Task, ...] = field(compare=False)

    @property
    def standalone(self) -> list[Task]:
        """Those outside the service that are not being stopped yet."""
        return [task for task in self.tasks if not task.group.startswith("service:") and not task.stopping]


def see_working(run: GRun, target: Target) -> Working:
    workers = run.facts.workers
    service: TaskService = ecs.service(run.aws, target.region, workers.cluster, target.thing)
    return Working(service.desired, service.task_definition, ecs.tasks(run.aws, target.region, workers.cluster))


def no_task_is_left(run: GRun, target: Target, seen: Working) -> Check:
    if not seen.desired and not seen.tasks:
        return yes("no task runs in the cluster, in the service or outside it")
    if any(run.intended(titles.WORKERS_AGAIN, each) for each in (target, *_parts(target))):
        return yes("this run had halted them, and has resumed them")
    others = f", {len(seen.standalone)} outside the service" if seen.standalone else ""
    stopping = sum(task.stopping for task in seen.tasks)
    return no(f"{seen.desired} tasks desired, {len(seen.tasks)} not stopped ({stopping} stopping{others})")


def _parts(target: Target) -> tuple[Target, ...]:
    return (first_part(target), second_part(target))


def first_part(target: Target) -> Target:
    """The target of resuming the first workers of a region."""
    return Target(target.region, f"{target.thing}, first part")


def second_part(target: Target) -> Target:
    """The target of resuming all workers of a region."""
    return Target(target.region, f"{target.thing}, all")


def stop_workers(run: GRun, target: Target, seen: Working) -> None:
    """The service first; then the tasks outside it, one at a time; what is stopping is waited for."""
    workers = run.facts.workers
    if seen.desired:
        ecs.scale(run.aws, target.region, workers.cluster, target.thing, 0)
    elif seen.standalone:
        ecs.stop_task(run.aws, target.region, workers.cluster, seen.standalone[0].id, f"drcore {run.id}")


def work_again(run: GRun, target: Target, before: Working) -> None:
    """As many as before, never of the faulty release."""
    workers, good = run.facts.workers, worker_releases.good(run, target.region)
    definition = good.task_definition or before.task_definition
    ecs.deploy(run.aws, target.region, workers.cluster, target.thing, definition, before.desired)


def show_working(run: GRun, states: Mapping[Target, Working]) -> Iterator[Exhibit]:
    looks = run.looks(titles.WORKERS)
    rows = tuple(
        (
            at,
            target.region,
            seen.desired,
            len(seen.tasks),
            sum(task.stopping for task in seen.tasks),
            len(seen.standalone),
        )
        for at, target, seen in looks
        if seen
    )
    columns = ("time", "region", "desired", "not stopped", "stopping", "outside the service")
    yield Table("workers-stopping", "Tasks of the cluster at each look, until none is left", columns, rows)


WORKERS = Step(
    titles.WORKERS,
    changes="desired count → 0; every task of the cluster is stopped, also those outside the service",
    look=see_working,
    expect=no_task_is_left,
    act=stop_workers,
    undo=work_again,
    targets=the_workers,
    needs=(titles.HALT,),
    goes_on=True,
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=lambda run: 60 * run.facts.stop_minutes, every=10),
    repeat=True,
    shows=show_working,
    permissions=(
        *iam_actions("ecs:UpdateService", on=resources.workers),
        *iam_actions("ecs:StopTask", on=resources.tasks),
    ),
)


# ── Stop event sources ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Feeding:
    """Whether an event source feeds its function: Enabled, Disabled, or on the way between them."""

    id: str = field(metadata=label("mapping"))
    state: str = field(metadata=label("event source mapping"))


GONE = "gone"
_ON_THE_WAY = ("Creating", "Enabling", "Enabled", "Updating", "Disabling", "Deleting")


def sources(run: GRun) -> list[Target]:
    return [
        Target(region, name)
        for region in run.service.regions
        for name in _named(lambda_.sources(run.aws, region, run.facts.functions))
    ]


def _named(mappings: Iterable[Source]) -> dict[str, Source]:
    """Each mapping by a name of its own: two that feed one function from one source are told apart by their ids."""
    listed = list(mappings)
    counted = Counter(map(_name, listed))
    return {_name(each) if counted[_name(each)] == 1 else f"{_name(each)} ({each.id})": each for each in listed}


def _name(mapping: Source) -> str:
    function = ":".join(filter(None, (mapping.function, mapping.qualifier)))
    return f"{mapping.source or mapping.id} → {function}"


def see_source(run: GRun, target: Target) -> Feeding:
    mappings = _named(lambda_.sources(run.aws, target.region, run.facts.functions))
    if not mappings:  # an empty list is no proof that nothing feeds them any more
        raise Unknown(f"lambda in {target.region}: expected event source mappings of our functions, seen none")
    own = mappings.get(target.thing)
    like = [name for name in mappings if name.startswith(f"{target.thing} (")]
    if not own and like:
        raise Unknown(f"{target.thing} in {target.region}: there are several now ({', '.join(like)})")
    return Feeding(own.id, own.state) if own else Feeding("", GONE)


def feeds_nothing(run: GRun, target: Target, seen: Feeding) -> Check:
    if seen.state == "Disabled":
        return yes("disabled, and no batch is in flight; messages wait in the queue")
    if seen.state == GONE:
        return yes("the mapping is not there any more")
    if seen.state not in _ON_THE_WAY:
        return unknown(f"the mapping is {seen.state}")
    return resumed(run, titles.SOURCES_AGAIN, target) or no(f"the mapping is {seen.state}")


def stop_feeding(run: GRun, target: Target, seen: Feeding) -> None:
    if seen.state not in ("Disabling", "Deleting"):  # asked already, by this run before it was resumed or by others
        lambda_.feed(run.aws, target.region, seen.id, on=False)


def feed_as_before(run: GRun, target: Target, before: Feeding) -> None:
    lambda_.feed(run.aws, target.region, before.id, on=before.state in ("Enabled", "Enabling"))


SOURCES = Step(
    titles.SOURCES,
    changes="the queues no longer invoke the functions; messages wait, and their retention time goes on",
    look=see_source,
    expect=feeds_nothing,
    act=stop_feeding,
    undo=feed_as_before,
    targets=sources,
    needs=(titles.HALT,),
    goes_on=True,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=lambda run: 60 * run.facts.stop_minutes, every=10),
    permissions=iam_actions("lambda:UpdateEventSourceMapping", on=resources.sources),
)

STEPS = (FREEZE, SCALING, RULES, WORKERS, SOURCES)
