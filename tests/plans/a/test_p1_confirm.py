"""Plan A, phase 1: what is taken for an outage, who may run the plan, what a named region costs in calls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drcore.engine.outcome import Outcome
from drcore.plans import a
from drcore.run.runbook import Runbook
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines

EAST, WEST = "us-east-1", "us-west-2"


def test_a_control_plane_that_is_away_should_not_be_taken_for_an_outage(stage: Stage) -> None:
    scene = Scene(a.PLAN, f"region-outage:region={EAST},kind=control-plane,duration=0")
    run = stage.open(stage.prepare(scene, facts={**SHORT, "detection_minutes": 1}))
    trouble = carry_out(run)
    assert run.results[a.DETECT.key].outcome is Outcome.SKIPPED
    assert "control plane does not answer" in run.results[a.DETECT.key].why
    assert "do not point at one failed region" in str(trouble)
    assert [line["step"] for line in lines(run, "intent") if "lock" not in line["step"]] == []


@pytest.mark.parametrize(("kind", "why"), [("error", "identity"), ("lambda-sqs", "the runner stands in us-west-2")])
def test_the_runner_should_refuse_to_run_in_the_failed_region(stage: Stage, kind: str, why: str) -> None:
    scene = Scene(a.PLAN, f"region-outage:region={WEST},kind={kind},duration=0")
    trouble = carry_out(stage.open(stage.prepare(scene, facts=SHORT)))
    assert why in str(trouble) and "-p runner_region=us-east-1" in str(trouble)


def said(run: Runbook) -> str:
    """What AWS said, as it stands in the confirmation."""
    (state,) = run.results[a.CONFIRM.key].states.values()
    return str(state.aws)


@pytest.mark.parametrize("lost", [EAST, WEST])
def test_what_aws_says_should_stand_in_the_confirmation_and_gate_nothing(stage: Stage, lost: str) -> None:
    """Where us-east-1 is lost AWS Health is not there: its public page is asked."""
    other = WEST if lost == EAST else EAST
    scene = Scene(a.PLAN, f"region-outage:region={lost},duration=0", incident={"runner_region": other})
    run = stage.open(stage.prepare(scene, facts=SHORT))
    assert carry_out(run, until=a.CONFIRM) is None
    source = "its public page: no open issue (AWS Health was not read" if lost == EAST else "AWS Health: no open issue"
    assert said(run).startswith(source)
    later = stage.open(stage.prepare(replace(scene, fault=""), facts=SHORT))
    run.close()
    stage.sleep(900)  # AWS says it a quarter of an hour later
    assert carry_out(later, until=a.CONFIRM) is None
    assert f"MULTIPLE_SERVICES in {lost} since" in said(later)


@pytest.mark.parametrize("page", ["{world}/aws-status/nothing", "{world}/syncwell/us-west-2/health/region"])
def test_where_aws_cannot_be_asked_a_person_should_be_told_to_and_the_plan_goes_on(stage: Stage, page: str) -> None:
    scene = Scene(a.PLAN, f"region-outage:region={EAST},duration=0")
    run = stage.open(stage.prepare(scene, facts={**SHORT, "aws_status": page}))
    assert carry_out(run, until=a.CONFIRM) is None
    assert said(run).startswith("cannot be asked (AWS Health: it stands in us-east-1")
    assert "expected 200 with a list of events, seen" in said(run)
    assert said(run).endswith("Ask AWS by telephone; do not wait")


def test_a_region_that_is_named_should_not_be_called_at_all(stage: Stage) -> None:
    named = {"failed_region": EAST, "reason": "reported by telephone"}
    scene = Scene(a.PLAN, f"region-outage:region={EAST},duration=9", incident=named)
    run = stage.open(stage.prepare(scene, facts=SHORT))
    assert carry_out(run) is None
    back = next(line["n"] for line in lines(run, "moment") if line["name"] == "recovered")
    before = [line for line in lines(run, "call") if line["n"] < back and line["region"] == EAST]
    assert before and all(line["waiver"] for line in before)


def test_a_health_check_that_is_set_otherwise_should_be_told_beside_what_it_sees(stage: Stage) -> None:
    """Disabled it means always healthy: users would stay in the region that is down, whatever the checkers see."""
    scene = Scene(a.PLAN, f"region-outage:region={WEST},duration=0", incident={"runner_region": EAST})
    run = stage.open(stage.prepare(scene, facts=SHORT))
    checks = run.run.facts.health_checks
    asked = {"HealthCheckId": checks[WEST], "ResourcePath": "/healthz", "Inverted": True, "Disabled": True}
    stage.door.world.client("route53", EAST).update_health_check(**asked)
    carry_out(run, until=a.HEALTH_CHECKS)
    why = run.results[a.HEALTH_CHECKS.key].why
    assert all(each in why for each in ("it is disabled", "it is inverted", "it asks for /healthz")), why
