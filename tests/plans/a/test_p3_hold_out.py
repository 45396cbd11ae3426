"""Plan A, phase 3: which lever takes a region out where DNS does not move by itself."""

from __future__ import annotations

from typing import Any

from drcore.engine.outcome import Outcome, Target
from drcore.engine.step import Step
from drcore.plans import a
from drcore.run.runbook import Runbook
from tests.support.stage import SHORT, Scene, Stage, carry_out

NO_FAILOVER = Scene(a.PLAN, "region-outage-no-failover:region=us-east-1,duration=9")


def pulled(run: Runbook, step: Step[Any, Any]) -> bool:
    return run.run.intended(step, Target(run.run.failed_region))


def test_where_dns_does_not_move_the_routing_control_should_be_the_first_lever(stage: Stage) -> None:
    run = stage.open(stage.prepare(NO_FAILOVER, facts=SHORT))
    assert carry_out(run) is None
    assert run.results[a.FAILOVER.key].outcome is Outcome.SKIPPED
    assert [pulled(run, step) for step in (a.ROUTING_OUT, a.LEVER_OUT, a.CHECK_OUT)] == [True, False, False]
    assert run.results[a.ROUTING_IN.key].outcome is Outcome.DONE
    assert "it asks 192.0.2.20" in run.results[a.CHECK_BACK.key].why


def test_without_a_cluster_the_object_should_be_the_lever(stage: Stage) -> None:
    run = stage.open(stage.prepare(NO_FAILOVER, facts={**SHORT, "arc": None}))
    assert carry_out(run) is None
    assert [pulled(run, step) for step in (a.ROUTING_OUT, a.LEVER_OUT, a.CHECK_OUT)] == [False, True, False]
