"""A closed transition keeps the next run out until it is opened."""

from typing import Any

from tests.support.syncwell_world import EAST, SyncWellWorld, refused

DEPLOY: dict[str, str] = {
    "pipelineName": "syncwell-backend",
    "stageName": "Deploy",
    "transitionType": "Inbound",
}


def _deploy_stage(world: SyncWellWorld) -> dict[str, Any]:
    state = world.client("codepipeline").get_pipeline_state(name="syncwell-backend")
    found: dict[str, Any] = next(s for s in state["stageStates"] if s["stageName"] == "Deploy")
    return found


def test_the_pipeline_should_deploy_the_bad_release_again_unless_it_is_frozen() -> None:
    world = SyncWellWorld().broken("bad-canary", pipeline_again=15)
    world.sleep(600)
    assert world.truth["serving"][EAST]["syncwell-api"] == {"41": 1.0}
    world.sleep(420)
    assert world.truth["serving"][EAST]["syncwell-api"]["42"] > 0


def test_a_run_should_wait_at_a_disabled_transition_and_enter_when_it_is_enabled() -> None:
    world = SyncWellWorld().broken("bad-canary", pipeline_again=15)
    pipeline = world.client("codepipeline")
    world.sleep(600)
    pipeline.disable_stage_transition(**DEPLOY, reason="incident 1")
    transition = _deploy_stage(world)["inboundTransitionState"]
    assert (transition["enabled"], transition["disabledReason"]) == (False, "incident 1")
    assert "inboundExecution" not in _deploy_stage(world)
    world.sleep(600)
    waiting = _deploy_stage(world)["inboundExecution"]["pipelineExecutionId"]
    assert world.truth["serving"][EAST]["syncwell-api"] == {"41": 1.0}
    pipeline.enable_stage_transition(**DEPLOY)
    world.sleep(20)
    assert _deploy_stage(world)["latestExecution"]["pipelineExecutionId"] == waiting
    assert world.truth["serving"][EAST]["syncwell-api"]["42"] > 0


def test_a_run_that_waits_should_be_stopped_and_enter_no_more() -> None:
    world = SyncWellWorld()
    pipeline = world.client("codepipeline")
    pipeline.disable_stage_transition(**DEPLOY, reason="freeze")
    run = pipeline.start_pipeline_execution(name="syncwell-backend")["pipelineExecutionId"]
    world.sleep(120)
    this = {"pipelineName": "syncwell-backend", "pipelineExecutionId": run}
    assert pipeline.stop_pipeline_execution(**this, abandon=True)["pipelineExecutionId"] == run
    assert "inboundExecution" not in _deploy_stage(world)
    runs = pipeline.list_pipeline_executions(pipelineName="syncwell-backend")["pipelineExecutionSummaries"]
    assert {each["pipelineExecutionId"]: each["status"] for each in runs}[run] == "Stopped"
    refused("PipelineExecutionNotStoppableException", pipeline.stop_pipeline_execution, **this, abandon=True)
    pipeline.enable_stage_transition(**DEPLOY)
    before = _deploy_stage(world)["latestExecution"]
    world.sleep(60)
    assert _deploy_stage(world)["latestExecution"] == before


def test_a_newer_run_should_take_the_place_of_the_one_that_waits() -> None:
    world = SyncWellWorld()
    pipeline = world.client("codepipeline")
    pipeline.disable_stage_transition(**DEPLOY, reason="freeze")
    older = pipeline.start_pipeline_execution(name="syncwell-backend")["pipelineExecutionId"]
    world.sleep(120)
    newer = pipeline.start_pipeline_execution(name="syncwell-backend")["pipelineExecutionId"]
    world.sleep(120)
    assert _deploy_stage(world)["inboundExecution"]["pipelineExecutionId"] == newer
    runs = pipeline.list_pipeline_executions(pipelineName="syncwell-backend")["pipelineExecutionSummaries"]
    assert {run["pipelineExecutionId"]: run["status"] for run in runs}[older] == "Superseded"


def test_it_should_not_know_a_pipeline_or_a_stage_that_is_not_there() -> None:
    pipeline = SyncWellWorld().client("codepipeline")
    refused("PipelineNotFoundException", pipeline.get_pipeline_state, name="nobody")
    refused(
        "StageNotFoundException",
        pipeline.disable_stage_transition,
        **{**DEPLOY, "stageName": "Nowhere"},
        reason="x",
    )
