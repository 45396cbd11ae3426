"""A person's remark in a record: with name and time, also when the run is over; it is told from what the run left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drcore.archive.store import archive
from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, Target, yes
from drcore.engine.step import Step
from drcore.errors import BadInput, Refused
from drcore.parameters import Mode, Service, at_world, read
from drcore.record.events import read_events
from drcore.record.files import MANIFEST
from drcore.record.proof import verify
from drcore.record.run_parameters import RunParameters
from tests.support.command import contents, in_process
from tests.support.emulated import world
from tests.support.engine_world import SANDBOX, Seen, open_run, plan_of
from tests.support.sealed_records import LAST, change_lines, write, writing


def look(run: Run[Any], target: Target) -> Seen:
    return Seen("good")


def expect(run: Run[Any], target: Target, seen: Seen) -> Check:
    return yes(seen.value)


TELL = Step(StepName("tell", "Tell", "T.1"), changes="nothing", look=look, expect=expect)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with world(seed=13) as address:
        yield address


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return write(tmp_path / "t-1")


def noted(folder: Path, text: str = "The pager rang twice") -> int:
    return in_process("note", folder, text, "--json").exit


def test_a_remark_after_the_end_should_be_an_addendum_that_verify_tells(sealed: Path) -> None:
    head = verify(sealed).head
    assert noted(sealed) == noted(sealed, "And a third time") == 0
    proof = verify(sealed)
    assert (proof.proven, proof.lines) == (True, LAST + 2)
    first, second = (note for note in proof.notes if "after the run's end" in note)
    assert f"Line {LAST + 1} is a remark" in first and f"ended at line {LAST}, head {head}." in first
    assert f"Line {LAST + 2} is a remark" in second
    line = read_events(sealed)[LAST]
    assert (line["text"], "@" in line["by"], line["after_end"]) == ("The pager rang twice", True, True)


def test_a_remark_that_was_changed_should_break_the_record(sealed: Path) -> None:
    noted(sealed)
    change_lines(sealed, lambda lines: lines.append(lines.pop().replace(b"twice", b"never")))
    assert not verify(sealed).holds


def test_a_run_that_was_killed_should_stay_open(sealed: Path) -> None:
    (sealed / MANIFEST).unlink()
    assert noted(sealed) == 0
    proof = verify(sealed)
    assert (proof.word, proof.lines) == ("INCOMPLETE", LAST + 1)
    assert not read_events(sealed)[-1]["after_end"]


def test_nothing_should_be_added_to_a_record_that_is_broken(sealed: Path) -> None:
    """To close it again would hide what is missing."""
    change_lines(sealed, lambda lines: lines.__delitem__(-1))
    before = contents(sealed)
    assert noted(sealed) == 3
    assert contents(sealed) == before


def test_a_run_that_is_being_written_should_be_refused(sealed: Path) -> None:
    with writing(sealed):
        assert noted(sealed) == 3


@pytest.mark.parametrize("text", ["", "  ", "x" * 5000])
def test_an_empty_remark_should_be_bad_input(sealed: Path, text: str) -> None:
    before = contents(sealed)
    assert noted(sealed, text) == 2
    assert contents(sealed) == before


def test_in_the_notebook_a_remark_should_stand_in_the_journal_at_once(tmp_path: Path) -> None:
    run = open_run(tmp_path / "t-1", plan_of(TELL))
    run.note("  Traffic looks odd ")
    assert read_events(run.folder)[-1]["text"] == "Traffic looks odd"
    with pytest.raises(BadInput, match="seen nothing"):
        run.note(" ")
    run.close()
    with pytest.raises(Refused, match="closed"):
        run.note("too late")
    assert verify(run.folder).proven


def test_records_in_s3_should_be_proved_there_and_get_the_remark_too(address: str, tmp_path: Path) -> None:
    here = read(SANDBOX, Service)
    for name in ("t-1", "t-2"):
        folder = write(tmp_path / name)
        RunParameters(name, "t", Mode.DRILL, here, {}, {}, world={"address": address, "pid": None}).write(folder)
        archive(folder, at_world(here, address))
    assert noted(tmp_path / "t-1") == 0
    shutil.rmtree(tmp_path / "t-1")
    url = f"s3://{here.evidence.buckets[here.runner_region]}/records/t-"
    ended = in_process("verify", url, "--world", address, "--json")
    assert (ended.exit, [each["lines"] for each in ended.json["records"]]) == (0, [LAST + 1, LAST])
    assert ended.json["records"][0]["record"] == f"{url}1/"
    for wrong, code in ((f"{url}3", 2), ("s3://UPPER/x", 2), ("s3://no-such-bucket-of-ours/records", 1)):
        assert in_process("verify", wrong, "--world", address).exit == code, wrong
