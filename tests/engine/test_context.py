"""What a run settles is known to whoever goes on with it, and a secret that it has read is written nowhere."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.gate import Writes, WriteStopped
from drcore.engine.context import Run
from drcore.engine.outcome import Between, StepName
from drcore.parameters import SecretRef
from drcore.plans import f
from drcore.record.events import Kind, read_events
from drcore.record.files import JOURNAL
from tests.support.lone_run import EAST, NINE, lone_run

DECIDE = StepName("decide", "Decide", "T.1")


def settled(run: Run[Any, Any]) -> tuple[object, ...]:
    return run.moments, run.earliest, run.lost_s, run.decided(DECIDE).choice, run.failed_region, run.calls.failed_region


def test_what_was_settled_should_be_known_after_a_restart(tmp_path: Path) -> None:
    later = NINE + timedelta(minutes=3)
    with lone_run(f.PLAN, tmp_path) as run:
        run.settle_moment("detected", NINE)
        run.settle_moment("harm over", Between(NINE, later))
        run.settle_loss(DECIDE, 12.5)
        with run.calls.during(Writes.ALLOWED):
            run.decide(DECIDE, "give it up", failed_region=EAST.region)
        before = settled(run)
    moments = {"detected": NINE, "harm over": later}
    assert before == (moments, {"harm over": NINE}, 12.5, "give it up", EAST.region, EAST.region)
    with lone_run(f.PLAN, tmp_path) as run:
        assert settled(run) == before


def test_what_was_settled_first_should_stay(tmp_path: Path) -> None:
    with lone_run(f.PLAN, tmp_path) as run:
        for minutes in (0, 3):
            run.settle_moment("detected", NINE + timedelta(minutes=minutes))
            run.settle_loss(DECIDE, 10 + minutes)
        assert (run.moments, run.lost_s) == ({"detected": NINE}, 10)
        assert len(read_events(tmp_path)) == 2


def test_a_decision_should_be_a_write_that_a_rehearsal_names_and_does_not_make(tmp_path: Path) -> None:
    with lone_run(f.PLAN, tmp_path) as run:
        with run.calls.during(Writes.STOPPED), pytest.raises(WriteStopped):
            run.decide(DECIDE, "go")
        assert read_events(tmp_path) == []
        with run.calls.during(Writes.ALLOWED):
            run.decide(DECIDE, "go")
        assert [line["event"] for line in read_events(tmp_path)] == [Kind.DECISION, Kind.CALL]
        assert [call.operation for call in run.calls.made] == ["Decide"]


def test_a_secret_that_was_read_should_not_reach_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "correct-horse-battery"
    with lone_run(f.PLAN, tmp_path) as run:
        monkeypatch.setitem(os.environ, "WORD_OF_A_TEST", value)
        assert run.secret(SecretRef.model_validate({"secret": "env:WORD_OF_A_TEST"})) == value
        run.record.append(Kind.NOTE, text=f"it is {value}")
        assert value.encode() not in (tmp_path / JOURNAL).read_bytes()
