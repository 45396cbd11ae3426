"""What a step that plans share cannot tell is UNKNOWN."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from drcore.plans import d
from drcore.plans.d.paused import Case, PauseDecision, pause_flags
from drcore.plans.shared.flags import Switched, switch_target
from drcore.services.appconfig import EnvironmentDeployment
from tests.support.lone_run import Look, lone_run, must_not_be_told, saw


def test_a_deployment_in_a_state_that_nobody_knows_should_be_unknown(tmp_path: Path) -> None:
    """Though consumers get what is wanted already: something goes on that the plan does not understand."""
    with lone_run(d.PLAN, tmp_path) as run:
        saw(run, d.DECIDE.name, PauseDecision((Case("strideon", "theirs", pause=True, evidence=("it fails",)),)))
        wanted = {flag: dict(value) for flag, value in pause_flags(run).items()}
        over = Switched(wanted, deployment=EnvironmentDeployment(1, "COMPLETE"))
        odd = replace(over, deployment=EnvironmentDeployment(1, "PAUSED"))
        why = "and yet the last deployment is PAUSED"
        must_not_be_told(run, Look(d.PAUSE.expect, over, odd, why, switch_target("us-west-2", "strideon")))
