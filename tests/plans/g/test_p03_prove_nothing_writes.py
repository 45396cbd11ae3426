"""The proof that nothing writes: a writer that was missed, a denial that does not hold, an answer that is lost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drcore.engine.consent import GOING_BACK, Approval, Approvals
from drcore.engine.outcome import Outcome, yes
from drcore.engine.step import Plan
from drcore.engine.verdict import Word
from drcore.errors import DrcoreError, StepFailed
from drcore.plans import g
from drcore.plans.g.tables import table
from tests.support.data_corruption import FAULT, PLAN, REGIONS, drilled_to, policy, prepared, release, writers
from tests.support.stage import Stage, carry_out, client, ended, outcomes


def test_a_writer_that_was_missed_should_be_found_and_a_halt_can_be_gone_back_from(stage: Stage) -> None:
    """The plan stops at the proof; all that was halted comes back as it was, but never the faulty release."""
    setting = prepared(stage, {"hidden_writer": "true"})
    run = stage.open(setting)
    trouble = carry_out(run)
    assert trouble is not None
    assert "a writer was missed" in str(trouble)
    assert "batch/" in str(trouble), "who wrote last is named"
    assert g.EXPORT.key not in run.results
    assert outcomes(run)[g.NOTHING_WRITES.title] is Outcome.FAILED

    stage.mend(FAULT)  # somebody has found the process, and stopped it
    given = Approval(
        step=GOING_BACK,
        phrase=f"GO BACK {setting.run_id}",
        by="Ada",
        reason="not the right day",
        expires=datetime(2026, 1, 6, tzinfo=UTC),
    )
    run = stage.again(run, approvals=Approvals(run=setting.run_id, approvals=(given,)))
    run.run.clock.sleep(180 + run.run.metrics.delay_s)
    assert carry_out(run, until=g.NOTHING_WRITES) is None
    assert outcomes(run)[g.NOTHING_WRITES.title] is Outcome.DONE

    for always in (run.verify, run.go_back, run.close):
        with suppress(DrcoreError):
            always()
    assert ended(run).word == Word.GONE_BACK, ended(run).why
    for region in REGIONS:
        assert writers(run, region)["desired"] == 4
        assert writers(run, region)["suspended"] is False
        assert set(writers(run, region)["rules"].values()) == {"ENABLED"}
        assert set(writers(run, region)["functions"].values()) == {None}
        assert policy(run, region) == ""
        assert release(run, region) == "2026.01.1"


def test_a_policy_that_does_not_hold_should_be_seen_and_nothing_of_ours_should_stay(stage: Stage) -> None:
    run = stage.open(prepared(stage), plan=_without_denial())
    assert carry_out(run, until=g.FUNCTIONS) is None
    # What wrote before it was stopped is no longer in the minutes that are looked at.
    stage.door.world.clock.advance(180 + run.run.metrics.delay_s)
    with pytest.raises(StepFailed, match=r"was accepted|after the denial"):
        run.step(g.NOTHING_WRITES)
    stage.door.world.clock.advance(5)  # what was written and taken away again has come to the other region
    for region in REGIONS:
        found = client(run, "dynamodb", region).get_item(
            TableName=table(run.run), Key={"pk": {"S": f"CANARY#drcore-{run.run.id}"}, "sk": {"S": "0"}}
        )
        assert "Item" not in found


def test_a_write_of_ours_that_is_not_answered_should_prove_nothing(stage: Stage) -> None:
    run = drilled_to(stage, g.FUNCTIONS)
    stage.fault("lost-response", service="dynamodb", operation="PutItem", count=3)  # each try of the first role
    with pytest.raises(StepFailed, match="is to be attempted"):
        run.step(g.NOTHING_WRITES)
    run.step(g.NOTHING_WRITES)
    assert outcomes(run)[g.NOTHING_WRITES.title] is Outcome.DONE


def _without_denial() -> Plan[Any]:
    deny = replace(g.DENY, expect=lambda run, target, seen: yes("as if it stood"))
    return replace(PLAN, steps=tuple(deny if step is g.DENY else step for step in PLAN.steps))
