"""Records of every version are read as one kind of run; what is wrong with one is told, and it is still there."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drcore.archive.reader import ReadRun, Worth, folders, read
from drcore.engine.outcome import Outcome
from drcore.record.events import FIRST, Kind
from drcore.record.files import JOURNAL, MANIFEST, PARAMETERS
from tests.support.golden import unpack
from tests.support.sealed_records import MEND, change_lines, open_record, write, writing


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReadRun]:
    """Every golden record, read."""
    return {path.name: read(path) for path in folders(unpack(tmp_path_factory.mktemp("golden")))}


def test_every_golden_record_should_be_read(golden: dict[str, ReadRun]) -> None:
    """As its file name says: of which plan it is, how it ended."""
    assert len(golden) == 9
    for name, run in golden.items():
        plan, _, how = name.partition("-golden-")
        assert (run.run_id, run.plan, run.mode, run.environment.partition("-")[0]) == (name, plan, "drill", "sandbox")
        ends = {"sealed": ("goal reached", 0), "gone-back": ("gone back", 1), "killed": ("", None)}
        assert (run.word, run.exit) == ends[how]
        assert run.worth is (Worth.INCOMPLETE if how == "killed" else Worth.HOLDS)
        assert run.begun and run.begun.date() == datetime(2026, 11, 27, tzinfo=UTC).date(), "no virtual day"
        assert run.people[0] == "root@runbook-host"
        assert run.problems == ()
        assert run.planned == {}, "format 1 does not say"


def test_steps_of_a_golden_record_should_be_told_in_the_words_of_today(golden: dict[str, ReadRun]) -> None:
    run = golden["f-golden-sealed"]
    assert run.verdict and run.verdict.rto.measured == 254.8
    assert run.verdict.moments["healthy"] == datetime(2026, 1, 5, 9, 4, 14, 800_000, UTC)
    assert [step.key for step in run.steps][:4] == ["detect", "automatic-rollback", "notify-on-call", "decide"]
    step = run.step("freeze-the-pipeline")
    assert step and step.outcome is Outcome.DONE and step.acts == 2 and step.looks >= 4
    assert step.result and step.result.outcome is Outcome.DONE
    assert [target.before and target.before["open"] for target in step.targets] == [True, True], (
        "what was seen before the act"
    )
    assert step.given and step.given.phrase.startswith("FREEZE syncwell-backend")
    decided = [golden[name].step("decide") for name in ("f-golden-sealed", "g-golden-sealed")]
    assert [[made.choice for made in step.decisions] for step in decided if step] == [
        [],
        ["repair: 0 changes lost, 3 items for a person, 193 items written"],
    ]
    assert sum(len(each.calls) for each in run.steps) > 500
    for step in run.steps:
        assert step.result and step.result.outcome is step.outcome, step.key


def test_what_was_taken_back_and_by_whom_should_be_told(golden: dict[str, ReadRun]) -> None:
    run = golden["f-golden-gone-back"]
    assert "Ada" in run.people
    assert {each.word for each in run.back} == {"taken back"}
    lambdas = run.step("lambda-rollback")
    assert lambdas and len(lambdas.undone) == 6


def test_a_step_that_was_under_way_has_no_outcome(golden: dict[str, ReadRun]) -> None:
    step = golden["f-golden-killed"].steps[-1]
    assert step.outcome is None and step.result is None and step.ended is None
    assert step.acts > len(step.targets) and step.times == 1


def test_a_changed_line_should_leave_a_broken_run(tmp_path: Path, golden: dict[str, ReadRun]) -> None:
    folder = shutil.copytree(golden["f-golden-sealed"].folder, tmp_path / "changed")
    change_lines(folder, lambda lines: lines.__setitem__(1, lines[1].replace(b'"f"', b'"g"')))
    run = read(folder)
    assert run.worth is Worth.BROKEN
    assert run.problems[0].startswith("line 2: ")
    assert run.word == "goal reached" and not run.reached, "what it says is shown, and believed by nobody"


@pytest.mark.parametrize("line", [b"{}", b"\xff\xfe", b'{"n":1,"time":"x","event":"step","prev":""}', b"[" * 9999])
def test_lines_that_are_none_should_leave_a_broken_run(tmp_path: Path, line: bytes) -> None:
    folder = write(tmp_path / "t-1")
    change_lines(folder, lambda lines: lines.__setitem__(2, line))
    assert read(folder).worth is Worth.BROKEN


def test_lines_that_lack_what_they_must_have_should_leave_a_broken_run(tmp_path: Path) -> None:
    """They are a sound chain, so that only reading them tells."""
    with writing(tmp_path / "t-1") as record:
        record.append(Kind.OPENED, run_id="t-1")
        record.append(Kind.STEP, step=MEND)
        record.append(Kind.STEP_ENDED, step=MEND)
        record.seal()
    run = read(tmp_path / "t-1")
    assert run.worth is Worth.BROKEN and "KeyError 'outcome'" in run.problems[-1]


def test_what_is_not_known_here_should_be_no_good_outcome(tmp_path: Path) -> None:
    with writing(tmp_path / "t-1") as record:
        record.append(Kind.OPENED, run_id="t-1")
        record.append(Kind.STEP, step=MEND)
        record.append(Kind.RESULT, step=MEND, target="all", outcome="SPLENDID", why="it is")
        record.append(Kind.STEP_ENDED, step=MEND, outcome="SPLENDID", seconds={"machine": 1, "people": 2})
        record.append(Kind.VERDICT, word="marvellous", why="it is", exit=0, rto=None, rpo=None)
        record.append(Kind.CLOSED, lock="")
        record.seal()
    run = read(tmp_path / "t-1")
    assert (run.worth, run.word, run.verdict, run.reached) == (Worth.HOLDS, "marvellous", None, False)
    assert run.steps[0].outcome is Outcome.UNKNOWN


def test_a_record_of_a_newer_format_should_be_there_with_what_it_takes(tmp_path: Path) -> None:
    folder = tmp_path / "t-9"
    folder.mkdir()
    first = {"n": 1, "time": "2031-01-01T00:00:00Z", "event": "host", "format": 9, "packages": {"drcore": "7.0"}}
    (folder / JOURNAL).write_text(json.dumps(first | {"prev": FIRST}) + "\n")
    (folder / PARAMETERS).write_text(json.dumps({"plan": "f", "mode": "drill", "service": {"environment": "staging"}}))
    run = read(folder)
    assert run.worth is Worth.UNREADABLE and "drcore 7.0" in run.problems[0]
    assert (run.run_id, run.plan, run.environment) == ("t-9", "f", "staging")


@pytest.mark.parametrize("parameters", ["", "[]", '{"service": 3, "plan": []}', '{"service": {"environment": 1}}'])
def test_a_folder_without_a_journal_should_be_there_too(tmp_path: Path, parameters: str) -> None:
    (tmp_path / "t-1").mkdir()
    (tmp_path / "t-1" / PARAMETERS).write_text(parameters)
    (run,) = map(read, folders(tmp_path))
    assert run.worth is Worth.UNREADABLE and run.run_id == "t-1"


def test_an_empty_journal_should_be_incomplete(tmp_path: Path) -> None:
    open_record(tmp_path / "t-1").close()
    run = read(tmp_path / "t-1")
    assert (run.worth, run.word, run.begun) == (Worth.INCOMPLETE, "", None)


def test_a_refusal_and_how_the_runner_ended_should_be_the_word(tmp_path: Path) -> None:
    """As the command line has given it: a refusal, a dead kernel, a signal come after a verdict."""
    ends: dict[str, tuple[Kind, dict[str, Any], tuple[str, int]]] = {
        "refused": (Kind.REFUSED, {"what": "preflight", "why": "the lock is held"}, ("refused", 3)),
        "died": (
            Kind.RUNNER,
            {"ending": "kernel died", "detail": "it died", "cell": "c", "exit": 4},
            ("runner failed", 4),
        ),
        "signal": (Kind.RUNNER, {"ending": "stopped", "detail": "SIGTERM", "cell": "c", "exit": 143}, ("stopped", 143)),
        "cell": (
            Kind.RUNNER,
            {"ending": "cell failed", "detail": "StepFailed", "cell": "c", "exit": 1},
            ("goal missed", 1),
        ),
    }
    for name, (kind, fields, expected) in ends.items():
        with writing(tmp_path / name) as record:
            record.append(Kind.OPENED, run_id=name)
            record.append(Kind.VERDICT, word="goal missed", why="", exit=1, rto=None, rpo=None)
            record.append(Kind.CLOSED, lock="")
            record.append(kind, **fields)
            record.seal()
        run = read(tmp_path / name)
        assert (run.word, run.exit) == expected, name


def test_a_run_that_was_gone_on_with_should_not_be_told_by_how_it_was_stopped_before(tmp_path: Path) -> None:
    with writing(tmp_path / "t-1") as record:
        record.append(Kind.HOST, user="ada", host="a")
        record.append(Kind.OPENED, run_id="t-1")
        record.append(Kind.RUNNER, ending="stopped", detail="SIGINT", cell="c", exit=130)
        record.append(Kind.HOST, user="bob", host="b")
        record.append(Kind.OPENED_AGAIN, run_id="t-1")
        record.append(Kind.VERDICT, word="goal reached", why="all is well", exit=0, rto=None, rpo=None)
        record.append(Kind.CLOSED, lock="")
        record.seal()
    run = read(tmp_path / "t-1")
    assert (run.word, run.people) == ("goal reached", ("ada@a", "bob@b"))
    (tmp_path / "t-1" / MANIFEST).unlink()
    assert not read(tmp_path / "t-1").reached, "nothing proves the last line"
