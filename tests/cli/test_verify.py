"""Records by the command line: found by name, proved, and named where they are broken."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from drcore.record.events import FIRST, FORMAT, Kind
from drcore.record.files import JOURNAL, MANIFEST, PARAMETERS
from tests.support.command import COMMAND, contents, in_process
from tests.support.sealed_records import write, writing


@pytest.mark.parametrize("name", ["f-cli-drill", "f-cli", "path"])
def test_a_run_should_be_found_by_its_id_the_start_of_it_or_its_path(name: str, record: Path) -> None:
    ended = in_process("verify", record if name == "path" else name, "--records", record.parent)
    assert ended.exit == 0
    assert re.match(r"HOLDS   \d+ lines, head [0-9a-f]{64}\n", ended.out)


def test_a_start_that_two_runs_have_should_name_both_and_a_whole_id_should_win(tmp_path: Path) -> None:
    for name in ("f-a", "f-a-1", "f-a-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / PARAMETERS).write_text("{}")
        (tmp_path / name / JOURNAL).write_text("")
    ended = in_process("resume", "f-a-", "--records", tmp_path)
    assert ended.exit == 2
    assert "seen f-a-1, f-a-2" in ended.err
    assert f"{tmp_path / 'f-a'}" in in_process("verify", "f-a", "--records", tmp_path, "--json").json["record"]


def test_verify_should_prove_each_run_of_a_start_and_exit_with_1_where_one_does_not_hold(
    record: Path, tmp_path: Path
) -> None:
    for name in ("f-1", "f-2"):
        shutil.copytree(record, tmp_path / name)
    assert in_process("verify", "f-", "--records", tmp_path).exit == 0
    with (tmp_path / "f-2" / PARAMETERS).open("a") as file:
        file.write(" ")
    ended = in_process("verify", "f-", "--records", tmp_path, "--json")
    assert ended.exit == 1
    assert (ended.json["holds"], [each["holds"] for each in ended.json["records"]]) == (False, [True, False])
    assert ended.out.index("f-1") < ended.out.index("HOLDS") < ended.out.index("f-2") < ended.out.index("BROKEN")


def test_verify_alone_should_prove_the_run_that_was_begun_last(record: Path, tmp_path: Path) -> None:
    written(tmp_path / "z-older", wall_time="2020-01-01T00:00:00.000Z")
    shutil.copytree(record, tmp_path / "a-newer")
    ended = in_process("verify", "--records", tmp_path, "--json")
    assert (ended.exit, ended.json["record"]) == (0, str(tmp_path / "a-newer"))
    assert str(tmp_path / "a-newer") in ended.out.splitlines()[0]


def test_a_reader_that_has_seen_enough_should_be_no_failure_of_the_machine(record: Path) -> None:
    """As `drcore verify | head -1`: the pipe is closed before everything was said."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run([*COMMAND, "verify", record], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert "this machine said" not in ran.stderr
    assert ran.returncode != 4


def test_verify_where_there_is_no_record_should_be_bad_input(tmp_path: Path) -> None:
    ended = in_process("verify", "--records", tmp_path)
    assert ended.exit == 2
    assert "seen none" in ended.err


def test_the_archives_copy_should_be_named_by_the_run_whatever_the_folder_is_called(
    record: Path, tmp_path: Path
) -> None:
    shutil.copytree(record, tmp_path / "mail")
    assert f"/records/{record.name}/manifest.json" in in_process("verify", tmp_path / "mail").out


def test_verify_should_tell_a_program_what_it_tells_a_person(record: Path) -> None:
    ended = in_process("verify", record, "--json")
    names = {"record", "holds", "complete", "being_written", "problems", "notes", "lines", "head", "archived"}
    assert set(ended.json) == names
    assert ended.json["holds"] is ended.json["complete"] is True
    assert ended.json["head"] in ended.out.splitlines()[0]
    assert ended.json["archived"].startswith("s3://")


def test_verify_should_exit_with_1_and_name_the_line_of_a_broken_record(record: Path, tmp_path: Path) -> None:
    broken = tmp_path / record.name
    shutil.copytree(record, broken)
    lines = (broken / JOURNAL).read_text().splitlines(keepends=True)
    lines[41] = lines[41].replace('"n":42', '"n":43')
    (broken / JOURNAL).write_text("".join(lines))
    ended = in_process("verify", broken, "--json")
    assert ended.exit == 1
    assert "BROKEN  line 42" in ended.out
    assert ended.json["holds"] is False
    assert ended.json["problems"][0].startswith("line 42")


