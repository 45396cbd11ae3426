"""A pause is believed only where the deployment of its flags is in a state that the plan knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drcore.engine.outcome import Answer
from drcore.plans import d
from tests.support.stage import SHORT, Scene, carry_out, staged


def test_a_deployment_in_a_state_that_nobody_knows_should_be_unknown(tmp_path: Path) -> None:
    """Though consumers get what is wanted already: something goes on that the plan does not understand."""
    with staged(tmp_path) as stage:
        run = stage.open(stage.prepare(Scene(d.PLAN, "partner-outage"), facts=SHORT))
        assert carry_out(run, until=d.PAUSE) is None
        for target in (each.target for each in run.results[d.PAUSE.key].targets):
            state = d.PAUSE.look(run.run, target)
            odd = replace(state, deployment=replace(state.deployment, state="PAUSED"))
            paused = d.PAUSE.expect(run.run, target, state)
            assert paused.answer is Answer.YES
            if paused.why.startswith("consumers get"):
                assert d.PAUSE.expect(run.run, target, odd).answer is Answer.UNKNOWN
                return
        pytest.fail("no target is about what consumers get")
