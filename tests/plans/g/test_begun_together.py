"""Levers that are begun together, each in some trouble: each is pulled, once, and none keeps another from it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice
from typing import Any

import pytest

from drcore.engine.outcome import Outcome, StepName
from drcore.plans import g
from drcore.run.runbook import Runbook
from tests.support.data_corruption import EAST, PLAN, REGIONS, drilled_to, made_twice, policy, service, writers
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import Stage
from tests.support.troubled import BORNE, BUSY, DENIED, FEWER, OLD, put_on, refusals_of

CALLS = {
    g.DENY.name: ("dynamodb:PutResourcePolicy",),
    g.FREEZE.name: ("codepipeline:DisableStageTransition",),
    g.SCALING.name: ("application-autoscaling:RegisterScalableTarget",),
    g.RULES.name: ("events:DisableRule",),
    g.WORKERS.name: ("ecs:UpdateService",),
    g.SOURCES.name: ("lambda:UpdateEventSourceMapping",),
    g.FUNCTIONS.name: ("lambda:DeleteProvisionedConcurrencyConfig", "lambda:PutFunctionConcurrency"),
}
Troubles = Mapping[StepName, str]


def operations(lever: StepName) -> list[dict[str, str]]:
    return [dict(zip(("service", "operation"), each.split(":"), strict=True)) for each in CALLS[lever]]


REFUSALS = max(len(refusals_of(each)) for lever in CALLS for each in operations(lever))
# Each lever in another trouble; in `make proof` each in each of them, each refused for now by each code, and denied.
IN_TURN: tuple[Troubles, ...] = (
    *(dict(zip(CALLS, islice(cycle(BORNE), turn, None), strict=False)) for turn in range(len(BORNE))),
    *(dict.fromkeys(CALLS, f"{BUSY}{number}") for number in range(REFUSALS)),
    *({lever: DENIED} for lever in CALLS),
)
TAKEN = IN_TURN if EXHAUSTIVE else IN_TURN[:1]


def test_these_are_the_levers() -> None:
    assert g.HALT.begins == tuple(CALLS)


def halted_in(stage: Stage, troubles: Troubles) -> tuple[Runbook, set[str]]:
    """A drill up to the halt, which begins its levers in these troubles; the calls that were not answered, or no."""
    run = drilled_to(stage, g.MAINTENANCE, FEWER[PLAN.id])
    names = {
        put_on(stage, PLAN.step(lever.key), operations(lever), frozenset({EAST}), trouble)
        for lever, trouble in troubles.items()
    }
    told = len(run.record.events)
    run.step(g.HALT)
    for name in names:
        stage.mend(name)
    calls = [line for line in run.record.events[told:] if line["event"] == "call" and line["write"]]
    return run, {line["call"] for line in calls if line["answer"] != "OK"}


@pytest.mark.parametrize("troubles", TAKEN, ids=[", ".join(sorted(set(each.values()))) for each in TAKEN])
def test_a_lever_in_trouble_should_be_pulled_once_and_keep_no_other_from_being_begun(
    stage: Stage, troubles: Troubles
) -> None:
    run, unanswered = halted_in(stage, troubles)

    met = {call for lever, trouble in troubles.items() if trouble != OLD for call in CALLS[lever]}
    assert unanswered >= met - {"lambda:PutFunctionConcurrency"}, "each was met by what its lever did"
    begun = {(each.call, each.region) for each in stage.effects}
    for lever in CALLS.keys() - troubles.keys():
        assert begun >= {(call, region) for call in CALLS[lever] for region in REGIONS}, "as if nothing were"

    for lever in CALLS:
        run.step(PLAN.step(lever.key))
        assert run.results[lever.key].outcome is Outcome.DONE, f"{lever.title}: {run.results[lever.key].why}"
    # Where scaling could not be suspended at once, it has started workers again, which are stopped in their own turn.
    restarted = {"ecs:UpdateService"} if g.SCALING.name in troubles else set()
    assert [call for call in made_twice(stage) if call[0] not in restarted] == []
    for region in REGIONS:
        assert "DrcoreDenyWrites" in policy(run, region)
        assert service(run, region)["desiredCount"] == 0
        left: dict[str, Any] = writers(run, region)
        assert (left["suspended"], set(left["rules"].values())) == (True, {"DISABLED"})
        assert (set(left["sources"]), set(left["functions"].values())) == ({"Disabled"}, {0})
