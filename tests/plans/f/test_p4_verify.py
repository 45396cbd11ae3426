"""What users are told at the end is what was done, whoever of the automation and this run was first."""

from __future__ import annotations

from drcore.plans import f
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines


def test_users_are_told_of_a_rollback_where_a_stopped_deployment_was_rolled_back_by_codedeploy(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(f.PLAN, "bad-canary-stuck"), facts=SHORT))
    assert carry_out(run) is None
    assert run.run.history.intended(f.STOP.name)
    told = [
        line["parameters"]["json"]["incident"]["body"] for line in lines(run, "call") if line["call"] == "http:PATCH"
    ]
    assert told[-1].startswith("The change that caused errors was rolled back")
