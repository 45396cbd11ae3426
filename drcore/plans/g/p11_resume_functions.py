"""Plan G, phase 11: the functions are resumed, after a switch in new environments that do not know the old table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drcore.clock import until
from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, Target, never, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import blast_radius
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Busy, Unknown
from drcore.plans.g import titles
from drcore.plans.g.decisions import remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.halted import to_bring_back
from drcore.plans.g.p02_stop_functions import FUNCTIONS, Concurrency, concurrency_words, functions
from drcore.plans.g.tables import in_use
from drcore.plans.shared.resources import functions as functions_named
from drcore.services import lambda_

NOTE, VERSION, ALIAS = ", description", ", new version", ", alias"


@dataclass(frozen=True, slots=True)
class FunctionState:
    """Where a function's alias points, or its reserved concurrency; `was`: before it was halted (None: it was not).

    `live` is the version behind the alias. `own` is the version that this run has published, of the same code, so that
    no warm environment uses the old table; empty: none yet. It stays when this step is undone, and does no harm.
    """

    alias: str
    concurrency: int | None
    live: str = field(compare=False)
    was: Concurrency | None = field(compare=False)
    own: str = field(compare=False)
    same_code: bool = field(compare=False)
    noted: bool = field(default=False, compare=False)
    part: str = field(default="", compare=False)  # which target: NOTE, VERSION, ALIAS; empty: the concurrency

    def describe(self) -> Mapping[str, object]:
        if self.part == ALIAS:
            return {"version behind the alias": self.alias}
        if self.part:
            return {"version of this run": self.own or "none"}
        return {"reserved concurrency": self.concurrency}


def to_resume(run: GRun) -> list[Target]:
    """First a version of each, then its alias, at last its reserved concurrency: no warm environment serves anybody.

    A version differs from the last one by its description: without a difference none would be made.
    """
    kinds = (NOTE, VERSION, ALIAS, "") if remedy(run) is Remedy.SWITCH else ("",)
    return [Target(each.region, f"{each.thing}{kind}") for kind in kinds for each in functions(run)]


def leans_on(run: GRun, target: Target) -> list[Target]:
    """What must be done for the same function first: nobody is let in to a version that may know the old table."""
    own = [each for each in to_resume(run) if _function(each) == _function(target)]
    return own[: own.index(target)]


def _function(target: Target) -> Target:
    return Target(target.region, target.thing.partition(",")[0])


def _mark(run: GRun) -> str:
    return f"environments of run {run.id}"


def see_function(run: GRun, target: Target) -> FunctionState:
    of = _function(target)
    aws, region, name = run.aws, of.region, of.thing
    part = target.thing.removeprefix(name)
    live = lambda_.alias(aws, region, name, run.facts.alias).version
    alias = live if part == ALIAS else ""  # each target is one thing to be changed, and to be undone
    reserved = Concurrency(lambda_.reserved(aws, region, name))
    concurrency, was = reserved.reserved if target == of else None, to_bring_back(run, FUNCTIONS, of, reserved)
    if remedy(run) is not Remedy.SWITCH:
        return FunctionState(alias, concurrency, live, was, "", True, part=part)
    newest = next(iter(lambda_.newest_versions(aws, region, name, 1)), "")
    own = newest if newest and lambda_.code(aws, region, name, newest).description == _mark(run) else ""
    code = lambda_.code(aws, region, name)
    same = lambda_.code(aws, region, name, live).digest == code.digest
    return FunctionState(alias, concurrency, live, was, own, same, code.description == _mark(run), part)


def serves(run: GRun, target: Target, seen: FunctionState) -> Check:
    if target.thing.endswith((NOTE, VERSION)):
        return _is_published(run, target, seen)
    if target.thing.endswith(ALIAS):
        right = bool(seen.own) and seen.live == seen.own
        return yes(f"version {seen.live}") if right else no(f"version {seen.live}, which may still use the old table")
    if seen.was is None:
        return yes("this run has not halted it")
    if run.rehearsing or seen.concurrency != seen.was.reserved:
        return no(f"{_limit(seen.concurrency)}, before it was {_limit(seen.was.reserved)}")
    return yes(f"version {seen.live}, {_limit(seen.concurrency)}")


def _is_published(run: GRun, target: Target, seen: FunctionState) -> Check:
    if seen.own:
        return yes(f"version {seen.own}, of the same code")
    if not seen.same_code:
        return never(
            f"what would be published is not the code of version {seen.live}: have the pipeline publish that code, "
            f"point {run.facts.alias} at it, then resume"
        )
    if target.thing.endswith(NOTE) and seen.noted:
        return yes(f"described as for {_mark(run)}")
    return no(f"version {seen.live} may run in environments that still use the old table")


def _limit(concurrency: int | None) -> str:
    return f"reserved concurrency {concurrency_words(concurrency)}"


def resume_function(run: GRun, target: Target, seen: FunctionState) -> None:
    of = _function(target)
    if target.thing.endswith(NOTE):
        code = lambda_.code(run.aws, of.region, of.thing)
        lambda_.describe(run.aws, of.region, of.thing, _mark(run), code)
    elif target.thing.endswith(VERSION):
        _publish(run, of)
    elif target.thing.endswith(ALIAS):
        _point(run, of, see_function(run, target).own)
    else:
        lambda_.reserve(run.aws, of.region, of.thing, seen.was.reserved if seen.was else None)


def _publish(run: GRun, of: Target) -> None:
    ready, since = until(
        run.clock, lambda: lambda_.code(run.aws, of.region, of.thing), lambda code: code.ready, within=60, every=2
    )
    if since is None:
        raise Unknown(f"{of.thing} in {of.region}: its last change is still not in effect, nothing can be published")
    lambda_.publish(run.aws, of.region, of.thing, ready)


def _point(run: GRun, of: Target, version: str) -> None:
    if not version:
        raise Unknown(f"{of.thing} in {of.region}: no version of this run is there to point at")
    state = lambda_.version(run.aws, of.region, of.thing, version)
    if not state.ready:
        text = f"{state.state or 'not there'}, {state.last_update}"
        raise Busy(f"version {version} of {of.thing} in {of.region} is still {text}", "Pending")
    now = lambda_.alias(run.aws, of.region, of.thing, run.facts.alias)
    lambda_.point_alias(run.aws, of.region, of.thing, run.facts.alias, lambda_.Alias(version), now.revision)


def halt_function(run: GRun, target: Target, before: FunctionState) -> None:
    """The reserved concurrency is taken back first, as targets are undone in reverse; then the alias."""
    of = _function(target)
    if target.thing.endswith(ALIAS):
        _point(run, of, before.alias)
    elif not target.thing.endswith((NOTE, VERSION)):
        lambda_.reserve(run.aws, of.region, of.thing, before.concurrency)


FUNCTIONS_AGAIN = Step(
    titles.FUNCTIONS_AGAIN,
    changes="after a switch a new version of the same code is published and served, so that nothing uses the old "
    "table; then the reserved concurrency is restored",
    look=see_function,
    expect=serves,
    act=resume_function,
    undo=halt_function,
    targets=to_resume,
    depends_on=leans_on,
    needs=(titles.WORKERS_AGAIN,),
    consent=Consent.GO,
    phrase=lambda run, states: f"RESUME {blast_radius(functions(run))} ON {in_use(run)}",
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=120, every=5),
    permissions=iam_actions(
        "lambda:DeleteFunctionConcurrency",
        "lambda:PublishVersion",
        "lambda:PutFunctionConcurrency",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionConfiguration",
        on=functions_named,
    ),
)

STEPS = (FUNCTIONS_AGAIN,)
