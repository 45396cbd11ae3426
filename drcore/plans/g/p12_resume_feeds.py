"""Plan G, the last part but one: the service comes back in reverse order, each thing as it was before it was halted.

What it was is in the journal. Workers come back with the last good release, never with the faulty one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drcore.clock import until
from drcore.engine.consent import Consent
from drcore.engine.step import Check, Step, Target, Way, minutes, never, no, yes
from drcore.errors import Unknown
from drcore.plans.g import complaints, invariants, worker_releases
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.facts import (
    ALLOWING,
    REPAIRING,
    RESUMING_FUNCTIONS,
    RESUMING_RULES,
    RESUMING_SCALING,
    RESUMING_SOURCES,
    RESUMING_WORKERS,
    SWITCH,
    SWITCHING,
    before,
    decided_release,
    in_use,
    not_the_way,
    restored_table,
    table,
    table_arn,
    way,
)
from drcore.plans.g.invariants import Sample
from drcore.plans.g.p02_halt_writers import (
    DENY,
    FUNCTIONS,
    RULES,
    SCALING,
    SID,
    SOURCES,
    WORKERS,
    Feeding,
    Reserved,
    deny,
    feed_as_before,
    first_part,
    functions,
    in_words,
    second_part,
    see_policy,
    the_table,
    the_workers,
)
from drcore.plans.g.p03_prove_nothing_writes import READING, Traffic, is_silent, read_traffic, requests_chart
from drcore.plans.g.user_impact import losses
from drcore.record.evidence import Exhibit, Table
from drcore.services import ecs, lambda_
from drcore.services.dynamodb import policies, tables
from drcore.services.dynamodb.policies import Policy

if TYPE_CHECKING:
    from drcore.engine.context import Run


def to_bring_back(run: Run, halted: Step, target: Target, seen: Any) -> Any:
    """What a thing was before this run halted it; None: this run has not halted it.

    A rehearsal has halted nothing: what it sees now is what would be brought back.
    """
    known = before(run, halted, target)
    if known is not None or not run.rehearsing:
        return known
    result = run.results.get(halted.title)
    return seen if result and result.outcome == "WOULD" else None


# ── 26 Sign off ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Validated:
    """The table that users will be served from, sampled in each region; what was signed (empty: nothing yet)."""

    table: str
    samples: tuple[tuple[str, Sample], ...] = field(compare=False)
    choice: str = ""
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


_REPLICATED = 60  # seconds until what was repaired in one region is in the others: seconds, as a rule


def _to_serve(run: Run) -> str:
    """The table that users are to be served from: in a rehearsal of a switch one that is not there."""
    return restored_table(run) if way(run) == SWITCH else table(run)


def _samples(run: Run, name: str) -> tuple[tuple[str, Sample], ...]:
    """A sample in each region, once no region shows more defects than the one that was repaired."""

    def take() -> dict[str, Sample]:
        return {region: invariants.take(run, region, name) for region in run.service.regions}

    def same(found: Mapping[str, Sample]) -> bool:
        return all(each.defects == found[run.service.runner_region].defects for each in found.values())

    found, _ = until(run.clock, take, same, within=0 if run.rehearsing else _REPLICATED, every=5)
    return tuple(found.items())


def see_validated(run: Run, target: Target) -> Validated:
    decided, name = run.decided(SIGN_OFF), _to_serve(run)
    return Validated(name, _samples(run, name), decided.choice, decided.by, decided.reason)


def is_signed(run: Run, target: Target, seen: Validated) -> Check:
    if seen.choice:
        return yes(f"{seen.choice}, by {seen.by}: {seen.reason}")
    told = "; ".join(f"{region}: {found}" for region, found in seen.samples)
    bad = sorted({each.user for _, found in seen.samples for each in found.defects} - set(conflicts(run)))
    if bad and not run.rehearsing:
        return never(f"{seen.table} still has corrupted items, such as {', '.join(bad[:5])} ({told})")
    return no(f"to be signed: {seen.table}, {told}")


def conflicts(run: Run) -> tuple[str, ...]:
    """The users whose items were left for a person: corrupted, and changed by the user since."""
    return losses(run).conflicts if way(run) and not run.rehearsing else ()


def sign(run: Run, target: Target, seen: Validated) -> None:
    run.decide(SIGN_OFF, f"{seen.table} is good, the service comes back on it")


def show_validated(run: Run, states: Mapping[Target, Validated]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple((region, found.size, len(found.defects), found.high_percent) for region, found in seen.samples)
        columns = ("region", "users looked at", "with a defect", "at most so many % of all (95 %)")
        yield Table("sample-before-reopening", f"{seen.table}, as each region holds it", columns, rows)


SIGN_OFF = Step(
    title="Sign off",
    plan="G.4",
    changes="records who signed that the data is good again, by a sample in each region, before anything writes",
    look=see_validated,
    expect=is_signed,
    act=sign,
    needs=(SWITCHING, REPAIRING),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"{_to_serve(run)} IS GOOD: BRING THE SERVICE BACK IN {', '.join(run.service.regions)}",
    way=Way.REVERSIBLE,
    within=10,
    shows=show_validated,
)


# ── 27 Allow writes ──────────────────────────────────────────────────────────────────────────────────────────────────


def is_allowed(run: Run, target: Target, seen: Policy) -> Check:
    if way(run) == SWITCH:
        return yes(f"the service is to write to {in_use(run)}, which nobody is denied; {target.thing} stays read-only")
    denied = len(seen.without(SID)) < len(seen.statements)
    if run.rehearsing and to_bring_back(run, DENY, target, seen) is not None:
        return no("to be allowed after it was denied")
    return no("denied by this run") if denied else yes("the service's roles may write")


def allow(run: Run, target: Target, seen: Policy) -> None:
    arn = table_arn(run, target.region, target.thing)
    policies.put(run.aws, target.region, arn, seen.without(SID), seen)


def deny_again(run: Run, target: Target, before: Policy) -> None:
    deny(run, target, see_policy(run, target))


ALLOW = Step(
    title=ALLOWING,
    plan="G.6",
    changes="the denial is taken out of the table's policy, in each region; other statements stay",
    look=see_policy,
    expect=is_allowed,
    act=allow,
    undo=deny_again,
    targets=the_table,
    needs=(SIGN_OFF.title,),
    consent=Consent.GO,
    phrase=lambda run, states: f"ALLOW WRITES TO {in_words(states)}",
    way=Way.REVERSIBLE,
    within=60,
    every=5,
    permissions=("dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"),
)


# ── 28 Resume workers ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Resumed:
    """The workers of a region: how many are wanted, run, of which release; what the log says since."""

    desired: int
    running: int = field(compare=False)
    task_definition: str = field(compare=False)
    rollout: str = field(compare=False)
    wanted: int | None = field(compare=False)
    good: worker_releases.Good = field(compare=False)
    complaints: Complaints = field(compare=False)


def parts(run: Run) -> list[Target]:
    """The first workers of every region, then all of every region."""
    return [part(target) for part in (first_part, second_part) for target in the_workers(run)]


def see_resumed(run: Run, target: Target) -> Resumed:
    workers = run.facts.workers
    seen = ecs.service(run.aws, target.region, workers.cluster, workers.service)
    whole = Target(target.region, workers.service)
    was = to_bring_back(run, WORKERS, whole, seen)
    return Resumed(
        seen.desired,
        seen.running,
        seen.task_definition,
        seen.rollout,
        None if was is None else _share(run, target, was.desired),
        worker_releases.good(run, target.region),
        complaints.read(run, target.region, 1),
    )


def _share(run: Run, target: Target, all_of_them: int) -> int:
    if target == second_part(Target(target.region, run.facts.workers.service)):
        return all_of_them
    percent: float = run.facts.first_workers_percent
    return math.ceil(all_of_them * percent / 100)


def work(run: Run, target: Target, seen: Resumed) -> Check:
    if seen.wanted is None:
        return yes(f"this run has not halted them; {seen.desired} wanted")
    if not seen.good.task_definition:
        return never(f"no good release is known but {decided_release(run)}: name one, -p good_release=")
    if run.rehearsing:
        return no(f"to be {seen.wanted} of {seen.good.release}, after they were halted")
    if seen.task_definition != seen.good.task_definition or seen.desired < seen.wanted:
        return no(f"{seen.desired} of {seen.task_definition}, to be {seen.wanted} of {seen.good.task_definition}")
    if seen.rollout == "FAILED":
        return never(f"the deployment of {seen.good.release} has failed: look at the events of the service")
    if seen.running < seen.wanted or seen.rollout != "COMPLETED":
        return no(f"{seen.running} of {seen.wanted} run, the deployment is {seen.rollout}")
    found = complaints.trouble(run, seen.complaints)
    if found:
        return no(f"{seen.running} run; {'; '.join(found)}")
    return yes(f"{seen.running} run, of release {seen.good.release}")


def resume_workers(run: Run, target: Target, seen: Resumed) -> None:
    workers = run.facts.workers
    definition, wanted = seen.good.task_definition, seen.wanted or 0
    asked = seen.task_definition == definition and seen.desired >= wanted and seen.rollout == "IN_PROGRESS"
    if not asked:  # by this run, before it was resumed
        ecs.deploy(run.aws, target.region, workers.cluster, workers.service, definition, wanted)


def halt_workers(run: Run, target: Target, before: Resumed) -> None:
    workers = run.facts.workers
    ecs.scale(run.aws, target.region, workers.cluster, workers.service, before.desired)


def show_resumed(run: Run, states: Mapping[Target, Resumed]) -> Iterator[Exhibit]:
    rows = tuple(
        (target.region, target.thing, seen.wanted, seen.running, seen.task_definition, seen.good.release)
        for target, seen in states.items()
    )
    columns = ("region", "workers", "wanted", "run", "task definition", "release")
    yield Table("workers-resumed", "The workers, as they came back", columns, rows)
    yield from complaints.charts(run, "resumed", 30)


WORKERS_AGAIN = Step(
    title=RESUMING_WORKERS,
    plan="G.5, G.6",
    changes="new tasks of the last good release: a part of them first, all of them where that holds",
    look=see_resumed,
    expect=work,
    act=resume_workers,
    undo=halt_workers,
    targets=parts,
    needs=(ALLOW.title,),
    consent=Consent.TYPED,
    phrase=lambda run, states: (
        f"START {', '.join(sorted({seen.good.release for seen in states.values()}))} ON {in_use(run)}: "
        + ", ".join(f"{seen.wanted} in {target.region}" for target, seen in states.items())
    ),
    way=Way.REVERSIBLE,
    within=minutes("start_minutes"),
    every=20,
    hold=minutes("gate_minutes"),
    shows=show_resumed,
    permissions=("ecs:UpdateService",),
)


# ── 29 Resume functions ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Function:
    """Where a function's alias points, or what may run of it at once; `was`: before it was halted (None: it was not).

    `live` is the version behind the alias. `mine` is the version that this run has published, of the same code, so that
    nothing warm goes on with the old table; empty: none yet. It stays when this step is undone, and does no harm.
    """

    alias: str
    most: int | None
    live: str = field(compare=False)
    was: Reserved | None = field(compare=False)
    mine: str = field(compare=False)
    same_code: bool = field(compare=False)
    noted: bool = field(default=False, compare=False)


NOTE, VERSION, ALIAS = ", description", ", new version", ", alias"


def to_resume(run: Run) -> list[Target]:
    """First a version of each, then its alias, at last what may run: nobody is served by what is warm.

    A version differs from the last one by its description: without a difference none would be made.
    """
    kinds = (NOTE, VERSION, ALIAS, "") if way(run) == SWITCH else ("",)
    return [Target(each.region, f"{each.thing}{kind}") for kind in kinds for each in functions(run)]


def _function(target: Target) -> Target:
    return Target(target.region, target.thing.partition(",")[0])


def _mark(run: Run) -> str:
    return f"environments of run {run.id}"


def see_function(run: Run, target: Target) -> Function:
    of = _function(target)
    aws, region, name = run.aws, of.region, of.thing
    live = lambda_.alias(aws, region, name, run.facts.alias).version
    alias = live if target.thing.endswith(ALIAS) else ""  # each target is one thing to be changed, and to be undone
    reserved = Reserved(lambda_.reserved(aws, region, name))
    most, was = reserved.most if target == of else None, to_bring_back(run, FUNCTIONS, of, reserved)
    if way(run) != SWITCH:
        return Function(alias, most, live, was, "", True)
    newest = next(iter(lambda_.newest_versions(aws, region, name, 1)), "")
    mine = newest if newest and lambda_.code(aws, region, name, newest).description == _mark(run) else ""
    code = lambda_.code(aws, region, name)
    same = lambda_.code(aws, region, name, live).digest == code.digest
    return Function(alias, most, live, was, mine, same, code.description == _mark(run))


def serves(run: Run, target: Target, seen: Function) -> Check:
    if target.thing.endswith((NOTE, VERSION)):
        return _is_published(run, target, seen)
    if target.thing.endswith(ALIAS):
        right = bool(seen.mine) and seen.live == seen.mine
        return yes(f"version {seen.live}") if right else no(f"version {seen.live}, where the old table may be known")
    if seen.was is None:
        return yes("this run has not halted it")
    if run.rehearsing or seen.most != seen.was.most:
        return no(f"{_limit(seen.most)}, it was {_limit(seen.was.most)}")
    return yes(f"version {seen.live}, {_limit(seen.most)}")


def _is_published(run: Run, target: Target, seen: Function) -> Check:
    if seen.mine:
        return yes(f"version {seen.mine}, of the same code")
    if not seen.same_code:
        return never(
            f"what would be published is not the code of version {seen.live}: have the pipeline publish that code, "
            f"point {run.facts.alias} at it, then resume"
        )
    if target.thing.endswith(NOTE) and seen.noted:
        return yes(f"described as for {_mark(run)}")
    return no(f"version {seen.live} may run where the old table's name is still known")


def _limit(most: int | None) -> str:
    return "no limit of its own" if most is None else f"{most} at once"


def resume_function(run: Run, target: Target, seen: Function) -> None:
    of = _function(target)
    if target.thing.endswith(NOTE):
        code = lambda_.code(run.aws, of.region, of.thing)
        lambda_.describe(run.aws, of.region, of.thing, _mark(run), code)
    elif target.thing.endswith(VERSION):
        _publish(run, of)
    elif target.thing.endswith(ALIAS):
        _point(run, of, see_function(run, target).mine)
    else:
        lambda_.reserve(run.aws, of.region, of.thing, seen.was.most if seen.was else None)


def _publish(run: Run, of: Target) -> None:
    ready, since = until(
        run.clock, lambda: lambda_.code(run.aws, of.region, of.thing), lambda seen: seen.ready, within=60, every=2
    )
    if since is None:
        raise Unknown(f"{of.thing} in {of.region}: its last change is still not in effect, nothing can be published")
    lambda_.publish(run.aws, of.region, of.thing, ready)


def _point(run: Run, of: Target, version: str) -> None:
    if not version:
        raise Unknown(f"{of.thing} in {of.region}: no version of this run is there to point at")
    now = lambda_.alias(run.aws, of.region, of.thing, run.facts.alias)
    lambda_.point_alias(run.aws, of.region, of.thing, run.facts.alias, lambda_.Alias(version), now.revision)


def halt_function(run: Run, target: Target, before: Function) -> None:
    """What may run is taken back first, as targets are undone in reverse; then the alias."""
    of = _function(target)
    if target.thing.endswith(ALIAS):
        _point(run, of, before.alias)
    elif not target.thing.endswith((NOTE, VERSION)):
        lambda_.reserve(run.aws, of.region, of.thing, before.most)


FUNCTIONS_AGAIN = Step(
    title=RESUMING_FUNCTIONS,
    plan="G.5, G.6",
    changes="after a switch a version of the same code is published and served, so that nothing warm goes on with the "
    "old table; then reserved concurrency is as it was",
    look=see_function,
    expect=serves,
    act=resume_function,
    undo=halt_function,
    targets=to_resume,
    needs=(WORKERS_AGAIN.title,),
    consent=Consent.GO,
    phrase=lambda run, states: f"RESUME {', '.join(map(str, functions(run)))} ON {in_use(run)}",
    way=Way.REVERSIBLE,
    within=120,
    every=5,
    permissions=(
        "lambda:DeleteFunctionConcurrency",
        "lambda:PublishVersion",
        "lambda:PutFunctionConcurrency",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionConfiguration",
    ),
)


# ── 30 Resume event sources, 31 Resume schedules, 32 Resume auto scaling ─────────────────────────────────────────────


def _bring_back(
    halted: Step,
    title: str,
    *,
    changes: str,
    needs: str,
    verb: str,
    permission: str,
    act: Callable[[Run, Target, Any], None] | None = None,
    moment: str = "",
) -> Step:
    """The reverse of a step that halts: what it undoes is the act here, and its act is what undoes this.

    `act` is given where undoing alone would not do.
    """

    def expect(run: Run, target: Target, seen: Any) -> Check:
        was = to_bring_back(run, halted, target, seen)
        if was is None:
            return yes("this run has not halted it")
        if seen == was and not run.rehearsing:
            return yes("as it was before this run")
        return no("halted by this run" if not run.rehearsing else "to be brought back after it was halted")

    def as_before(run: Run, target: Target, seen: Any) -> None:
        assert halted.undo
        halted.undo(run, target, to_bring_back(run, halted, target, seen))

    return Step(
        title=title,
        plan="G.6",
        changes=changes,
        look=halted.look,
        expect=expect,
        act=act or as_before,
        undo=halted.act,
        targets=halted.targets,
        needs=(needs,),
        consent=Consent.GO,
        phrase=lambda run, states: f"{verb} {in_words(states)}",
        way=Way.REVERSIBLE,
        within=halted.within,
        every=halted.every,
        moment=moment,
        permissions=(permission,),
    )


def resume_feeding(run: Run, target: Target, seen: Feeding) -> None:
    if seen.state != "Enabling":  # asked already
        feed_as_before(run, target, to_bring_back(run, SOURCES, target, seen))


SOURCES_AGAIN = _bring_back(
    SOURCES,
    RESUMING_SOURCES,
    changes="queues feed the functions as before; what has waited is worked off",
    needs=FUNCTIONS_AGAIN.title,
    verb="RESUME",
    permission="lambda:UpdateEventSourceMapping",
    act=resume_feeding,
)

RULES_AGAIN = _bring_back(
    RULES,
    RESUMING_RULES,
    changes="the rules fire as before",
    needs=SOURCES_AGAIN.title,
    verb="ENABLE",
    permission="events:EnableRule",
)

SCALING_AGAIN = _bring_back(
    SCALING,
    RESUMING_SCALING,
    changes="auto scaling is as before; last, so that it does not fight the gradual way back",
    needs=RULES_AGAIN.title,
    verb="RESUME SCALING OF",
    permission="application-autoscaling:RegisterScalableTarget",
    moment="resumed",
)


# ── 33 Nobody reads the old table ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Left:
    """What still reads the old table, in the whole minutes since this step began to look."""

    traffic: Traffic


def see_left(run: Run, target: Target) -> Left:
    tables.item(run.aws, target.region, in_use(run), _any_key(run))  # to be seen in the metric beside what is not
    looks = [at for at, each, _ in run.watched.get(LEFT.title, ()) if each == target]
    since = looks[0] if looks else run.clock.now()  # this run's own reads of the old table are all before
    return Left(read_traffic(run, target.region, target.thing, READING, since, heard_in=in_use(run)))


def _any_key(run: Run) -> dict[str, str]:
    key = run.facts.key
    return {key.partition: f"{run.facts.canary.key_prefix}drcore", key.sort: "0"}


def nobody_reads(run: Run, target: Target, seen: Left) -> Check:
    other = not_the_way(run, SWITCH)
    return other or is_silent(run, seen.traffic, f"still read from {target.thing}")


def show_left(run: Run, states: Mapping[Target, Left]) -> Iterator[Exhibit]:
    if way(run) == SWITCH:
        yield requests_chart(run, "old-table-reads", table(run), READING, 30)
        yield requests_chart(run, "new-table-reads", in_use(run), READING, 30)


LEFT = Step(
    title="Nobody reads the old table",
    plan="G.5",
    changes="nothing: reads of the old table in each region, beside those of the new one",
    look=see_left,
    expect=nobody_reads,
    targets=the_table,
    needs=(SCALING_AGAIN.title,),
    within=lambda run: 60 * (run.facts.quiet_minutes + 5),
    every=20,
    shows=show_left,
)
