"""The pipeline runs again during the rollback: what waits is kept out, and stopped at the end."""

from __future__ import annotations

import pytest

from drcore import plans
from drcore.engine.outcome import Target
from drcore.engine.verdict import Word
from drcore.plans import f
from drcore.record.events import Kind
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import SHORT, Scene, Stage, client, lines

PLAN = plans.find("f")
# In one region only, which is what the release of a region's pipeline is until the next one begins.
AGAIN = "bad-canary-stuck:region=us-east-1,pipeline_again=3"
# With in how many regions one waits at the door when it is opened. What comes later is no longer the run's to see.
ALL = {AGAIN: 1, "bad-canary:region=us-west-2": 0, "bad-release:pipeline_again=3": 2, "bad-release:pipeline_again=6": 2}
each_fault = pytest.mark.parametrize(("fault", "waiting"), ALL.items() if EXHAUSTIVE else [(AGAIN, 1)], ids=str)


@each_fault
def test_what_comes_again_is_kept_out_and_stopped_and_the_goal_is_reached(
    stage: Stage, fault: str, waiting: int
) -> None:
    run = stage.drill(Scene(PLAN, fault), facts=SHORT)
    assert run.verdict and run.verdict.word is Word.REACHED, run.verdict
    calls = [line["call"] for line in lines(run, Kind.CALL) if line["write"]]
    closed = calls.index("codepipeline:DisableStageTransition")
    assert "codedeploy:StopDeployment" not in calls[:closed], "what waits behind it would enter"
    for region in run.run.service.regions:
        pipeline = client(run, "codepipeline", region)
        state = pipeline.get_pipeline_state(name="syncwell-backend")["stageStates"][-1]
        assert state["inboundTransitionState"]["enabled"] and "inboundExecution" not in state
    assert calls.count("codepipeline:StopPipelineExecution") == waiting, "what waited is stopped once"
    stage.sleep(600)
    served, decided = stage.truth()["serving"], run.results[f.DECIDE.key].states[Target()].to
    for region in run.run.service.regions:
        assert set(served[region]["syncwell-api"]) == {decided.of(region).version_of("syncwell-api")}
