"""One lever that is refused keeps no other from being pulled, and nothing leans on what failed."""

from __future__ import annotations

import pytest

from drcore.engine.outcome import Outcome, Target
from drcore.errors import Exit, StepFailed
from drcore.plans import g
from drcore.plans.g.titles import PROVISIONED
from drcore.run.runbook import Runbook
from tests.support.data_corruption import (
    EAST,
    REGIONS,
    WEST,
    drilled_to,
    policy,
    prepared,
    provisioned,
    service,
    truth,
    writers,
)
from tests.support.stage import Stage, carry_out, client, ended, targets

API = "syncwell-api"
LEVERS = (g.DENY, g.FREEZE, g.SCALING, g.RULES, g.WORKERS, g.SOURCES, g.FUNCTIONS)


def carried_out_although(stage: Stage, operation: str, **incident: object) -> Runbook:
    """A drill in which an operation is denied in us-east-1 for good."""
    run = stage.open(prepared(stage, None, **incident))
    service, _, name = operation.partition(":")
    stage.fault("access-denied", service=service, operation=name, region=EAST)
    trouble = carry_out(run)
    stage.mend("access-denied")
    assert isinstance(trouble, StepFailed), trouble
    return run


def failed(run: Runbook) -> list[str]:
    return [each.key for each in LEVERS if run.results[each.key].outcome is Outcome.FAILED]


def test_every_lever_follows_from_the_halt_alone_and_the_denial_is_the_first() -> None:
    assert [step for step in g.PLAN.steps if step in LEVERS] == list(LEVERS)
    assert g.HALT.begins == tuple(step.name for step in LEVERS)
    assert {step.needs for step in LEVERS} == {(g.HALT.name,)}


def test_a_function_that_cannot_be_stopped_should_keep_nothing_else_from_being_halted(stage: Stage) -> None:
    run = carried_out_although(stage, "lambda:PutFunctionConcurrency")
    assert failed(run) == [g.FUNCTIONS.key]
    assert g.NOTHING_WRITES.key not in run.results, "it needs all of them"
    assert ended(run).exit == Exit.MISSED
    assert "Stop functions is FAILED" in ended(run).why
    for region in REGIONS:
        assert "DrcoreDenyWrites" in policy(run, region)
        assert service(run, region)["desiredCount"] == 0
    assert set(writers(run, WEST)["functions"].values()) == {0}
    assert set(writers(run, EAST)["functions"].values()) == {None}


def test_where_writes_cannot_be_denied_each_writer_should_be_halted(stage: Stage) -> None:
    run = carried_out_although(stage, "dynamodb:PutResourcePolicy")
    assert failed(run) == [g.DENY.key]
    for region in REGIONS:
        assert service(run, region)["desiredCount"] == 0
        assert set(writers(run, region)["functions"].values()) == {0}
    assert truth(stage)["writers_running"] == []


def test_a_function_whose_provisioned_concurrency_stays_should_not_be_tried_and_the_others_should(
    stage: Stage,
) -> None:
    run = carried_out_although(stage, "lambda:DeleteProvisionedConcurrencyConfig")
    done = targets(run, g.FUNCTIONS.title)
    assert done[Target(EAST, f"{API}{PROVISIONED}")] is Outcome.FAILED
    assert done[Target(EAST, API)] is Outcome.SKIPPED
    assert done[Target(WEST, API)] is Outcome.DONE
    assert writers(run, EAST)["functions"] == {API: None, "syncwell-worker": 0, "syncwell-webhook": 0}
    assert set(writers(run, WEST)["functions"].values()) == {0}


def test_provisioned_concurrency_should_be_taken_away_before_the_function_is_stopped(stage: Stage) -> None:
    run = drilled_to(stage, g.FUNCTIONS)
    calls = [(each.call, each.region) for each in stage.effects if API in each.asked]
    for region in REGIONS:
        assert provisioned(run, region, API) == {}
        taken = calls.index(("lambda:DeleteProvisionedConcurrencyConfig", region))
        assert taken < calls.index(("lambda:PutFunctionConcurrency", region))
    run.run.prompt._keyboard = lambda prompt: f"GO BACK {run.run.id}" if "GO BACK" in prompt else "it was a drill"
    run.verify()
    run.go_back()
    for region in REGIONS:
        assert writers(run, region)["functions"][API] is None
        assert provisioned(run, region, API) == {"live": 10}
    calls = [(each.call, each.region) for each in stage.effects if API in each.asked]
    for region in REGIONS:
        lifted = calls.index(("lambda:DeleteFunctionConcurrency", region))
        assert lifted < calls.index(("lambda:PutProvisionedConcurrencyConfig", region))


def test_nobody_should_be_let_in_to_a_version_that_may_know_the_old_table(stage: Stage) -> None:
    run = carried_out_although(stage, "lambda:PublishVersion", remedy="switch")
    done = targets(run, g.FUNCTIONS_AGAIN.title)
    assert done[Target(EAST, f"{API}, new version")] is Outcome.FAILED
    assert done[Target(EAST, f"{API}, alias")] is done[Target(EAST, API)] is Outcome.SKIPPED
    assert done[Target(WEST, API)] is Outcome.DONE
    assert set(writers(run, EAST)["functions"].values()) == {0}
    assert set(writers(run, WEST)["functions"].values()) == {None}


def test_no_worker_should_be_started_where_regions_would_come_back_with_different_releases(stage: Stage) -> None:
    run = drilled_to(stage, g.HOLD_JOBS)
    ecs = client(run, "ecs", WEST)
    found = ecs.describe_task_definition(taskDefinition="syncwell-worker")["taskDefinition"]
    container = found["containerDefinitions"][0]
    container["environment"] = [{"name": "RELEASE", "value": "2025.11.9"}]
    made = ecs.register_task_definition(family="syncwell-worker", containerDefinitions=[container])
    revision = f"syncwell-worker:{made['taskDefinition']['revision']}"
    ecs.update_service(cluster="syncwell", service="syncwell-worker", taskDefinition=revision)
    with pytest.raises(StepFailed, match=r"the last good release is .* in us-east-1, .* in us-west-2: name one"):
        run.step(g.WORKERS_AGAIN)
    assert [service(run, region)["desiredCount"] for region in REGIONS] == [0, 0]
