"""A journal is whole after a torn line, a kill, an interrupt, a second writer; no secret reaches it."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from drcore.errors import BadInput, Refused
from drcore.record.events import Kind, read_events
from drcore.record.files import EVIDENCE, JOURNAL, MANIFEST, find, write_atomically
from drcore.record.proof import verify
from drcore.record.redact import HIDDEN
from tests.support.sealed_records import LAST, MEND, open_record, problem, writing

ROOT = Path(__file__).parents[2]


def test_a_torn_last_line_should_be_cut_off_and_told_and_the_run_should_go_on(sealed: Path) -> None:
    (sealed / MANIFEST).unlink()
    with (sealed / JOURNAL).open("ab") as journal:
        journal.write(b'{"n":12,"time":"2026-01-05T09:0')
    proof = verify(sealed)
    assert proof.holds and any("incomplete" in note for note in proof.notes)
    with writing(sealed) as record:
        assert record.events[-1]["event"] == "torn-line-removed" and record.events[-1]["bytes"] == 31
        record.append(Kind.OPENED_AGAIN)
    proof = verify(sealed)
    assert proof.holds and proof.lines == LAST + 2


def test_a_journal_may_be_torn_at_any_byte(sealed: Path) -> None:
    (sealed / MANIFEST).unlink()
    content = (sealed / JOURNAL).read_bytes()
    for length in range(0, len(content), 7):
        (sealed / JOURNAL).write_bytes(content[:length])
        assert verify(sealed).holds


def test_two_writers_should_be_refused(tmp_path: Path) -> None:
    with writing(tmp_path / "t-1") as record:
        record.append(Kind.OPENED)
        with pytest.raises(Refused, match="being written by another process"):
            open_record(tmp_path / "t-1")
        record.append(Kind.READY)
    with writing(tmp_path / "t-1") as record:
        assert [line["event"] for line in record.events] == ["opened", "ready"]


def test_a_sealed_record_that_is_written_to_again_should_be_open_until_it_is_sealed_anew(sealed: Path) -> None:
    with writing(sealed) as record:
        assert (sealed / MANIFEST).exists(), "opening alone changes nothing"
        record.append(Kind.OPENED_AGAIN)
        assert verify(sealed).word == "BEING WRITTEN"
    proof = verify(sealed)
    assert proof.holds and any("not closed" in note for note in proof.notes)
    with writing(sealed) as record:
        record.seal()
    assert verify(sealed).holds and verify(sealed).lines == LAST + 1


def test_a_file_should_be_bound_as_it_was_last_written(sealed: Path) -> None:
    with writing(sealed) as record:
        record.add_evidence("rates.csv", "minute,errors\n2,0\n", title="Rates")
        record.seal()
    assert verify(sealed).holds
    (sealed / EVIDENCE / "rates.csv").write_text("minute,errors\n1,8\n")
    assert "rates.csv: changed" in problem(sealed)


def test_a_file_that_was_about_to_be_written_anew_when_the_run_was_killed_should_be_no_forgery(sealed: Path) -> None:
    with writing(sealed) as record:
        record.unbind(f"{EVIDENCE}/rates.csv")
        write_atomically(sealed / EVIDENCE / "rates.csv", b"minute,errors\n2,0\n")
    assert verify(sealed).holds


def test_a_record_killed_between_any_two_writes_should_hold_and_go_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    deaths = int(done.stdout)
    assert deaths > 60, "every open, sync, rename and removal is a place to die"
    for number in range(deaths):
        folder = tmp_path / f"{number}"
        if not (folder / JOURNAL).exists():
            continue
        proof = verify(folder)
        assert proof.holds, (number, proof.problems)
        with writing(folder) as record:
            record.append(Kind.OPENED_AGAIN)
        assert verify(folder).holds
    assert verify(tmp_path / f"{deaths}").holds, "and one was left alive"


def test_no_secret_should_reach_the_disk(tmp_path: Path) -> None:
    with writing(tmp_path / "t-1", "hunter2-hunter2") as record:
        record.append(Kind.CALL, parameters={"Message": "is hunter2-hunter2", "hunter2-hunter2": ["hunter2-hunter2"]})
        record.add_evidence("a.csv", "x,hunter2-hunter2\n", title="with hunter2-hunter2")
        record.seal()
    for path in (tmp_path / "t-1").rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()
    assert HIDDEN in (tmp_path / "t-1" / EVIDENCE / "a.csv").read_text()
    assert verify(tmp_path / "t-1").holds


def test_a_file_should_be_the_old_or_the_new_one_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "no bytes")  # type: ignore[arg-type]  # that is the point
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"], "nothing is left lying about"


def test_a_run_should_be_found_by_its_id_its_beginning_or_its_path(tmp_path: Path) -> None:
    for name in ("f-drill-1", "f-drill-12", "g-drill-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "parameters.json").write_text("{}")
    assert find(tmp_path, "g") == tmp_path / "g-drill-1"
    assert find(tmp_path, "f-drill-1") == tmp_path / "f-drill-1", "an exact id is not ambiguous"
    assert find(tmp_path, str(tmp_path / "g-drill-1")) == tmp_path / "g-drill-1"
    with pytest.raises(BadInput, match=r"'f': expected the id or path of one record .* seen .*f-drill-1.*f-drill-12"):
        find(tmp_path, "f")
    with pytest.raises(BadInput, match=r"'x': expected the id or path of a record .* seen none. See: drcore list"):
        find(tmp_path, "x")


def test_a_record_should_hold_wherever_it_is_copied(sealed: Path, tmp_path: Path) -> None:
    shutil.copytree(sealed, tmp_path / "elsewhere")
    assert verify(tmp_path / "elsewhere").holds


class _Interrupted:
    """Raises KeyboardInterrupt at the n-th line of code that the journal carries out, once."""

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.endswith("record/journal.py") or frame.f_code.co_name not in (
            "append",
            "_write",
        ):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


def test_a_line_for_which_there_was_no_room_should_leave_nothing_behind(tmp_path: Path) -> None:
    with writing(tmp_path / "t-1") as record:
        record.append(Kind.OPENED)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "t-1" / JOURNAL).stat().st_size + 10, hard))
        try:
            with pytest.raises(OSError, match="10 of"):
                record.append(Kind.NOTE, text="longer than the room that is left")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        record.append(Kind.CLOSED)
        record.seal()
    assert [line["event"] for line in read_events(tmp_path / "t-1")] == ["opened", "closed"]
    assert verify(tmp_path / "t-1").holds


def test_an_interrupt_at_any_moment_of_an_append_should_leave_a_record_that_holds(tmp_path: Path) -> None:
    """A stopped run goes on writing: its last cells verify and close it."""
    interrupted = 0
    for moment in range(1, 200):
        folder = tmp_path / f"t-{moment}"
        with writing(folder) as record:
            record.append(Kind.OPENED, run_id=folder.name)
            before = sys.gettrace()
            sys.settrace(_Interrupted(moment))
            try:
                record.append(Kind.RESULT, step=MEND, target="all")
            except KeyboardInterrupt:
                interrupted += 1
                over = False
            else:
                over = True
            finally:
                sys.settrace(before)
            record.append(Kind.CLOSED)
            assert [event["n"] for event in record.events] == list(range(1, len(record.events) + 1))
            record.seal()
        assert verify(folder).holds, verify(folder).problems
        if over:
            break
    assert interrupted > 10
