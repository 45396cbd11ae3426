"""The running deployment is stopped, and what CodeDeploy then does to undo it is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drcore.engine.outcome import Answer, Outcome, Target
from drcore.errors import Busy
from drcore.plans import f
from drcore.plans.f.p3_roll_back import STOP, Deploying, nothing_deploys, stop_deployment
from tests.support.stage import Scene, Stage, carry_out, client

NO_RUN: Any = None  # these functions read nothing of their run
EAST = Target("us-east-1")


def test_each_deployment_is_stopped_once_and_no_rollback_is(stage: Stage) -> None:
    """Also where StopDeployment stops at once, so that the rollback is there at the next look."""
    run = stage.open(stage.prepare(Scene(f.PLAN, "bad-canary-stuck")))

    assert carry_out(run, until=STOP) is None

    stopped = [json.loads(each.asked)["deploymentId"] for each in stage.effects if each.call.endswith("StopDeployment")]
    assert stopped and len(stopped) == len(set(stopped))
    for region in run.run.service.regions:
        codedeploy = client(run, "codedeploy", region)
        ids = codedeploy.list_deployments(
            applicationName="syncwell-backend", deploymentGroupName="syncwell-backend-live"
        )["deployments"]
        found = [codedeploy.get_deployment(deploymentId=each)["deploymentInfo"] for each in ids]
        rollbacks = [each for each in found if each["creator"] == "codeDeployRollback"]
        assert len(rollbacks) == 1 and rollbacks[0]["status"] == "Succeeded"
        assert rollbacks[0]["deploymentId"] not in stopped
    assert run.results[STOP.key].outcome is Outcome.DONE


def test_a_rollback_that_runs_is_waited_for_and_not_stopped() -> None:
    seen = Deploying((), ("d-ROLLBACK1",))
    check = nothing_deploys(NO_RUN, EAST, seen)
    assert check.answer is Answer.NO and "waited for" in check.why
    with pytest.raises(Busy, match="d-ROLLBACK1"):
        stop_deployment(NO_RUN, EAST, seen)
    assert nothing_deploys(NO_RUN, EAST, Deploying(("d-NEW",), ("d-ROLLBACK1",))).why == "running: d-NEW"