def test_verify_should_exit_with_1_where_a_record_has_no_end(record: Path, tmp_path: Path) -> None:
    killed = tmp_path / record.name
    shutil.copytree(record, killed)
    (killed / MANIFEST).unlink()
    ended = in_process("verify", killed, "--json")
    assert ended.exit == 1
    assert re.match(r"INCOMPLETE \d+ lines, head [0-9a-f]{64}\n", ended.out)
    assert (ended.json["holds"], ended.json["complete"], ended.json["problems"]) == (True, False, [])


def test_verify_should_refuse_a_record_of_a_newer_format_and_say_which_drcore_it_takes(tmp_path: Path) -> None:
    written(tmp_path / "f-new", format=FORMAT + 1, packages={"drcore": "9.1.0"})
    ended = in_process("verify", "f-new", "--records", tmp_path, "--json")
    assert ended.exit == ended.json["exit"] == 2
    assert f"seen format {FORMAT + 1}. To read it takes drcore 9.1.0" in ended.json["message"]


def test_verify_should_exit_with_1_and_name_a_file_that_was_changed(record: Path, tmp_path: Path) -> None:
    broken = tmp_path / record.name
    shutil.copytree(record, broken)
    with (broken / PARAMETERS).open("a") as file:
        file.write(" ")
    ended = in_process("verify", broken)
    assert ended.exit == 1
    assert f"BROKEN  {PARAMETERS}: changed" in ended.out


def test_a_run_of_a_newer_format_should_not_be_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path / "f-new", format=FORMAT + 1, packages={"drcore": "9.1.0"})
    before = contents(tmp_path)
    ended = in_process("resume", "f-new", "--records", tmp_path, "--json")
    assert ended.exit == ended.json["exit"] == 3
    assert "To read it takes drcore 9.1.0" in ended.json["message"] and "Nothing was changed" in ended.json["message"]
    assert contents(tmp_path) == before


def written(folder: Path, **fields: object) -> None:
    """A record whose first line has these fields too."""
    first = {"n": 1, "time": "2026-01-05T09:00:00.000Z", "event": "host", **fields, "prev": FIRST}
    folder.mkdir()
    (folder / PARAMETERS).write_text("{}")
    (folder / JOURNAL).write_text(f"{json.dumps(first)}\n")


def test_a_folder_of_records_should_be_proved_record_by_record_the_broken_and_the_empty_too(
    record: Path, tmp_path: Path
) -> None:
    for name in ("a-good", "b-broken"):
        shutil.copytree(record, tmp_path / name)
    (tmp_path / "c-empty").mkdir()
    with (tmp_path / "b-broken" / PARAMETERS).open("a") as file:
        file.write(" ")
    ended = in_process("verify", tmp_path, "--json")
    told = {Path(each["record"]).name: each["holds"] for each in ended.json["records"]}
    assert (ended.exit, told) == (1, {"a-good": True, "b-broken": False, "c-empty": False})
    assert "UNREADABLE" in ended.out and "3/3 c-empty" in ended.err


def test_a_run_that_is_being_written_should_be_told_as_that(tmp_path: Path) -> None:
    """Its files may be written anew between two looks, so nothing is said of them."""
    folder = write(tmp_path / "t-1")
    with writing(folder) as record:
        record.append(Kind.OPENED_AGAIN)
        (folder / "evidence" / "rates.csv").write_text("half of what will stand the")
        ended = in_process("verify", folder, "--json")
        assert (ended.exit, ended.json["being_written"], ended.json["problems"]) == (1, True, [])
        assert "BEING WRITTEN" in ended.out and "INCOMPLETE" not in ended.out
    assert "BROKEN" in in_process("verify", folder).out, "now nobody is at work on it"


@pytest.mark.parametrize("name", ["/no/such/place", "no-such-run"])
def test_a_place_where_nothing_is_should_be_bad_input(name: str, tmp_path: Path) -> None:
    assert in_process("verify", name, "--records", tmp_path).exit == 2
