"""Plan A, phase 4: the data that may be lost is bounded."""

from __future__ import annotations

import pytest

from drcore.plans import a
from tests.support.data_loss import loss_is_bounded
from tests.support.stage import SHORT, Scene, Stage, carry_out


@pytest.mark.parametrize("offset", [0, 7.3, 33, 41.9, 58.15, 59.45])
def test_the_loss_should_be_bounded_whatever_second_the_fault_falls_on(stage: Stage, offset: float) -> None:
    stage.sleep(offset)
    run = stage.open(stage.prepare(Scene(a.PLAN, "region-outage"), facts=SHORT))
    assert carry_out(run, until=a.REPLICATION) is None
    loss_is_bounded(run.run, stage.truth(), "us-east-1")
