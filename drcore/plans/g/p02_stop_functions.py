"""Plan G, phase 2: the functions are stopped, in every region. From here on users get errors.

Lambda refuses a reserved concurrency below the provisioned one: that one is taken away first, and put back last, when
the functions serve again. A function whose provisioned concurrency stays keeps no other one from being stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.g import resources, titles
from drcore.plans.g.facts import GRun
from drcore.plans.g.halted import resumed
from drcore.plans.g.titles import PROVISIONED
from drcore.plans.shared.resources import functions as functions_named
from drcore.record.evidence import Exhibit, Table
from drcore.services import lambda_


@dataclass(frozen=True, slots=True)
class Concurrency:
    """A function's reserved concurrency (0 stops it, None: none is set), or, of the other targets, its provisioned."""

    reserved: int | None = None
    provisioned: tuple[lambda_.ProvisionedSetting, ...] | None = None  # None: not what this target is about

    def describe(self) -> Mapping[str, object]:
        kind = "reserved" if self.provisioned is None else "provisioned"
        return {f"{kind} concurrency": str(self)}

    def __str__(self) -> str:
        if self.provisioned is None:
            return concurrency_words(self.reserved)
        return ", ".join(map(str, self.provisioned)) or "none"


def concurrency_words(reserved: int | None) -> str:
    return "not set" if reserved is None else str(reserved)


def functions(run: GRun) -> list[Target]:
    """Each function in each region."""
    return [Target(region, name) for region in run.service.regions for name in run.facts.functions]


def provisioned_targets(run: GRun) -> list[Target]:
    """The provisioned concurrency of each function in each region."""
    return [Target(each.region, f"{each.thing}{PROVISIONED}") for each in functions(run)]


def to_stop(run: GRun) -> list[Target]:
    return [*provisioned_targets(run), *functions(run)]


def own_provisioned(run: GRun, target: Target) -> list[Target]:
    """A function is stopped once its provisioned concurrency is gone."""
    return [] if _is_provisioned(target) else [Target(target.region, f"{target.thing}{PROVISIONED}")]


def _is_provisioned(target: Target) -> bool:
    return target.thing.endswith(PROVISIONED)


def _function(target: Target) -> Target:
    return Target(target.region, target.thing.removesuffix(PROVISIONED))


def see_concurrency(run: GRun, target: Target) -> Concurrency:
    name = _function(target).thing
    if _is_provisioned(target):
        return Concurrency(provisioned=lambda_.provisioned_settings(run.aws, target.region, name))
    return Concurrency(lambda_.reserved(run.aws, target.region, name))


def is_stopped(run: GRun, target: Target, seen: Concurrency) -> Check:
    if _is_provisioned(target):
        if not seen.provisioned:
            return yes("no provisioned concurrency")
        return resumed(run, titles.PROVISIONED_AGAIN, target) or no(f"provisioned concurrency: {seen}")
    if seen.reserved == 0:
        return yes("reserved concurrency is 0: no version of it can run")
    return resumed(run, titles.FUNCTIONS_AGAIN, target) or no(f"reserved concurrency is {seen}")


def stop_function(run: GRun, target: Target, seen: Concurrency) -> None:
    """Its provisioned concurrency one setting at a time, whatever of it is there now; or the function itself."""
    if not _is_provisioned(target):
        lambda_.reserve(run.aws, target.region, target.thing, 0)
        return
    for setting in (see_concurrency(run, target).provisioned or ())[:1]:
        lambda_.provision(run.aws, target.region, _function(target).thing, setting.qualifier, None)


def concurrency_as_before(run: GRun, target: Target, before: Concurrency) -> None:
    if not _is_provisioned(target):
        lambda_.reserve(run.aws, target.region, target.thing, before.reserved)
        return
    now = (not run.rehearsing and see_concurrency(run, target).provisioned) or ()  # a rehearsal has taken none away
    missing = [each for each in before.provisioned or () if each not in now]
    if missing:  # else put by a try that was not answered
        name = _function(target).thing
        lambda_.provision(run.aws, target.region, name, missing[0].qualifier, missing[0].requested)


def show_concurrency(run: GRun, states: Mapping[Target, Concurrency]) -> Iterator[Exhibit]:
    result = run.result(titles.FUNCTIONS)
    before = {each.target: each.before for each in result.targets} if result else {}
    rows = tuple(
        (target.region, target.thing, str(before.get(target) or seen), str(seen)) for target, seen in states.items()
    )
    columns = ("region", "function", "before", "now")
    yield Table("functions-stopped", "Concurrency of the functions, before and now", columns, rows)


FUNCTIONS = Step(
    titles.FUNCTIONS,
    changes="provisioned concurrency is taken away, then reserved concurrency → 0: all versions of the functions stop "
    "at once, users get errors from the API",
    look=see_concurrency,
    expect=is_stopped,
    act=stop_function,
    undo=concurrency_as_before,
    targets=to_stop,
    depends_on=own_provisioned,
    needs=(titles.HALT,),
    goes_on=True,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=60, every=5),
    repeat=True,
    shows=show_concurrency,
    permissions=(
        *iam_actions("lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency", on=functions_named),
        *iam_actions(
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:PutProvisionedConcurrencyConfig",
            on=resources.qualified_functions,
        ),
    ),
)

STEPS = (FUNCTIONS,)
