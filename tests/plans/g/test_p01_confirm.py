"""What is confirmed before anything is halted."""

from __future__ import annotations

from tests.support.data_corruption import PLAN
from tests.support.stage import Stage, carry_out, writes


def test_what_is_not_widespread_should_not_be_halted_for(stage: Stage) -> None:
    run = stage.open(stage.prepare(PLAN, facts={"detection_minutes": 1}))
    trouble = carry_out(run)
    assert "not widespread" in str(trouble)
    assert [line["call"] for line in writes(run)] == []
