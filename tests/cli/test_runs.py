"""A run by the command line: how it ends, what it prints, what it leaves behind."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from drcore import plans
from drcore.record.events import read_events
from tests.support.command import SEED, Said, drcore, left_over, worlds_of

FIELDS = {
    "run_id",
    "plan",
    "mode",
    "environment",
    "verdict",
    "steps",
    "rto",
    "rpo",
    "untold",
    "remarks",
    "acts",
    "by",
    "stands",
    "record",
    "exit",
}

STEP_FIELDS = {"id", "title", "outcome", "word", "seconds"}

PLAN = plans.find("f")


def test_a_drill_that_reaches_its_goal_should_exit_with_0_and_leave_no_world(drilled: Said) -> None:
    assert drilled.exit == drilled.json["exit"] == 0, drilled.err
    assert left_over(SEED) == []


def test_the_last_line_should_be_json_with_exactly_the_fields_of_the_contract(drilled: Said, records: Path) -> None:
    told = drilled.json
    assert set(told) == FIELDS
    assert [set(step) for step in told["steps"]] == [STEP_FIELDS] * len(PLAN.steps)
    assert set(told["rto"]) == {"target_s", "measured_s", "least_s"}
    known = {"run_id": "f-cli-drill", "plan": "f", "mode": "drill", "environment": "sandbox"}
    assert known.items() <= told.items()
    assert told["record"] == str(records / "f-cli-drill")


def test_the_json_should_say_what_the_journal_says(drilled: Said, record: Path) -> None:
    events = read_events(record)
    verdict = next(line for line in reversed(events) if line["event"] == "verdict")
    assert (drilled.json["verdict"], drilled.json["exit"]) == (verdict["word"], verdict["exit"])
    assert (drilled.json["rto"], drilled.json["rpo"]) == (verdict["rto"], verdict["rpo"])
    ended = {line["step"]: line["outcome"] for line in events if line["event"] == "step-ended"}
    assert {step["title"]: step["outcome"] for step in drilled.json["steps"]} == ended
    assert [step["id"] for step in drilled.json["steps"]] == [step.key for step in PLAN.steps]
    assert all(step["seconds"] >= 0 for step in drilled.json["steps"])


def test_with_json_the_words_for_people_should_go_to_stderr(drilled: Said) -> None:
    assert len(drilled.out.splitlines()) == 1
    for expected in (
        "Verdict",
        "RTO",
        "Record",
        "Proof    holds",
        "Archive  s3://",
        *(step.title for step in PLAN.steps),
    ):
        assert expected in drilled.err


def test_a_rehearsal_should_exit_with_0_and_take_the_same_line(tmp_path: Path) -> None:
    rehearsed = drcore("rehearse", "f", "--seed", str(SEED), "--json", "--records", tmp_path)
    assert rehearsed.exit == 0, rehearsed.err
    assert set(rehearsed.json) == FIELDS
    assert rehearsed.json["mode"] == "rehearse"
    assert {act["id"] for act in rehearsed.json["acts"]} == {step.key for step in PLAN.steps if step.act}
    assert left_over(SEED) == []


def test_a_refused_run_should_exit_with_3_keep_its_world_for_resume_and_let_go_of_the_pipes(tmp_path: Path) -> None:
    """The world outlives the command. If it held the command's output open, `drcore … | tee` would wait for it."""
    denied = "access-denied:service=sts"
    refused = drcore("drill", "f", "--seed", str(SEED), "--fault", denied, "--records", tmp_path, "--json")
    (kept,) = worlds_of(SEED)
    psutil.Process(kept).terminate()
    assert refused.exit == refused.json["exit"] == 3
    assert refused.json["verdict"] == "refused"
    assert f"drcore resume {refused.json['run_id']} --records {tmp_path}" in refused.err
    assert re.search(r"World    kept for 10 min, until \d\d:\d\d:\d\d UTC", refused.err)
